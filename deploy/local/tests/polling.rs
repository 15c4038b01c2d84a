//! A real bot answered from this machine, with the simulated Telegram in the real one's place: its updates reach the
//! ingress in order and are confirmed only when accepted, and a deployed webhook is never taken over unasked.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use local::bot::{Bot, TakeOver};
use local::polling::{Polling, Target};
use local::serve::Server;
use local::telegram::{Incoming, Options, Telegram};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(10);

struct Deployed {
    telegram: Telegram,
    token: String,
    dir: tempfile::TempDir,
}

impl Deployed {
    async fn new() -> Self {
        let options = Options::default();
        let token = options.token.clone();
        Self { telegram: Telegram::start(options).await.unwrap(), token, dir: tempfile::tempdir().unwrap() }
    }

    async fn with_webhook() -> (Self, Bot) {
        let deployed = Self::new().await;
        let bot = deployed.bot().await;
        let webhook = json!({
            "url": "https://bot.example.com/hook", "secret_token": "deployed", "max_connections": 7,
            "allowed_updates": ["message"],
        });
        bot.call::<bool>("setWebhook", &webhook, PATIENCE).await.unwrap();
        (deployed, bot)
    }

    async fn bot(&self) -> Bot {
        Bot::new(&self.telegram.url(), &self.token).await.unwrap()
    }

    fn take_over(&self, allowed: bool, secret_token: Option<&str>) -> TakeOver {
        TakeOver { allowed, secret_token: secret_token.map(str::to_owned), note: self.note(), stack: "fox".into() }
    }

    fn note(&self) -> std::path::PathBuf {
        Path::new(self.dir.path()).join("taken-over.json")
    }

    fn writes(&self, chat_id: i64, text: &str) {
        let incoming: Incoming = serde_json::from_value(json!({ "chat_id": chat_id, "text": text })).unwrap();
        self.telegram.user_writes(incoming).unwrap();
    }

    async fn webhook(&self) -> Value {
        self.bot().await.call("getWebhookInfo", &json!({}), PATIENCE).await.unwrap()
    }
}

/// An ingress that refuses the first `refusals` requests with 503 and notes the texts that it accepts.
async fn ingress(refusals: usize) -> (Server, Arc<Mutex<Vec<String>>>) {
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let (texts, left) = (accepted.clone(), Arc::new(Mutex::new(refusals)));
    let answer = move |request: Request| async move {
        let headers = request.headers().clone();
        assert_eq!(headers["host"], "fox.lambda-url.us-east-1.on.aws");
        assert_eq!(headers["x-telegram-bot-api-secret-token"], "local");
        let body = axum::body::to_bytes(request.into_body(), 100_000).await.unwrap();
        let mut left = left.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let update: Value = serde_json::from_slice(&body).unwrap();
        texts.lock().unwrap().push(update["message"]["text"].as_str().unwrap().to_owned());
        StatusCode::OK
    };
    (Server::start(0, Router::new().fallback(answer)).await.unwrap(), accepted)
}

fn target(server: &Server) -> Target {
    let host = "fox.lambda-url.us-east-1.on.aws".to_owned();
    Target { gateway: server.url(), host, secret_token: "local".into() }
}

/// Polls until `done`; what polling itself ends with fails the test.
async fn poll_until(polling: &mut Polling, done: impl AsyncFn() -> bool) {
    let done = async { while !done().await {} };
    tokio::select! {
        error = polling.poll() => panic!("{error:#}"),
        outcome = tokio::time::timeout(PATIENCE, done) => outcome.unwrap(),
    }
}

#[tokio::test]
async fn updates_arrive_in_order_and_are_confirmed_when_the_ingress_took_them() {
    let deployed = Deployed::new().await;
    let (server, accepted) = ingress(1).await;
    for text in ["one", "two", "three"] {
        deployed.writes(1001, text);
    }
    let mut polling = Polling::new(deployed.bot().await, target(&server)).unwrap();
    poll_until(&mut polling, async || deployed.webhook().await["pending_update_count"] == 0).await;
    assert_eq!(*accepted.lock().unwrap(), ["one", "two", "three"]);
}

#[tokio::test]
async fn what_the_ingress_refused_stays_with_telegram() {
    let deployed = Deployed::new().await;
    let (server, accepted) = ingress(usize::MAX).await;
    deployed.writes(1001, "hello");
    let mut polling = Polling::new(deployed.bot().await, target(&server)).unwrap();
    drop(tokio::time::timeout(Duration::from_millis(500), polling.poll()).await);
    polling.confirm().await.unwrap();
    assert_eq!(deployed.webhook().await["pending_update_count"], 1);
    assert!(accepted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_deployed_bot_is_not_taken_over_unasked() {
    let (deployed, bot) = Deployed::with_webhook().await;
    let error = bot.check_webhook(&deployed.take_over(false, Some("deployed"))).await.err().unwrap().to_string();
    assert!(error.contains("https://bot.example.com/hook") && error.contains("TAKE_OVER=1"), "{error}");
    assert_eq!(deployed.webhook().await["url"], "https://bot.example.com/hook");
}

#[tokio::test]
async fn a_take_over_without_the_secret_says_where_to_get_it() {
    let (deployed, bot) = Deployed::with_webhook().await;
    let error = bot.check_webhook(&deployed.take_over(true, None)).await.err().unwrap().to_string();
    assert!(error.contains("aws ssm get-parameter") && error.contains("/fox/webhook-secret"), "{error}");
}

#[tokio::test]
async fn what_was_taken_over_is_put_back_as_it_was() {
    let (deployed, bot) = Deployed::with_webhook().await;
    let before = deployed.webhook().await;
    let take_over = deployed.take_over(true, Some("deployed"));
    let webhook = bot.check_webhook(&take_over).await.unwrap().unwrap();
    bot.take_over(&webhook, &take_over).await.unwrap();
    assert_eq!(deployed.webhook().await["url"], "");

    // A run that was killed here leaves its note: the next one puts the webhook back without being told again.
    let noted = bot.check_webhook(&deployed.take_over(false, None)).await.unwrap().unwrap();
    bot.give_back(&noted, &take_over).await.unwrap();
    assert_eq!(deployed.webhook().await, before);
    let calls = deployed.telegram.calls();
    let set = calls.iter().rfind(|call| call.method.eq_ignore_ascii_case("setWebhook")).unwrap();
    assert_eq!(set.params["secret_token"], "deployed");
    assert!(!deployed.note().exists());
}

#[tokio::test]
async fn a_refused_token_is_in_no_error() {
    let deployed = Deployed::new().await;
    for url in [deployed.telegram.url(), "http://127.0.0.1:9".to_owned()] {
        let error = Bot::new(&url, "123:not-this-one").await.err().unwrap();
        assert!(!format!("{error:?} {error:#}").contains("not-this-one"), "{error:?}");
    }
}
