//! The AWS CLI as a child process: whoever can use it can deploy, be it by SSO, a profile, a role with MFA or keys.
//! Only calls and flags that versions 1 and 2 share are made. What is secret goes in by stdin, never as an argument.

use std::ffi::OsStr;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::trouble::Trouble;

/// What is passed to `call_with` as an argument's value, to have it read from stdin.
pub const STDIN: &str = "file:///dev/stdin";

#[derive(Clone)]
pub struct Aws {
    endpoint: Option<String>,
    region: Option<String>,
}

impl Aws {
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self { endpoint: variable("AWS_ENDPOINT_URL"), region: variable("AWS_REGION") }
    }

    /// The same AWS elsewhere.
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: Some(region.to_owned()), ..self.clone() }
    }

    /// The emulated AWS, where there is one.
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// One call, e.g. `["sts", "get-caller-identity"]`; its JSON, `Null` where it prints nothing.
    ///
    /// # Errors
    /// A [`Trouble`], which says what to do; an `anyhow` one when the CLI cannot be run or understood.
    pub async fn call<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Value> {
        self.call_with(args, "").await
    }

    /// As [`Aws::call`], with something to read: an argument's value is then [`STDIN`].
    ///
    /// # Errors
    /// As [`Aws::call`].
    pub async fn call_with<S: AsRef<OsStr>>(&self, args: &[S], stdin: &str) -> Result<Value> {
        let printed = self.print(args, stdin).await?;
        if printed.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&printed).map_err(|_| anyhow::anyhow!("{} printed no JSON", named(args)))
    }

    async fn print<S: AsRef<OsStr>>(&self, args: &[S], stdin: &str) -> Result<String> {
        let mut command = Command::new("aws");
        command.args(args).args(["--output", "json"]);
        // Version 1's `aws sqs` ignores the variable, and version 2.9 does not know it: both would reach the real service.
        if let Some(endpoint) = &self.endpoint {
            command.args(["--endpoint-url", endpoint]);
        }
        // Version 1 knows only the second name.
        if let Some(region) = &self.region {
            command.env("AWS_REGION", region).env("AWS_DEFAULT_REGION", region);
        }
        command.env("AWS_PAGER", "").env("AWS_CLI_AUTO_PROMPT", "off").kill_on_drop(true);
        // In whatever language this machine speaks: what goes in and out is UTF-8. The first is for version 2 as AWS ships
        // it, the last for a CLI that the system's Python runs.
        command.env("AWS_CLI_FILE_ENCODING", "UTF-8").env("AWS_CLI_OUTPUT_ENCODING", "UTF-8").env("PYTHONUTF8", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!(
                    "the AWS CLI is missing: https://docs.aws.amazon.com/cli (on Debian and Ubuntu, apt install awscli)"
                )
            }
            Err(error) => return Err(error).context("running the AWS CLI"),
        };
        if let Some(mut pipe) = child.stdin.take() {
            // A call that fails early reads nothing; its own words say more than the broken pipe.
            drop(pipe.write_all(stdin.as_bytes()).await);
        }
        let output = child.wait_with_output().await.context("running the AWS CLI")?;
        if !output.status.success() {
            return Err(Trouble::read(&String::from_utf8_lossy(&output.stderr)).during(&named(args)).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The region that calls go to, as the CLI itself finds it.
    pub async fn region(&self) -> Option<String> {
        let from_environment = ["AWS_REGION", "AWS_DEFAULT_REGION"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        if from_environment.is_some() {
            return from_environment;
        }
        configured("region").await
    }

    /// Whether the CLI writes down what it sends and gets, secrets too. No variable turns that off for one call.
    pub async fn keeps_a_history(&self) -> bool {
        configured("cli_history").await.as_deref() == Some("enabled")
    }
}

/// A setting in the CLI's own files, of the profile that is in use.
async fn configured(name: &str) -> Option<String> {
    let mut command = Command::new("aws");
    let output = command.args(["configure", "get", name]).stdin(Stdio::null()).output().await.ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|value| !value.is_empty())
}

/// A call's name for people: `aws s3api head-object`.
fn named<S: AsRef<OsStr>>(args: &[S]) -> String {
    let words: Vec<_> = args.iter().take(2).map(|arg| arg.as_ref().to_string_lossy()).collect();
    format!("aws {}", words.join(" "))
}
