//! A world for one test: the real worker, a queue and a bucket of its own, and the simulated Telegram and Gemini.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::Message;
use local::aws::{self, Queue};
use local::corpus::{BOT_ID, BOT_USERNAME};
use local::fault::{Fault, Kind};
use local::gemini::{self, Gemini};
use local::lambda::{Function, event};
use local::ministack::Ministack;
use local::telegram::{self, Call, Incoming, Telegram};
use serde_json::value::RawValue;
use serde_json::{Value, json};

pub(crate) const ADA: i64 = 1001;
pub(crate) const GRACE: i64 = 1002;
pub(crate) const FOX_CLUB: i64 = -1_001_234_567_890;
pub(crate) const KEY: &str = "simulated-key-of-no-worth";
/// The template gives the worker two minutes.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Fewer than the template's, so that the last attempt comes soon.
pub(crate) const MAX_RECEIVE_COUNT: u32 = 4;

pub(crate) struct World {
    pub(crate) telegram: Telegram,
    pub(crate) gemini: Gemini,
    pub(crate) queue: Queue,
    pub(crate) dlq: Queue,
    pub(crate) worker: Function,
    name: String,
    token: String,
    s3: aws_sdk_s3::Client,
    _aws: Arc<Ministack>,
}

impl World {
    /// Everybody may talk to the bot.
    pub(crate) async fn start(name: &str) -> Self {
        Self::start_with(name, &[]).await
    }

