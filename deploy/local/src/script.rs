//! Runs the deployment's scripts, the same as for a real account, against the emulated AWS.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::ministack::{AWS_IDENTITY, signal};
use crate::progress::Step;

/// The environment of every script: the emulated AWS and nothing of the user's.
pub struct Scripts {
    root: PathBuf,
    env: Vec<(String, String)>,
}

impl Scripts {
    /// `env` is added to what leads the AWS CLI to `aws_url`.
    pub fn new(root: &Path, venv: &Path, aws_url: &str, env: Vec<(String, String)>) -> Self {
        let path = format!("{}:{}", venv.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let mut all = vec![("PATH".to_owned(), path), ("AWS_ENDPOINT_URL".to_owned(), aws_url.to_owned())];
        // A call that misses the endpoint reaches nothing.
        let guard = [("HTTP_PROXY", DEAD), ("HTTPS_PROXY", DEAD), ("http_proxy", DEAD), ("NO_PROXY", LOOPBACK)];
        all.extend(AWS_IDENTITY.into_iter().chain(guard).map(|(name, value)| (name.to_owned(), value.to_owned())));
        let kept = ["HOME", "LANG", "TMPDIR", "CARGO_TARGET_DIR", "FUNCTIONS_DIR"];
        all.extend(kept.into_iter().filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))));
        all.extend(env);
        Self { root: root.to_owned(), env: all }
    }

    /// Runs one of the operator's commands (`deploy/operate`) and shows its lines as the step's progress.
    pub async fn operate(&self, what: &str, step: &Step) -> Result<()> {
        let mut command = Command::new(self.root.join("deploy/operate.sh"));
        command.arg(what).env_clear().envs(self.env.iter().cloned());
        run(command.current_dir(&self.root), Some(step)).await.with_context(|| format!("{what} failed"))?;
        Ok(())
    }

    /// What `shell` prints, with the functions of `deploy/lib.sh` at hand.
    pub async fn ask(&self, shell: &str) -> Result<String> {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("source deploy/lib.sh; {shell}")]);
        command.env_clear().envs(self.env.iter().cloned());
        run(command.current_dir(&self.root), None).await.with_context(|| format!("{shell} failed"))
    }
}

/// Builds the functions' zips for this machine, in the user's own environment: cargo needs it.
pub async fn build(root: &Path, step: &Step) -> Result<()> {
    let mut command = Command::new(root.join("deploy/build.sh"));
    command.env_remove("ARCH").current_dir(root);
    run(&mut command, Some(step)).await.context("deploy/build.sh failed")?;
    Ok(())
}

const DEAD: &str = "http://127.0.0.1:9";
const LOOPBACK: &str = "127.0.0.1,localhost";

/// In a group of its own, which ends with this future: a Ctrl-C at the terminal is ours to pass on.
async fn run(command: &mut Command, step: Option<&Step>) -> Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    let _group = Group(child.id());
    let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else { bail!("no pipes") };
    let lines = async {
        let (mut all, mut lines) = (String::new(), BufReader::new(stdout).lines());
        while let Some(line) = lines.next_line().await? {
            if let Some(step) = step {
                step.at(line.trim());
            }
            all.push_str(&line);
            all.push('\n');
        }
        anyhow::Ok(all)
    };
    let mut errors = String::new();
    let (lines, _, status) = tokio::try_join!(lines, async { Ok(stderr.read_to_string(&mut errors).await?) }, async {
        Ok(child.wait().await?)
    })?;
    if !status.success() {
        bail!("{}", errors.trim());
    }
    Ok(lines)
}

struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            signal("KILL", &format!("-{leader}"));
        }
    }
}
