//! One `local run`: started as a user starts it, on ports and a state of its own, and ended with all that it started.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

/// A deployment takes 15 s, on a busy machine several times that; only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

static SHARED: Mutex<Weak<Run>> = Mutex::const_new(Weak::new());
static TURN: Mutex<()> = Mutex::const_new(());

pub(crate) struct Run {
    child: Child,
    folder: Arc<TempDir>,
    /// What the ready file says: addresses and the stacks' outputs.
    places: Value,
    pub(crate) http: reqwest::Client,
}

/// The run that tests share, for one of them at a time; it ends with the last test that has it.
pub(crate) async fn shared() -> (MutexGuard<'static, ()>, Arc<Run>) {
    let run = {
        let mut shared = SHARED.lock().await;
        match shared.upgrade() {
            Some(run) => run,
            None => {
                let run = Arc::new(Run::start(&folder(), &[]).await);
                *shared = Arc::downgrade(&run);
                run
            }
        }
    };
    (TURN.lock().await, run)
}

/// Where a run keeps its state and its output.
pub(crate) fn folder() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().unwrap())
}

impl Run {
    /// Starts it and waits until everything is deployed. `env` is all of the user's environment that counts.
    pub(crate) async fn start(folder: &Arc<TempDir>, env: &[(&str, &str)]) -> Self {
        let mut run = Self::spawn(folder, env);
        let ready = run.ready_file();
        run.until("it is ready", |run| {
            let ended = run.child.try_wait().unwrap();
            assert!(ended.is_none(), "`local run` ended ({}):\n{}", ended.unwrap(), run.output());
            ready.exists()
        })
        .await;
        run.places = serde_json::from_slice(&fs::read(ready).unwrap()).unwrap();
        run
    }

    /// Starts it, and no more.
    pub(crate) fn spawn(folder: &Arc<TempDir>, env: &[(&str, &str)]) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        assert!(root.join(".venv/ready").exists(), "the emulated AWS is missing: `make .venv` makes it");
        let program = Path::new(env!("CARGO_BIN_EXE_local"));
        let binaries = program.parent().unwrap();
        for program in ["ingress", "worker", "operate"] {
            assert!(binaries.join(program).exists(), "{program} is missing: `cargo build --workspace` builds it");
        }
        let output = File::options().create(true).append(true).open(folder.path().join("output")).unwrap();
        let mut command = Command::new(program);
        command.args(["run", "--port=0", "--aws-port=0", "--telegram-port=0", "--gemini-port=0"]);
        command.arg("--state").arg(folder.path().join("state"));
        command.arg("--ready-file").arg(folder.path().join("ready.json"));
        // Nothing else of the user's: a real bot's token may be there.
        let kept = ["PATH", "HOME", "TMPDIR", "LANG", "CARGO_TARGET_DIR"];
        command.env_clear().envs(kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("FUNCTIONS_DIR", binaries).envs(env.iter().copied()).current_dir(&root);
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let child = command.spawn().unwrap();
        let http = local::http::loopback().timeout(Duration::from_secs(30)).build().unwrap();
        Self { child, folder: folder.clone(), places: Value::Null, http }
    }

    /// An address or output by its name in the ready file.
    pub(crate) fn place(&self, name: &str) -> &str {
        self.places[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.places))
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn ready_file(&self) -> PathBuf {
        self.folder.path().join("ready.json")
    }

    /// What it has printed so far, runs before it in the same folder included.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("output")).unwrap()
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        self.until("it ends", |run| {
            status = run.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    async fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "waited in vain until {what}:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Also after a failed test: what it started is in process groups of their own, which only it knows to end.
impl Drop for Run {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.interrupt();
            drop(self.child.wait());
        }
    }
}