    /// `env` wins over what a world has by itself; an empty value unsets.
    pub(crate) async fn start_with(name: &str, env: &[(&str, &str)]) -> Self {
        let aws = aws::shared().await.unwrap();
        let token = format!("{BOT_ID}:AAH5simulated-token-of-no-worth-xyz");
        let username = BOT_USERNAME.to_owned();
        let options = telegram::Options { token: token.clone(), username, ..telegram::Options::default() };
        let telegram = Telegram::start(options).await.unwrap();
        let gemini = Gemini::start(gemini::Options { port: 0, api_key: KEY.to_owned() }).await.unwrap();
        let (queue, dlq) =
            Queue::create_with_dlq(&aws.url(), &format!("{name}.fifo"), MAX_RECEIVE_COUNT).await.unwrap();
        let s3 = s3(&aws.url());
        s3.create_bucket().bucket(name).send().await.unwrap();
        let mut all = vec![
            ("AWS_ENDPOINT_URL", aws.url()),
            ("QUEUE_URL", queue.url.clone()),
            ("S3_BUCKET", name.to_owned()),
            ("TELEGRAM_API_URL", telegram.url()),
            ("TELEGRAM_TOKEN", token.clone()),
            ("GEMINI_API_URL", format!("{}/v1beta", gemini.url())),
            ("GEMINI_API_KEY", KEY.to_owned()),
            ("ALLOWED_CHATS", "*".to_owned()),
        ];
        all.retain(|(name, _)| env.iter().all(|(replaced, _)| replaced != name));
        let all: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_str())).chain(env.iter().copied()).collect();
        let worker = start_worker(&all).await.unwrap();
        Self { telegram, gemini, queue, dlq, worker, name: name.to_owned(), token, s3, _aws: aws }
    }

    /// Writes, lets the worker answer, and returns what the bot said in that chat.
    pub(crate) async fn says(&self, chat_id: i64, text: &str) -> Vec<Call> {
        let before = self.calls_so_far();
        self.writes(chat_id, text);
        self.deliver().await;
        assert_eq!(self.work().await, NOTHING, "it stays on the queue");
        self.said_since(before, chat_id)
    }

    pub(crate) fn writes(&self, chat_id: i64, text: &str) -> telegram::Written {
        self.telegram.user_writes(Incoming { chat_id, text: text.to_owned(), ..Incoming::default() }).unwrap()
    }

    /// What the ingress would do with everything that Telegram has for the bot. Returns the updates.
    pub(crate) async fn deliver(&self) -> Vec<Value> {
        #[derive(serde::Deserialize)]
        struct Updates<'a> {
            #[serde(borrow)]
            result: Vec<&'a RawValue>,
        }
        let mut delivered = Vec::new();
        loop {
            let body = self.call_telegram("getUpdates", &json!({ "offset": next_id(&delivered) })).await;
            let updates: Updates<'_> = serde_json::from_str(&body).unwrap();
            if updates.result.is_empty() {
                return delivered;
            }
            for raw in updates.result {
                let update: Value = serde_json::from_str(raw.get()).unwrap();
                let message = &update["message"];
                let conversation = match message["message_thread_id"].as_i64() {
                    Some(thread_id) if message["is_topic_message"] == true => {
                        format!("{}:{thread_id}", message["chat"]["id"])
                    }
                    _ => message["chat"]["id"].to_string(),
                };
                self.enqueue(&update["update_id"].to_string(), &conversation, raw.get()).await;
                delivered.push(update);
            }
        }
    }

    /// Puts an update on the queue as the ingress does.
    pub(crate) async fn enqueue(&self, update_id: &str, conversation: &str, raw: &str) {
        self.queue.send(conversation, update_id, &envelope(update_id, conversation, raw)).await.unwrap();
    }

    /// One batch. Returns the messages that stay, as the ids of their updates.
    pub(crate) async fn work(&self) -> Vec<u64> {
        let batch = self.queue.receive().await.unwrap();
        assert!(!batch.is_empty(), "there is nothing to do");
        self.work_on(&batch).await.iter().map(update_id).collect()
    }

    /// As the event source mapping does it: what the function does not report as failed is deleted.
    pub(crate) async fn work_on(&self, batch: &[Message]) -> Vec<Message> {
        let answer = self.worker.invoke(event::sqs_event(batch), TIMEOUT).await.unwrap();
        let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
        let failed: Vec<&str> = failures.map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect();
        let (kept, done): (Vec<_>, Vec<_>) =
            batch.iter().cloned().partition(|message| failed.contains(&message.message_id().unwrap()));
        for message in &done {
            // The worker has deleted it by itself, unless it could not.
            drop(self.queue.delete(message).await);
        }
        kept
    }

    /// Works until the queue is empty: what waits for another attempt is seen again after a few seconds.
    pub(crate) async fn wait_for_work(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.queue.depth().await.unwrap() != (0, 0) {
            assert!(Instant::now() < deadline, "the queue does not get empty");
            match self.queue.receive().await.unwrap() {
                nothing if nothing.is_empty() => tokio::time::sleep(Duration::from_millis(100)).await,
                batch => drop(self.work_on(&batch).await),
            }
        }
    }

    /// Everything that the bot has sent to a chat after `before` calls, actions aside.
    pub(crate) fn said_since(&self, before: usize, chat_id: i64) -> Vec<Call> {
        let calls = self.telegram.calls().into_iter().skip(before);
        calls.filter(|call| call.chat_id == Some(chat_id) && call.effect && is_reply(call)).collect()
    }

    pub(crate) fn calls_so_far(&self) -> usize {
        self.telegram.calls().len()
    }

    /// How often Gemini was asked.
    pub(crate) fn asked(&self) -> usize {
        self.gemini.calls().len()
    }

    /// The texts of Gemini's latest request, oldest first.
    pub(crate) fn last_question(&self) -> Vec<String> {
        let request = self.gemini.calls().pop().unwrap().request;
        let parts = request["contents"].as_array().unwrap().iter().flat_map(|turn| turn["parts"].as_array().unwrap());
        parts.filter_map(|part| part["text"].as_str().map(str::to_owned)).collect()
    }

    pub(crate) async fn object(&self, key: &str) -> Option<Vec<u8>> {
        let object = self.s3.get_object().bucket(&self.name).key(key).send().await.ok()?;
        Some(object.body.collect().await.unwrap().to_vec())
    }

    /// The conversation's object as text; empty if there is none.
    pub(crate) async fn history(&self, chat: &str) -> String {
        let object = self.object(&format!("conversations/{chat}.json")).await.unwrap_or_default();
        String::from_utf8(object).unwrap()
    }

    pub(crate) async fn objects(&self) -> Vec<String> {
        let list = self.s3.list_objects_v2().bucket(&self.name).send().await.unwrap();
        list.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }

    pub(crate) async fn put_object(&self, key: &str, bytes: &[u8]) {
        let put = self.s3.put_object().bucket(&self.name).key(key);
        put.body(bytes.to_vec().into()).send().await.unwrap();
    }

    /// The operator's replay: what lies in the dead-letter queue goes back to the queue.
    pub(crate) async fn replay(&self) {
        for message in self.dlq.drain().await.unwrap() {
            let event = event::sqs_event(std::slice::from_ref(&message));
            let group = event["Records"][0]["attributes"]["MessageGroupId"].as_str().unwrap().to_owned();
            let id = message.message_id().unwrap();
            self.queue.send(&group, &format!("replay-{id}"), message.body().unwrap()).await.unwrap();
        }
    }

    /// POST to the simulation's control API.
    pub(crate) async fn order(&self, path: &str, body: impl Into<reqwest::Body>) -> reqwest::StatusCode {
        let url = format!("{}/_sim/{path}", self.telegram.url());
        http().post(url).body(body).send().await.unwrap().status()
    }

    pub(crate) async fn give_file(&self, file_id: &str, bytes: Vec<u8>) {
        let url = format!("{}/_sim/files/{file_id}", self.telegram.url());
        http().put(url).header("content-type", "image/png").body(bytes).send().await.unwrap();
    }

    async fn call_telegram(&self, method: &str, params: &Value) -> String {
        let url = format!("{}/bot{}/{method}", self.telegram.url(), self.token);
        http().post(url).json(params).send().await.unwrap().text().await.unwrap()
    }
}

