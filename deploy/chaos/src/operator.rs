//! The operator: the real `replay` command on the simulated queues, run again until it says that all is done.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use local::serve::Server;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::door::Door;
use crate::event::Event;
use crate::sqs;
use crate::world::World;

/// So many runs must be enough where nothing fails; where it does, an operator waits until it is over.
const RUNS: usize = 50;
/// Exit codes of the command's own: a service refused, and Ctrl-C.
const FAILED: i32 = 1;
const INTERRUPTED: i32 = 130;

pub struct Operator {
    binary: PathBuf,
    world: Arc<World>,
    door: Arc<Door>,
    server: Server,
}

impl Operator {
    /// # Errors
    /// When there is no port for its door.
    pub async fn open(binaries: &Path, world: &Arc<World>) -> Result<Self> {
        let (door, server) = Door::open("operator".to_owned(), Arc::clone(world)).await?;
        Ok(Self { binary: binaries.join("replay"), world: Arc::clone(world), door, server })
    }

    /// All of the dead-letter queue but what is foreign. The first runs get a Ctrl-C each, after so many messages;
    /// returns how many of them were interrupted by it.
    ///
    /// # Errors
    /// When the command fails otherwise than by a service's refusal, or does not come to its end although nothing fails.
    pub async fn replay(&self, interrupts: &[usize]) -> Result<usize> {
        let mut interrupted = 0;
        for n in 0..RUNS {
            match self.run(interrupts.get(n).copied()).await? {
                Some(0) => return Ok(interrupted),
                Some(INTERRUPTED) => interrupted += 1,
                // Killed, or a service refused.
                None | Some(FAILED) => {}
                Some(code) => bail!("replay ended with exit code {code}"),
            }
        }
        if self.world.lock().plan.has_ended() {
            bail!("replay does not come to its end");
        }
        Ok(interrupted)
    }

    /// The exit code; `None` if it was killed.
    async fn run(&self, interrupt_after: Option<usize>) -> Result<Option<i32>> {
        self.door.alive();
        let mut child = self.start()?;
        let pid = child.id().context("replay has no process")?;
        let code = tokio::select! {
            status = child.wait() => status?.code(),
            () = self.door.killed.notified() => {
                child.kill().await?;
                None
            }
            never = self.interrupt(pid, interrupt_after) => match never? {},
        };
        // What it still holds is seen again sooner than on AWS, so that a run ends.
        self.world.lock().dead.show_all();
        if code == Some(2) {
            bail!("replay does not know its own command line: {}", said(&mut child).await);
        }
        Ok(code)
    }

    fn start(&self) -> Result<Child> {
        let url = self.server.url();
        let mut command = Command::new(&self.binary);
        command.arg("replay").env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.envs([("AWS_REGION", "us-east-1"), ("AWS_EC2_METADATA_DISABLED", "true")]);
        command.envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_ENDPOINT_URL", &url)]);
        command.env("QUEUE_URL", format!("{url}/{}", sqs::UPDATES)).env("DLQ_URL", format!("{url}/{}", sqs::DEAD));
        command.env("S3_BUCKET", "bucket").kill_on_drop(true);
        command.spawn().with_context(|| format!("starting {}", self.binary.display()))
    }

    /// Ctrl-C when so many more are sent, and then nothing.
    async fn interrupt(&self, pid: u32, after: Option<usize>) -> Result<std::convert::Infallible> {
        if let Some(after) = after {
            let (mut seen, mut sent) = (self.world.lock().log.len(), 0);
            while sent < after {
                tokio::time::sleep(Duration::from_millis(5)).await;
                sent += self.sent_since(&mut seen);
            }
            let status = Command::new("kill").args(["-INT", &pid.to_string()]).status().await?;
            anyhow::ensure!(status.success(), "kill -INT did not work");
        }
        std::future::pending().await
    }

    fn sent_since(&self, seen: &mut usize) -> usize {
        let state = self.world.lock();
        let fresh = state.log.iter().skip(std::mem::replace(seen, state.log.len()));
        fresh.filter(|entry| matches!(entry.event, Event::Replayed { .. })).count()
    }
}

async fn said(child: &mut Child) -> String {
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        // What cannot be read is not told.
        drop(stderr.read_to_string(&mut said).await);
    }
    said
}
