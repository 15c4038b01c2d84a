//! The function's process: Lambda's variables and nothing inherited, its output kept line by line.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinHandle};

use super::runtime_api::RuntimeApi;

/// What the function's processes printed, both streams in the order of arrival.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, stream: Option<impl AsyncRead + Unpin + Send + 'static>) -> JoinHandle<()> {
        let log = self.clone();
        tokio::spawn(async move {
            let Some(stream) = stream else { return };
            let mut lines = BufReader::new(stream).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                let line = String::from_utf8_lossy(&line).into_owned();
                log.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        })
    }
}

pub(super) struct Process {
    pub(super) api: RuntimeApi,
    pub(super) id: Option<u32>,
    /// The exit status in words, once it ended and its output is read to the end.
    ended: watch::Receiver<Option<String>>,
    killed: Arc<Notify>,
    /// Owns the child, which dies with it.
    watcher: AbortHandle,
}

impl Process {
    pub(super) fn spawn(binary: &Path, env: &[(String, String)], log: &Log, api: RuntimeApi) -> std::io::Result<Self> {
        let mut child = command(binary, env, &api.address()).spawn()?;
        let id = child.id();
        let output = [log.keep(child.stdout.take()), log.keep(child.stderr.take())];
        let (status, ended) = watch::channel(None);
        let killed = Arc::new(Notify::new());
        let watcher = tokio::spawn(watch_over(child, output, Arc::clone(&killed), status)).abort_handle();
        Ok(Self { api, id, ended, killed, watcher })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    pub(super) async fn ended(&self) -> String {
        match self.ended.clone().wait_for(Option::is_some).await {
            Ok(status) => status.clone().unwrap_or_default(),
            Err(_) => "nobody watches it any more".to_owned(),
        }
    }

    /// SIGKILL; returns when the process is gone.
    pub(super) async fn kill(&self) {
        self.killed.notify_one();
        self.ended().await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

async fn watch_over(
    mut child: Child,
    output: [JoinHandle<()>; 2],
    killed: Arc<Notify>,
    status: watch::Sender<Option<String>>,
) {
    let ended = tokio::select! {
        ended = child.wait() => ended,
        () = killed.notified() => {
            drop(child.start_kill());
            child.wait().await
        }
    };
    for stream in output {
        drop(stream.await);
    }
    status.send_replace(Some(ended.map_or_else(|error| error.to_string(), |status| status.to_string())));
}

fn command(binary: &Path, env: &[(String, String)], runtime_api: &str) -> Command {
    let task_root = binary.parent().unwrap_or(Path::new("/"));
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "test")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_SESSION_TOKEN", "test")
        // A test that forgets an endpoint reaches nothing, in place of the real AWS.
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("_HANDLER", "bootstrap")
        .env("LAMBDA_TASK_ROOT", task_root)
        .env("LAMBDA_RUNTIME_DIR", task_root)
        .env("LANG", "en_US.UTF-8")
        .env("TZ", ":UTC")
        .envs(env.iter().map(|(name, value)| (name, value)))
        .current_dir(task_root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