pub(crate) const NOTHING: Vec<u64> = Vec::new();

pub(crate) async fn start_worker(env: &[(&str, &str)]) -> anyhow::Result<Function> {
    Function::start(Path::new(env!("CARGO_BIN_EXE_worker")), env).await
}

/// The queue contract, version 1, written by hand: a change of it is noticed here.
pub(crate) fn envelope(update_id: &str, conversation: &str, raw: &str) -> String {
    let raw = raw.trim().replace('\u{fffe}', r"\ufffe").replace('\u{ffff}', r"\uffff");
    format!(
        r#"{{"version":1,"update_id":{update_id},"conversation":"{conversation}","received_at":1795348800000,"update":{raw}}}"#
    )
}

pub(crate) fn is_reply(call: &Call) -> bool {
    ["sendMessage", "sendPhoto"].contains(&call.method.as_str())
}

/// For the next call of `method`.
pub(crate) fn fault(method: &str, kind: Kind) -> Fault {
    Fault { method: method.to_owned(), chat_id: None, skip: 0, times: 1, kind }
}

/// What a person reads: the text, or a picture's caption.
pub(crate) fn text(call: &Call) -> &str {
    call.params["text"].as_str().or(call.params["caption"].as_str()).unwrap_or_default()
}

/// The id of the message that is quoted.
pub(crate) fn quotes(call: &Call) -> Option<i64> {
    let parameters = &call.params["reply_parameters"];
    let parsed = parameters.as_str().and_then(|text| serde_json::from_str(text).ok());
    parsed.as_ref().unwrap_or(parameters)["message_id"].as_i64()
}

/// 0 if the body is no envelope.
fn update_id(message: &Message) -> u64 {
    let envelope: Value = serde_json::from_str(message.body().unwrap()).unwrap_or_default();
    envelope["update_id"].as_u64().unwrap_or_default()
}

fn next_id(updates: &[Value]) -> u64 {
    updates.last().and_then(|update| update["update_id"].as_u64()).map_or(0, |id| id + 1)
}

fn http() -> reqwest::Client {
    local::http::loopback().build().unwrap()
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
