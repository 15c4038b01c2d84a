//! A world for one test: the real worker, a queue and a bucket of its own behind a door that can fail, and the
//! simulated Telegram and Gemini.

mod bucket;
mod queue;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use local::aws::{self, Queue};
use local::corpus::{BOT_ID, BOT_USERNAME};
use local::door::Door;
use local::fault::{Fault, Kind};
use local::gemini::{self, Gemini};
use local::lambda::Function;
use local::ministack::Ministack;
use local::telegram::{self, Call, Incoming, Telegram};
use serde_json::{Value, json};

pub(crate) use queue::envelope;

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
    /// Between the worker and its queue and bucket.
    pub(crate) door: Door,
    pub(crate) queue: Queue,
    pub(crate) dlq: Queue,
    pub(crate) worker: Function,
    env: Vec<(&'static str, String)>,
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
        let s3 = bucket::s3(&aws.url());
        s3.create_bucket().bucket(name).send().await.unwrap();
        let door = Door::open(&aws.url()).await.unwrap();
        let own = vec![
            ("AWS_ENDPOINT_URL", door.url()),
            ("QUEUE_URL", queue.url.clone()),
            ("S3_BUCKET", name.to_owned()),
            ("TELEGRAM_API_URL", telegram.url()),
            ("TELEGRAM_TOKEN", token.clone()),
            ("GEMINI_API_URL", format!("{}/v1beta", gemini.url())),
            ("GEMINI_API_KEY", KEY.to_owned()),
            ("ALLOWED_CHATS", "*".to_owned()),
        ];
        let worker = worker_with(&own, env).await;
        let name = name.to_owned();
        Self { telegram, gemini, door, queue, dlq, worker, env: own, name, token, s3, _aws: aws }
    }

    /// The operator deploys again, with `env` over what a world has by itself.
    pub(crate) async fn deploy(&mut self, env: &[(&str, &str)]) {
        self.worker = worker_with(&self.env, env).await;
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

    /// How often Gemini answered: that is paid for.
    pub(crate) fn charged(&self) -> usize {
        self.gemini.calls().iter().filter(|call| call.http_status == Some(200)).count()
    }

    /// The texts of Gemini's latest request, oldest first.
    pub(crate) fn last_question(&self) -> Vec<String> {
        let request = self.gemini.calls().pop().unwrap().request;
        let parts = request["contents"].as_array().unwrap().iter().flat_map(|turn| turn["parts"].as_array().unwrap());
        parts.filter_map(|part| part["text"].as_str().map(str::to_owned)).collect()
    }

    /// The worker's log lines, parsed, that say this.
    pub(crate) fn logged(&self, message: &str) -> Vec<Value> {
        let lines = self.worker.logs();
        let parsed = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        parsed.filter(|line| line["message"] == message).collect()
    }

    /// A private chat more, with a person of its own.
    pub(crate) async fn invite(&self, chat_id: i64) {
        let chat = json!({ "id": chat_id, "type": "private", "first_name": "Alan" });
        assert!(self.order("chats", chat.to_string()).await.is_success());
    }

    /// A photo of Ada's, of so many bytes as Telegram says.
    pub(crate) async fn shows(&self, chat_id: i64, file_id: &str, file_size: Option<u64>) {
        let mut photo = json!({ "file_id": file_id, "width": 8, "height": 8 });
        if let Some(bytes) = file_size {
            photo["file_size"] = bytes.into();
        }
        let from = json!({ "id": chat_id, "is_bot": false, "first_name": "Ada" });
        let message = json!({ "message_id": 78, "date": 1_795_348_800, "from": from, "photo": [photo],
            "chat": { "id": chat_id, "type": "private", "first_name": "Ada" }, "caption": "what is this?" });
        assert!(self.order("updates", json!({ "message": message }).to_string()).await.is_success());
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

async fn worker_with(own: &[(&str, String)], env: &[(&str, &str)]) -> Function {
    let own = own.iter().map(|(name, value)| (*name, value.as_str()));
    let kept = own.filter(|(name, _)| env.iter().all(|(replaced, _)| replaced != name));
    start_worker(&kept.chain(env.iter().copied()).collect::<Vec<_>>()).await.unwrap()
}

pub(crate) async fn start_worker(env: &[(&str, &str)]) -> anyhow::Result<Function> {
    Function::start(Path::new(env!("CARGO_BIN_EXE_worker")), env).await
}

pub(crate) fn is_reply(call: &Call) -> bool {
    ["sendMessage", "sendPhoto"].contains(&call.method.as_str())
}

pub(crate) fn status(code: u16) -> Kind {
    Kind::Status { code, description: None }
}

pub(crate) fn refusal(code: u16, description: &str) -> Kind {
    Kind::Status { code, description: Some(description.to_owned()) }
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

fn http() -> reqwest::Client {
    local::http::loopback().build().unwrap()
}
