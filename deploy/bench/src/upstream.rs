//! The services as the functions see them over TLS: SQS, S3, Gemini and Telegram at one address, as little of each as
//! a turn needs, answered at once. What they were told is recorded, so that results can be judged.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use local::serve::Server;
use serde_json::{Value, json};

/// What Gemini answers, always.
pub const ANSWER: &str =
    "The fox is small, red and quick. It sleeps by day, hunts by night, and nobody knows why it laughs.";
/// The largest file that Telegram lets a bot download.
pub const PHOTO_BYTES: usize = 20 * 1024 * 1024;
/// A batch of ten such photos in base64 comes one by one: more than one request never is.
const BODY_MAX: usize = 64 * 1024 * 1024;

/// The services, and where they are. They end when this is dropped.
pub struct Upstream {
    told: Arc<Told>,
    url: String,
    /// The root that the functions must trust, as a PEM file.
    pub roots: PathBuf,
    _server: Server,
    _folder: tempfile::TempDir,
}

#[derive(Default)]
struct Told {
    queued: Mutex<Vec<String>>,
    said: Mutex<Vec<(i64, String)>>,
    objects: Mutex<HashMap<String, (Bytes, String)>>,
    writes: AtomicU64,
    gemini_ms: AtomicU64,
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
        let server = Server::start_tls(app, tls).await?;
        let url = format!("https://{}", server.address);
        Ok(Self { told, url, roots, _server: server, _folder: folder })
    }

    /// The functions' environment; what one of them does not know it ignores.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("QUEUE_URL", format!("{}/000000000000/updates.fifo", self.url)),
            ("S3_BUCKET", "conversations".to_owned()),
            ("TELEGRAM_API_URL", self.url.clone()),
            ("TELEGRAM_TOKEN", "1:simulated-token-of-no-worth".to_owned()),
            ("GEMINI_API_URL", format!("{}/v1beta", self.url)),
            ("GEMINI_API_KEY", "simulated-key-of-no-worth".to_owned()),
            ("ALLOWED_CHATS", "*".to_owned()),
            ("SSL_CERT_FILE", self.roots.display().to_string()),
        ]
    }

    pub fn gemini_takes(&self, wait: Duration) {
        self.told.gemini_ms.store(u64::try_from(wait.as_millis()).unwrap_or_default(), Ordering::Relaxed);
    }

    /// The messages that were put on the queue since the last call.
    pub fn queued(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.told.queued))
    }

    /// What was sent to chats since the last call.
    pub fn said(&self) -> Vec<(i64, String)> {
        std::mem::take(&mut lock(&self.told.said))
    }

    /// All objects as they are now, to be put back later.
    pub fn objects(&self) -> HashMap<String, (Bytes, String)> {
        lock(&self.told.objects).clone()
    }

    pub fn put_back(&self, objects: &HashMap<String, (Bytes, String)>) {
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
    let path = head.uri.path();
    if let Some(action) = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
        return sqs(&told, action, &body);
    }
    if path.starts_with("/file/bot") {
        return photo(&told).into_response();
    }
    if path.starts_with("/bot") {
        return telegram(&told, path.rsplit('/').next().unwrap_or_default(), &body);
    }
    if path.starts_with("/v1beta/models/") {
        tokio::time::sleep(Duration::from_millis(told.gemini_ms.load(Ordering::Relaxed))).await;
        return gemini(&body);
    }
    s3(&told, &head.method, path, &head.headers, body)
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

fn s3(told: &Told, method: &Method, path: &str, headers: &HeaderMap, body: Bytes) -> Response {
    let mut objects = lock(&told.objects);
    let holds = objects.get(path).map(|(_, tag)| tag.clone());
    if method != Method::PUT {
        let Some((bytes, tag)) = objects.get(path).cloned() else {
            let missing = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>";
            return (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/xml")], missing).into_response();
        };
        return ([(header::ETAG, tag)], Body::from(bytes)).into_response();
    }
    let wanted = headers.get(header::IF_MATCH).and_then(|tag| tag.to_str().ok());
    let lost = wanted.is_some_and(|wanted| Some(wanted) != holds.as_deref())
        || headers.contains_key(header::IF_NONE_MATCH) && holds.is_some();
    if lost {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let tag = format!("\"{}\"", told.writes.fetch_add(1, Ordering::Relaxed));
    objects.insert(path.to_owned(), (body, tag.clone()));
    [(header::ETAG, tag)].into_response()
}
