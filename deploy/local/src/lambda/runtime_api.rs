//! The Runtime API of one process, as in AWS's documentation of custom runtimes; also the part of the Extensions API
//! that an internal extension needs (registering, and waiting for an event that never comes).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};

use crate::serve::Server;

/// What every invocation carries as `Lambda-Runtime-Trace-Id`.
pub const TRACE_HEADER: &str =
    "Root=1-6740a1f0-5c1d2e3f4a5b6c7d8e9f0a1b;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0";
const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:test";
/// A synchronous invocation's payload and result: 6 MB each.
const PAYLOAD: usize = 6 * 1024 * 1024;

/// Of all functions together: no two invocations have the same request id, whichever process they go to.
static INVOCATIONS: AtomicU64 = AtomicU64::new(0);

pub(super) type Answer = Result<Value, Value>;

pub(super) struct RuntimeApi {
    server: Server,
    desk: Arc<Desk>,
    invocations: mpsc::UnboundedSender<Invocation>,
}

struct Desk {
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    /// The invocation that the process works on, and who waits for its result.
    current: Mutex<Option<(String, oneshot::Sender<Answer>)>>,
    ready: watch::Sender<bool>,
    init_error: watch::Sender<Option<String>>,
}

struct Invocation {
    event: String,
    deadline_ms: u128,
    answer: oneshot::Sender<Answer>,
}

impl RuntimeApi {
    pub(super) async fn start() -> std::io::Result<Self> {
        let (invocations, waiting) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk {
            waiting: tokio::sync::Mutex::new(waiting),
            current: Mutex::default(),
            ready: watch::channel(false).0,
            init_error: watch::channel(None).0,
        });
        let server = Server::start(0, routes(Arc::clone(&desk))).await?;
        Ok(Self { server, desk, invocations })
    }

    /// host:port, as `AWS_LAMBDA_RUNTIME_API` has it.
    pub(super) fn address(&self) -> String {
        self.server.address.to_string()
    }

    /// Queues an event; the result arrives on the channel, or never if the process ends.
    pub(super) fn invoke(&self, event: &Value, timeout: Duration) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let invocation = Invocation { event: event.to_string(), deadline_ms: (now + timeout).as_millis(), answer };
        // The receiver lives as long as `self`.
        drop(self.invocations.send(invocation));
        answered
    }

    /// Returns once the process has asked for its first invocation.
    pub(super) async fn ready(&self) {
        drop(self.desk.ready.subscribe().wait_for(|ready| *ready).await);
    }

    /// Returns if the process reports that it cannot start.
    pub(super) async fn init_error(&self) -> String {
        match self.desk.init_error.subscribe().wait_for(Option::is_some).await {
            Ok(error) => error.clone().unwrap_or_default(),
            Err(closed) => closed.to_string(),
        }
    }
}

fn routes(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .route("/2020-01-01/extension/register", post(register))
        .route("/2020-01-01/extension/event/next", get(std::future::pending::<StatusCode>))
        .layer(DefaultBodyLimit::max(PAYLOAD))
        .with_state(desk)
}

async fn next(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    desk.ready.send_replace(true);
    let Some(invocation) = desk.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let n = INVOCATIONS.fetch_add(1, Ordering::Relaxed);
    let id = format!("8f5a7c10-0000-4000-8000-{n:012x}");
    *desk.current.lock().unwrap_or_else(PoisonError::into_inner) = Some((id.clone(), invocation.answer));
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", invocation.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", ARN.to_owned()),
        ("lambda-runtime-trace-id", TRACE_HEADER.to_owned()),
    ];
    (headers, invocation.event).into_response()
}

async fn response(State(desk): State<Arc<Desk>>, Path(id): Path<String>, body: Bytes) -> impl IntoResponse {
    let answer = serde_json::from_slice(&body)
        .map_err(|_| json!({ "errorType": "Runtime.InvalidResponse", "errorMessage": "the response is not JSON" }));
    desk.settle(&id, answer)
}

async fn error(State(desk): State<Arc<Desk>>, Path(id): Path<String>, body: Bytes) -> impl IntoResponse {
    desk.settle(&id, Err(error_of(&body)))
}

async fn init_error(State(desk): State<Arc<Desk>>, body: Bytes) -> impl IntoResponse {
    desk.init_error.send_replace(Some(error_of(&body).to_string()));
    StatusCode::ACCEPTED
}

async fn register(headers: HeaderMap) -> impl IntoResponse {
    let name = headers.get("lambda-extension-name").cloned();
    let body = json!({ "functionName": "test", "functionVersion": "$LATEST", "handler": "bootstrap" });
    match name {
        Some(name) => ([("lambda-extension-identifier", name)], axum::Json(body)).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

impl Desk {
    /// 403 for a request id that is not the current one, as the real API says.
    fn settle(&self, id: &str, answer: Answer) -> StatusCode {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match current.take_if(|(current, _)| current == id) {
            Some((_, waiting)) => {
                drop(waiting.send(answer));
                StatusCode::ACCEPTED
            }
            None => StatusCode::FORBIDDEN,
        }
    }
}

fn error_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(body)))
}
