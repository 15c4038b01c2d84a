//! A simulated Telegram on ports of its own, a bot's client, and a webhook whose answers the test gives.

#![allow(clippy::unwrap_used, reason = "all of this is test code")]

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use local::serve::Server;
use local::telegram::{Options, Telegram};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// Longer than anything here takes; only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// A second of the retry rule.
pub(crate) const UNIT: Duration = Duration::from_millis(20);

pub(crate) struct World {
    pub(crate) telegram: Telegram,
    pub(crate) token: String,
    http: reqwest::Client,
    hook: Server,
    deliveries: mpsc::UnboundedReceiver<Delivery>,
}

/// An update that waits for the webhook's answer.
pub(crate) struct Delivery {
    pub(crate) secret: String,
    pub(crate) host: String,
    pub(crate) raw: String,
    pub(crate) body: Value,
    answer: oneshot::Sender<Response>,
}

/// What the Bot API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Delivery {
    pub(crate) fn answer(self, status: u16) {
        self.answer_with(StatusCode::from_u16(status).unwrap().into_response());
    }

    /// 503 with a `Retry-After`.
    pub(crate) fn answer_later(self, retry_after_s: u64) {
        let wait = [("Retry-After", retry_after_s.to_string())];
        self.answer_with((StatusCode::SERVICE_UNAVAILABLE, wait).into_response());
    }

    fn answer_with(self, response: Response) {
        drop(self.answer.send(response));
    }

    pub(crate) fn text(&self) -> &str {
        self.body["message"]["text"].as_str().unwrap_or_default()
    }
}

impl Answer {
    pub(crate) fn description(&self) -> &str {
        self.body["description"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, description: &str) {
        assert_eq!((self.status, self.description()), (status, description), "{}", self.body);
        assert_eq!((&self.body["ok"], &self.body["error_code"]), (&json!(false), &json!(status)));
    }

    #[track_caller]
    pub(crate) fn result(&self) -> &Value {
        assert_eq!(self.body["ok"], true, "{}", self.body);
        &self.body["result"]
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Options { retry_unit: UNIT, ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::build(options, false).await
    }

    /// Function URLs lead to this world's webhook.
    pub(crate) async fn with_gateway() -> Self {
        Self::build(Options { retry_unit: UNIT, ..Options::default() }, true).await
    }

    async fn build(mut options: Options, gateway: bool) -> Self {
        let (sender, deliveries) = mpsc::unbounded_channel();
        let app = axum::Router::new().route("/hook", post(receive)).with_state(sender);
        let hook = Server::start(0, app).await.unwrap();
        options.gateway = gateway.then(|| hook.url());
        let token = options.token.clone();
        let telegram = Telegram::start(options).await.unwrap();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(no_tls())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self { telegram, token, http, hook, deliveries }
    }

    /// Another Telegram, before the same webhook.
    pub(crate) async fn restart(&mut self, options: Options) {
        self.telegram = Telegram::start(options).await.unwrap();
    }

    pub(crate) fn hook_url(&self) -> String {
        format!("{}/hook", self.hook.url())
    }

    pub(crate) fn method_url(&self, method: &str) -> String {
        format!("{}/bot{}/{method}", self.telegram.url(), self.token)
    }

    pub(crate) async fn call(&self, method: &str, params: Value) -> Answer {
        self.try_call(method, params).await.unwrap()
    }

    /// An error is a broken connection.
    pub(crate) async fn try_call(&self, method: &str, params: Value) -> reqwest::Result<Answer> {
        Ok(answer(self.http.post(self.method_url(method)).json(&params).send().await?).await)
    }

    /// Gives up before a slow answer comes.
    pub(crate) async fn send_impatiently(&self, method: &str, params: Value) -> reqwest::Result<Answer> {
        let request = self.http.post(self.method_url(method)).json(&params).timeout(Duration::from_millis(50));
        Ok(answer(request.send().await?).await)
    }

    pub(crate) async fn send_photo(&self, form: reqwest::multipart::Form) -> Answer {
        self.send(|http| http.post(self.method_url("sendPhoto")).multipart(form)).await
    }

    pub(crate) async fn bytes(&self, url: &str) -> Vec<u8> {
        self.http.get(url).send().await.unwrap().bytes().await.unwrap().to_vec()
    }

    pub(crate) async fn events(&self) -> Events {
        let url = format!("{}/_sim/events", self.telegram.url());
        Events { response: self.http.get(url).send().await.unwrap(), text: Vec::new() }
    }

    /// Waits for a state of the world.
    pub(crate) async fn until(&self, reached: impl Fn(&Value) -> bool) {
        let mut events = self.events().await;
        let waited = tokio::time::timeout(PATIENCE, async { while !reached(&events.next().await) {} }).await;
        waited.expect("this state was never reached");
    }

    pub(crate) async fn send(&self, request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder) -> Answer {
        answer(request(&self.http).send().await.unwrap()).await
    }

    /// The control API: GET.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send(|http| http.get(format!("{}/_sim/{path}", self.telegram.url()))).await.body
    }

    /// The control API: POST, any status.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(|http| http.post(format!("{}/_sim/{path}", self.telegram.url())).json(&body)).await
    }

