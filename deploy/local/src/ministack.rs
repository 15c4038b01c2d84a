//! The emulated AWS: one ministack process on loopback with an environment of its own, so that nothing of the
//! user's AWS set-up reaches it and nothing it starts reaches the world. It ends with its functions, however it ends.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command as StdCommand, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// It needs about 2 s, on a busy machine several times that.
const START: Duration = Duration::from_secs(60);
/// State is written during this time; afterwards the process group is killed.
const STOP: Duration = Duration::from_secs(10);

pub struct Options {
    /// The virtual environment that `make .venv` makes.
    pub venv: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Where state outlives a restart; `None` keeps nothing.
    pub state_dir: Option<PathBuf>,
    /// Added to its environment, which every function inherits; wins over what is set here.
    pub env: Vec<(String, String)>,
}

/// A running ministack. Dropped, it is killed without saving; [`Ministack::stop`] is the orderly way.
pub struct Ministack {
    child: Child,
    group: u32,
    port: u16,
    dir: PathBuf,
    keep: bool,
}

impl Ministack {
    /// Starts it and waits until it answers. Errors say what to do: the port is taken, the venv is not there.
    pub async fn start(options: Options) -> Result<Self> {
        let program = options.venv.join("bin/ministack");
        ensure!(program.exists(), "{} is missing: `make .venv` makes it", program.display());
        let port = if options.port == 0 { free_port()? } else { options.port };
        TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port} is taken by another program"))?;
        let keep = options.state_dir.is_some();
        let dir = options.state_dir.unwrap_or_else(|| scratch_dir(port));
        fs::create_dir_all(dir.join("tmp")).with_context(|| format!("creating {}", dir.display()))?;
        follow_port(&dir, port).context("moving the kept state to another port")?;

        let log = File::create(log_file(&dir))?;
        let child = Command::new(&program)
            .env_clear()
            .envs(environment(&options.venv, port, &dir, keep))
            .envs(options.env)
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let group = child.id().context("ministack ended at once")?;
        fs::write(pid_file(&dir), group.to_string())?;
        let mut ministack = Self { child, group, port, dir, keep };
        ministack.wait_until_healthy().await?;
        Ok(ministack)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it and its functions printed.
    pub fn log_file(&self) -> PathBuf {
        log_file(&self.dir)
    }

    /// Waits until it ends by itself, which it should not; returns what it said last.
    pub async fn ended(&mut self) -> String {
        drop(self.child.wait().await);
        self.last_words()
    }

    /// Ends it in order: state is saved, then the whole process group ends.
    pub async fn stop(mut self) -> Result<()> {
        signal("TERM", &self.group.to_string());
        // Too slow is not an error here: dropping `self` kills what is left.
        let ended = tokio::time::timeout(STOP, self.child.wait()).await;
        ensure!(ended.is_ok(), "ministack did not end within {} s: killed, its state may be old", STOP.as_secs());
        Ok(())
    }

    async fn wait_until_healthy(&mut self) -> Result<()> {
        let health = format!("{}/_ministack/health", self.url());
        let client = crate::http::loopback().timeout(Duration::from_secs(2)).build()?;
        let deadline = Instant::now() + START;
        loop {
            if client.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("ministack ended at its start ({status}):\n{}", self.last_words());
            }
            ensure!(Instant::now() < deadline, "ministack is not up after {START:?}:\n{}", self.last_words());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        signal("KILL", &format!("-{}", self.group));
        // Nothing to do about a file that cannot be removed: the next start overwrites it.
        if self.keep {
            drop(fs::remove_file(pid_file(&self.dir)));
        } else {
            drop(fs::remove_dir_all(&self.dir));
        }
    }
}

