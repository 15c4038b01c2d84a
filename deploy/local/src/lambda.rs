//! Plays the Lambda service for one real function binary: one invocation at a time, a fresh process after a crash.
//! Nothing is shared with the function but its environment, its Runtime API and its output.

pub mod event;
mod process;
mod runtime_api;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use process::{Log, Process};
use runtime_api::RuntimeApi;
pub use runtime_api::TRACE_HEADER;

/// Lambda gives a function this long for its start.
const INIT: Duration = Duration::from_secs(10);

/// A deployed function. Its process is killed when this is dropped; if a test is failing then, its log is printed.
pub struct Function {
    binary: PathBuf,
    env: Vec<(String, String)>,
    log: Log,
    process: Mutex<Arc<Process>>,
    /// Held during an invocation: an execution environment has one at a time.
    turn: tokio::sync::Mutex<()>,
}

/// Why an invocation has no result.
#[derive(Clone, Debug, PartialEq)]
pub enum FunctionError {
    /// The function reported an error (`errorType`, `errorMessage`) for this invocation.
    Reported(Value),
    /// The process reported that it cannot start, or ended before it asked for an invocation.
    Init(String),
    /// The process ended in the middle of the invocation.
    Ended(String),
    /// The process was killed since the invocation took longer than this.
    TimedOut(Duration),
}

impl Function {
    /// Starts `binary` with Lambda's own variables and `env`, nothing inherited; returns once it waits for work.
    pub async fn start(binary: &Path, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let env: Vec<_> = env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let log = Log::default();
        let process = started(binary, &env, &log).await?;
        Ok(Self {
            binary: binary.into(),
            env,
            log,
            process: Mutex::new(Arc::new(process)),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// One invocation; those called at the same time wait for their turn. After `timeout` the process is killed, as
    /// Lambda does; a process that is gone is replaced first.
    pub async fn invoke(&self, event: Value, timeout: Duration) -> Result<Value, FunctionError> {
        let _turn = self.turn.lock().await;
        let process = self.living_process().await?;
        let answer = process.api.invoke(&event, timeout);
        tokio::select! {
            biased;
            Ok(result) = answer => result.map_err(FunctionError::Reported),
            status = process.ended() => Err(FunctionError::Ended(status)),
            () = tokio::time::sleep(timeout) => {
                process.kill().await;
                Err(FunctionError::TimedOut(timeout))
            }
        }
    }

    /// Kills the process wherever it is, as a crash would; the next invocation gets a new one.
    pub async fn kill(&self) {
        let process = Arc::clone(&self.process());
        process.kill().await;
    }

    /// Of the process that runs now, or ran last.
    pub fn process_id(&self) -> Option<u32> {
        self.process().id
    }

    /// What the function has printed so far, line by line, of all its processes.
    pub fn logs(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Ends the process, then returns its log to the last line.
    pub async fn finish(self) -> Vec<String> {
        self.kill().await;
        self.logs()
    }

    async fn living_process(&self) -> Result<Arc<Process>, FunctionError> {
        let process = Arc::clone(&self.process());
        if !process.has_ended() {
            return Ok(process);
        }
        let process = Arc::new(started(&self.binary, &self.env, &self.log).await?);
        *self.process() = Arc::clone(&process);
        Ok(process)
    }

    fn process(&self) -> MutexGuard<'_, Arc<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}\n---", self.binary.display(), self.logs().join("\n"));
        }
    }
}

async fn started(binary: &Path, env: &[(String, String)], log: &Log) -> Result<Process, FunctionError> {
    let api = RuntimeApi::start().await.map_err(|error| FunctionError::Init(error.to_string()))?;
    let process = Process::spawn(binary, env, log, api).map_err(|error| FunctionError::Init(error.to_string()))?;
    tokio::select! {
        biased;
        error = process.api.init_error() => return Err(FunctionError::Init(error)),
        () = process.api.ready() => {}
        status = process.ended() => {
            return Err(FunctionError::Init(format!("{status}\n{}", log.lines().join("\n"))));
        }
        () = tokio::time::sleep(INIT) => {
            process.kill().await;
            return Err(FunctionError::Init(format!("not ready after {INIT:?}\n{}", log.lines().join("\n"))));
        }
    }
    Ok(process)
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reported(error) => write!(f, "the function reported {error}"),
            Self::Init(why) => write!(f, "the function did not start: {why}"),
            Self::Ended(status) => write!(f, "the function's process ended: {status}"),
            Self::TimedOut(after) => write!(f, "the function was killed after {after:?}"),
        }
    }
}

impl std::error::Error for FunctionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_ends_before_its_first_invocation_did_not_start() {
        let Err(error) = Function::start(Path::new("/bin/false"), &[]).await else { panic!("it started") };
        assert!(error.to_string().contains("exit status: 1"), "{error}");
    }

    #[tokio::test]
    async fn a_function_inherits_nothing() {
        let Err(error) = Function::start(Path::new("/usr/bin/env"), &[("QUEUE_URL", "here")]).await else {
            panic!("it started")
        };
        let log = error.to_string();
        assert!(log.contains("\nQUEUE_URL=here") && log.contains("\nAWS_LAMBDA_RUNTIME_API=127.0.0.1:"), "{log}");
        assert!(!log.contains("\nHOME="), "{log}");
    }
}
