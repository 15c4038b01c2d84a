//! A dead-letter queue, an updates queue and a bucket for one test, and the command to run on them.

use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use local::aws::{self, Queue};
use local::ministack::{AWS_IDENTITY, Ministack};
use serde_json::{Value, json};
use shared::{ConversationKey, Envelope, Failed, envelope};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

pub(crate) const WORDS: &str = "my secret words";
const BINARY: &str = env!("CARGO_BIN_EXE_replay");

pub(crate) struct World {
    pub(crate) dlq: Queue,
    pub(crate) updates: Queue,
    pub(crate) name: String,
    s3: aws_sdk_s3::Client,
    aws: Arc<Ministack>,
}

/// What a run of the command left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) async fn start(name: &str) -> Self {
        let aws = aws::shared().await.unwrap();
        let name = &format!("operator-{name}");
        let dlq = Queue::create(&aws.url(), &format!("{name}-dlq.fifo")).await.unwrap();
        let updates = Queue::create(&aws.url(), &format!("{name}.fifo")).await.unwrap();
        let s3 = s3(&aws.url());
        s3.create_bucket().bucket(name).send().await.unwrap();
        Self { dlq, updates, name: name.to_owned(), s3, aws }
    }

    /// An update that the worker gave up `age_s` ago.
    pub(crate) async fn dead(&self, update_id: u64, conversation: &str, age_s: u64) {
        self.dlq.send(conversation, &format!("dead-{update_id}"), &body(update_id, conversation, age_s)).await.unwrap();
    }

    /// Many, ten conversations by turns: update `n` is of conversation `n % 10`.
    pub(crate) async fn many_dead(&self, update_ids: std::ops::Range<u64>) {
        let conversations = (0..10).map(|conversation| {
            let mine = update_ids.clone().filter(move |update_id| update_id % 10 == conversation);
            async move {
                for update_id in mine {
                    self.dead(update_id, &conversation.to_string(), 60).await;
                }
            }
        });
        futures_util::future::join_all(conversations).await;
    }

    /// What the worker remembers of the conversation's failures, beside everything else in its object.
    pub(crate) async fn remembers(&self, conversation: &str, failed: &[(u64, &str, &str)]) {
        let key = conversation.parse::<ConversationKey>().unwrap().object_key();
        let failed = failed.iter().map(|(update_id, class, error)| {
            let (class, error) = ((*class).to_owned(), (*error).to_owned());
            json!(Failed { update_id: *update_id, class, error, attempts: 12, at_ms: now_ms() - 1000 })
        });
        let object = json!({ "version": 1, "turns": [], "done": [1], "failed": failed.collect::<Vec<Value>>() });
        self.put_object(&key, object.to_string().as_bytes()).await;
    }

    pub(crate) async fn put_object(&self, key: &str, bytes: &[u8]) {
        let bytes = ByteStream::from(bytes.to_vec());
        self.s3.put_object().bucket(&self.name).key(key).body(bytes).send().await.unwrap();
    }

    pub(crate) async fn run(&self, args: &[&str]) -> Ended {
        let output = self.command(args).output().await.unwrap();
        Ended::from(output)
    }

    /// Its JSON, after it ended well.
    pub(crate) async fn json(&self, args: &[&str]) -> Value {
        let ended = self.run(&[args, &["--json"]].concat()).await;
        assert_eq!(ended.code, 0, "{ended:?}");
        serde_json::from_str(&ended.out).unwrap()
    }

    pub(crate) fn begin(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// On a terminal, with what is typed there as soon as it holds all that can be held.
    pub(crate) async fn run_on_a_terminal(&self, args: &str, typed: &str) -> Ended {
        let mut command = self.environment("script");
        command.args(["-qec", &format!("{BINARY} {args}"), "/dev/null"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        wait_for(async || self.dlq.depth().await.unwrap().1 > 0).await;
        stdin.write_all(typed.as_bytes()).await.unwrap();
        let output = child.wait_with_output().await.unwrap();
        drop(stdin);
        Ended::from(output)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.environment(BINARY);
        command.args(args).stdin(Stdio::null());
        command
    }

    fn environment(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(AWS_IDENTITY).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("AWS_ENDPOINT_URL", self.aws.url()).env("S3_BUCKET", &self.name);
        command.env("DLQ_URL", &self.dlq.url).env("QUEUE_URL", &self.updates.url);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// The update ids on the updates queue, in order of their delivery, and the queue is empty then.
    pub(crate) async fn resent(&self) -> Vec<u64> {
        ids(&self.updates).await
    }

    /// Those left in the dead-letter queue, which is empty then.
    pub(crate) async fn left(&self) -> Vec<u64> {
        ids(&self.dlq).await
    }

    pub(crate) async fn wait_until_resent(&self, count: u64) {
        wait_for(async || self.updates.depth().await.unwrap().0 >= count).await;
    }
}

async fn wait_for(there: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !there().await {
        assert!(tokio::time::Instant::now() < deadline, "it did not come to that");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

async fn ids(queue: &Queue) -> Vec<u64> {
    let messages = queue.drain().await.unwrap();
    messages.iter().map(|message| Envelope::open(message.body().unwrap()).unwrap().update_id).collect()
}

pub(crate) fn body(update_id: u64, conversation: &str, age_s: u64) -> String {
    let update = format!(r#"{{"update_id":{update_id}, "message":{{"message_id":1,"text":"{WORDS} é\u0001"}}}}"#);
    let received_at = now_ms() - age_s * 1000;
    let conversation = conversation.parse().unwrap();
    let update = serde_json::from_str(&update).unwrap();
    Envelope { version: envelope::VERSION, update_id, conversation, received_at, update }.seal()
}

/// As Ctrl-C does it.
pub(crate) fn interrupt(child: &Child) {
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn s3(endpoint: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    aws_sdk_s3::Client::from_conf(config.build())
}
