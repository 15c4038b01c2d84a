//! A simulated Telegram on ports of its own, a bot's client, and a webhook whose answers the test gives.

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

    pub(crate) fn answer_with(self, response: Response) {
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
        let (sender, deliveries) = mpsc::unbounded_channel();
        let app = axum::Router::new().route("/hook", post(receive)).with_state(sender);
        let token = options.token.clone();
        let telegram = Telegram::start(options).await.unwrap();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(no_tls())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self { telegram, token, http, hook: Server::start(0, app).await.unwrap(), deliveries }
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