/// Ends a ministack that a killed run left behind in this state directory. True if there was one.
pub async fn end_left_over(venv: &Path, state_dir: &Path) -> Result<bool> {
    let Ok(pid) = fs::read_to_string(pid_file(state_dir)) else { return Ok(false) };
    let pid = pid.trim().to_owned();
    // The number may belong to another program by now: only our own venv's ministack is ended.
    let ours = venv.join("bin/ministack");
    let is_ours = || command_line(&pid).is_some_and(|line| line.contains(&*ours.to_string_lossy()));
    let left_over = pid.parse::<u32>().is_ok_and(|pid| pid > 1) && is_ours();
    if left_over {
        signal("TERM", &pid);
        let deadline = Instant::now() + STOP;
        while is_ours() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        signal("KILL", &format!("-{pid}"));
    }
    fs::remove_file(pid_file(state_dir))?;
    Ok(left_over)
}

/// It knows its queues by their URLs, which hold the port: without this, nobody would read a queue that was made
/// on another one.
fn follow_port(dir: &Path, port: u16) -> Result<()> {
    let file = dir.join("port");
    let before = fs::read_to_string(&file).unwrap_or_default();
    let (old, new) = (format!("//127.0.0.1:{before}/"), format!("//127.0.0.1:{port}/"));
    if !before.is_empty() && old != new {
        for entry in fs::read_dir(dir.join("state")).into_iter().flatten() {
            let path = entry?.path();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            if text.contains(&old) {
                fs::write(path, text.replace(&old, &new))?;
            }
        }
    }
    Ok(fs::write(file, port.to_string())?)
}

/// A port that nobody listens on right now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn environment(venv: &Path, port: u16, dir: &Path, keep: bool) -> Vec<(&'static str, OsString)> {
    let mut path = venv.join("bin").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut env: Vec<(&str, OsString)> = vec![
        ("PATH", path),
        ("HOME", dir.into()),
        ("TMPDIR", dir.join("tmp").into()),
        ("BIND_HOST", "127.0.0.1".into()),
        ("MINISTACK_HOST", "127.0.0.1".into()),
        ("GATEWAY_PORT", port.to_string().into()),
        ("SFTP_ENABLED", "0".into()),
        ("IOT_MTLS_ENABLED", "0".into()),
        // It cleans up containers at its start and end: not the user's.
        ("DOCKER_HOST", "unix:///dev/null".into()),
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}").into()),
        // A call that misses the endpoint reaches nothing.
        ("HTTP_PROXY", "http://127.0.0.1:9".into()),
        ("HTTPS_PROXY", "http://127.0.0.1:9".into()),
        ("NO_PROXY", "127.0.0.1,localhost".into()),
    ];
    env.extend(AWS_IDENTITY.map(|(name, value)| (name, value.into())));
    if keep {
        env.extend([("PERSIST_STATE", "1".into()), ("STATE_DIR", dir.join("state").into())]);
        env.extend([("S3_PERSIST", "1".into()), ("S3_DATA_DIR", dir.join("s3").into())]);
    }
    env
}

/// Nobody's credentials, for ministack, its functions and the scripts that deploy to it.
pub const AWS_IDENTITY: [(&str, &str); 7] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("AWS_CONFIG_FILE", "/dev/null"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

fn scratch_dir(port: u16) -> PathBuf {
    std::env::temp_dir().join(format!("lambdagram-{}-{port}", std::process::id()))
}

fn log_file(dir: &Path) -> PathBuf {
    dir.join("ministack.log")
}

fn pid_file(dir: &Path) -> PathBuf {
    dir.join("ministack.pid")
}

fn command_line(pid: &str) -> Option<String> {
    if let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) {
        return Some(String::from_utf8_lossy(&line).replace('\0', " "));
    }
    let ps = StdCommand::new("ps").args(["-o", "command=", "-p", pid]).stderr(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&ps.stdout).into_owned())
}

/// `target`: a process id, or a group's with a minus sign. It may be gone already: that is what was wanted.
pub(crate) fn signal(name: &str, target: &str) {
    let kill = StdCommand::new("kill").args(["-s", name, "--", target]).stderr(Stdio::null()).status();
    drop(kill);
}
