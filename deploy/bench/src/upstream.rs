//! The services as the functions see them over TLS: S3, Gemini and Telegram at one address, SQS and SSM each at its
//! own, as little of each as a turn needs, answered at once. What they were told is recorded, so that results can be
//! judged.

mod bucket;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::{Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use local::serve::Server;
use serde_json::{Value, json};

/// What Gemini answers, always.
pub const ANSWER: &str =
    "The fox is small, red and quick. It sleeps by day, hunts by night, and nobody knows why it laughs.";
/// The largest file that Telegram lets a bot download.
pub const PHOTO_BYTES: usize = 20 * 1024 * 1024;
/// What SSM takes, so that it shows what a start does meanwhile.
pub const SSM: Duration = Duration::from_millis(20);
/// The secrets by their names in SSM.
const STORED: [(&str, &str); 2] = [("/bench/token", TOKEN), ("/bench/key", KEY)];
const TOKEN: &str = "1:simulated-token-of-no-worth";
const KEY: &str = "simulated-key-of-no-worth";
/// A batch of ten such photos in base64 comes one by one: more than one request never is.
const BODY_MAX: usize = 64 * 1024 * 1024;

/// What lies in the bucket: each object's bytes and its ETag, by its path.
pub type Objects = HashMap<String, (Bytes, String)>;

/// The services, and where they are. They end when this is dropped.
pub struct Upstream {
    told: Arc<Told>,
    url: String,
    sqs_url: String,
    ssm_url: String,
    /// The root that the functions must trust, as a PEM file.
    pub roots: PathBuf,
    _servers: [Server; 3],
    _folder: tempfile::TempDir,
}

#[derive(Default)]
struct Told {
    queued: Mutex<Vec<String>>,
    said: Mutex<Vec<(i64, String)>>,
    objects: Mutex<Objects>,
    writes: AtomicU64,
    gemini_ms: AtomicU64,
    moved: AtomicU64,
    ssm_calls: AtomicU64,
    photo: Mutex<Bytes>,
}

impl Upstream {
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let issued = rcgen::generate_simple_self_signed(names).context("making a certificate")?;
        let roots = folder.path().join("root.pem");
        std::fs::write(&roots, pem(issued.cert.der()))?;
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der());
        let tls = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key.into())?;
        let told = Arc::new(Told::default());
        let app = Router::new().fallback(answer).with_state(Arc::clone(&told));
        let start = || Server::start_tls(app.clone(), tls.clone());
        let servers = [start().await?, start().await?, start().await?];
        let [url, sqs_url, ssm_url] = servers.each_ref().map(|server| format!("https://{}", server.address));
        Ok(Self { told, url, sqs_url, ssm_url, roots, _servers: servers, _folder: folder })
    }

    /// The functions' environment; what one of them does not know it ignores.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_ENDPOINT_URL_SQS", self.sqs_url.clone()),
            ("QUEUE_URL", format!("{}/000000000000/updates.fifo", self.sqs_url)),
            ("S3_BUCKET", "conversations".to_owned()),
            ("TELEGRAM_API_URL", self.url.clone()),
            ("TELEGRAM_TOKEN", TOKEN.to_owned()),
            ("GEMINI_API_URL", format!("{}/v1beta", self.url)),
            ("GEMINI_API_KEY", KEY.to_owned()),
            ("ALLOWED_CHATS", "*".to_owned()),
            ("SSL_CERT_FILE", self.roots.display().to_string()),
        ]
    }

    /// What a worker's environment has instead where the secrets are in SSM.
    pub fn env_stored(&self) -> Vec<(&'static str, String)> {
        let [(token, _), (key, _)] = STORED;
        vec![
            ("AWS_ENDPOINT_URL_SSM", self.ssm_url.clone()),
            ("TELEGRAM_TOKEN", String::new()),
            ("TELEGRAM_TOKEN_PARAM", token.to_owned()),
            ("GEMINI_API_KEY", String::new()),
            ("GEMINI_API_KEY_PARAM", key.to_owned()),
        ]
    }

    /// How often SSM has been asked so far.
    pub fn ssm_calls(&self) -> u64 {
        self.told.ssm_calls.load(Ordering::Relaxed)
    }

    pub fn gemini_takes(&self, wait: Duration) {
        self.told.gemini_ms.store(u64::try_from(wait.as_millis()).unwrap_or_default(), Ordering::Relaxed);
    }

    /// The messages that were put on the queue since the last call.
    pub fn queued(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.told.queued))
    }

    /// Bytes of all bodies so far, those of requests and of answers.
    pub fn moved(&self) -> u64 {
        self.told.moved.load(Ordering::Relaxed)
    }

    /// What was sent to chats since the last call.
    pub fn said(&self) -> Vec<(i64, String)> {
        std::mem::take(&mut lock(&self.told.said))
    }

    /// All objects as they are now, to be put back later.
    pub fn objects(&self) -> Objects {
        lock(&self.told.objects).clone()
    }

    pub fn put_back(&self, objects: &Objects) {
        lock(&self.told.objects).clone_from(objects);
    }
}