    pub(crate) async fn state(&self) -> Value {
        self.get("state").await
    }

    pub(crate) async fn chat(&self, id: i64) -> Value {
        let state = self.state().await;
        state["chats"].as_array().unwrap().iter().find(|chat| chat["id"] == id).unwrap().clone()
    }

    pub(crate) async fn writes(&self, chat_id: i64, text: &str) -> Value {
        let written = self.post("messages", json!({ "chat_id": chat_id, "text": text })).await;
        assert_eq!(written.status, 200, "{}", written.body);
        written.body
    }

    pub(crate) async fn set_webhook(&self) {
        let webhook = json!({ "url": self.hook_url(), "secret_token": "s3cret" });
        self.call("setWebhook", webhook).await.result();
    }

    /// The next update at the webhook.
    pub(crate) async fn delivery(&mut self) -> Delivery {
        tokio::time::timeout(PATIENCE, self.deliveries.recv()).await.expect("no update came").unwrap()
    }

    pub(crate) fn nothing_delivered(&mut self) -> bool {
        self.deliveries.try_recv().is_err()
    }
}

async fn receive(State(sender): State<mpsc::UnboundedSender<Delivery>>, headers: HeaderMap, raw: String) -> Response {
    let (answer, answered) = oneshot::channel();
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(header("content-type"), "application/json");
    let secret = header("x-telegram-bot-api-secret-token");
    let body = serde_json::from_str(&raw).unwrap_or_default();
    drop(sender.send(Delivery { secret, host: header("host"), raw, body, answer }));
    answered.await.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

async fn answer(response: reqwest::Response) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, retry_after, body }
}

/// Everything is plain HTTP here, but the client wants a TLS set-up.
fn no_tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// The states that the control API sends as events.
pub(crate) struct Events {
    response: reqwest::Response,
    text: Vec<u8>,
}

impl Events {
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            if let Some(end) = self.text.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.text.drain(..end + 2).collect();
                return serde_json::from_slice(event.strip_prefix(b"event: state\ndata: ").unwrap()).unwrap();
            }
            let chunk = self.response.chunk().await.unwrap().expect("the events ended");
            self.text.extend_from_slice(&chunk);
        }
    }
}

/// A picture of one colour.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut pixels = tiny_skia::Pixmap::new(width, height).unwrap();
    pixels.fill(tiny_skia::Color::from_rgba8(220, 110, 30, 255));
    pixels.encode_png().unwrap()
}

/// A picture that says it is of this size.
pub(crate) fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let mut png = png(1, 1);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    png
}