/// rcgen's own PEM support would bring another crate for these three lines.
fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(told): State<Arc<Told>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let asked = body.len() as u64;
    let response = service(&told, &head, body).await;
    told.moved.fetch_add(asked + response.body().size_hint().lower(), Ordering::Relaxed);
    response
}

async fn service(told: &Told, head: &Parts, body: Bytes) -> Response {
    let path = head.uri.path();
    match head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
        Some("AmazonSSM.GetParameters") => return ssm(told, &body).await,
        Some(action) => return sqs(told, action, &body),
        None => {}
    }
    if path.starts_with("/file/bot") {
        return photo(told).into_response();
    }
    if path.starts_with("/bot") {
        return telegram(told, path.rsplit('/').next().unwrap_or_default(), &body);
    }
    if path.starts_with("/v1beta/models/") {
        tokio::time::sleep(Duration::from_millis(told.gemini_ms.load(Ordering::Relaxed))).await;
        return gemini(&body);
    }
    bucket::answer(&mut lock(&told.objects), &told.writes, head, body)
}

/// Names that it does not know are left out, as SSM does.
async fn ssm(told: &Told, body: &[u8]) -> Response {
    told.ssm_calls.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(SSM).await;
    let call: Value = serde_json::from_slice(body).unwrap_or_default();
    let asked = |name: &str| call["Names"].as_array().is_some_and(|names| names.iter().any(|asked| asked == name));
    let known = STORED.iter().filter(|(name, _)| asked(name));
    let known: Vec<_> = known.map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    ([(header::CONTENT_TYPE, "application/x-amz-json-1.1")], json!({ "Parameters": known }).to_string()).into_response()
}

fn sqs(told: &Told, action: &str, body: &[u8]) -> Response {
    let call: Value = serde_json::from_slice(body).unwrap_or_default();
    if action.ends_with(".SendMessage") {
        let message = call["MessageBody"].as_str().unwrap_or_default();
        lock(&told.queued).push(message.to_owned());
        let answer = json!({"MessageId": "00000000-0000-0000-0000-000000000000", "SequenceNumber": "1"});
        return ([(header::CONTENT_TYPE, "application/x-amz-json-1.0")], answer.to_string()).into_response();
    }
    ([(header::CONTENT_TYPE, "application/x-amz-json-1.0")], "{}").into_response()
}

fn telegram(told: &Told, method: &str, body: &[u8]) -> Response {
    let call: Value = serde_json::from_slice(body).unwrap_or_default();
    let result = match method {
        "sendMessage" => {
            let chat_id = call["chat_id"].as_i64().unwrap_or_default();
            lock(&told.said).push((chat_id, call["text"].as_str().unwrap_or_default().to_owned()));
            json!({"message_id": 1, "date": 1, "chat": {"id": chat_id, "type": "private"}})
        }
        "getFile" => {
            json!({"file_id": "x", "file_unique_id": "x", "file_size": PHOTO_BYTES, "file_path": "photos/1.jpg"})
        }
        "getMe" => json!({"id": 1, "is_bot": true, "first_name": "Bench", "username": "bench_bot"}),
        _ => json!(true),
    };
    axum::Json(json!({"ok": true, "result": result})).into_response()
}

fn photo(told: &Told) -> Bytes {
    let mut photo = lock(&told.photo);
    if photo.is_empty() {
        *photo = vec![0xff; PHOTO_BYTES].into();
    }
    photo.clone()
}

/// About four bytes are a token.
fn gemini(body: &[u8]) -> Response {
    let (asked, answered) = (body.len() / 4, ANSWER.len() / 4);
    axum::Json(json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": ANSWER}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": asked, "candidatesTokenCount": answered, "totalTokenCount": asked + answered
        },
        "modelVersion": "gemini-3.8-flash", "responseId": "r"
    }))
    .into_response()
}
