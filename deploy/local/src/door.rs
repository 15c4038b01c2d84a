//! A door in front of the emulated AWS: each call passes unchanged and is written down, or goes wrong on order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::fault::{self, Faults, Kind};
use crate::serve::Server;

/// A running door; it closes when this is dropped.
pub struct Door {
    server: Server,
    house: Arc<House>,
}

/// A call on its way in.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation as AWS calls it: `GetObject`, `PutObject`, `CopyObject`, `ChangeMessageVisibility`, …
    pub operation: String,
    /// The object's key; S3 alone.
    pub key: Option<String>,
    /// What was asked, where that is JSON.
    pub body: Value,
}

struct House {
    url: String,
    http: reqwest::Client,
    faults: Faults,
    calls: Mutex<Vec<Call>>,
    /// Objects that somebody else is about to write, by key.
    rivals: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Door {
    /// `url`: what is behind it.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let http = crate::http::loopback().build()?;
        let (faults, calls, rivals) = Default::default();
        let house = Arc::new(House { url: url.to_owned(), http, faults, calls, rivals });
        let server = Server::start(0, Router::new().fallback(serve).with_state(Arc::clone(&house))).await?;
        Ok(Self { server, house })
    }

    /// For `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// A fault's method is an operation; its chat, that of the object's key.
    pub fn faults(&self) -> Faults {
        self.house.faults.clone()
    }

    /// What came by, newest last.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.house.calls).clone()
    }

    /// Somebody else writes this object just before the next `PutObject` of it arrives.
    pub fn overtake(&self, key: &str, bytes: &[u8]) {
        lock(&self.house.rivals).push((key.to_owned(), bytes.to_vec()));
    }
}

async fn serve(State(house): State<Arc<House>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let call = Call::read(&parts.method, &parts.uri, &parts.headers, &body);
    lock(&house.calls).push(call.clone());
    let fault = house.faults.take(&call.operation, call.chat_id());
    let pass = || async {
        if let Some(rival) = house.rival(&call) {
            let written = house.pass(&parts.method, &parts.uri, HeaderMap::new(), rival.into()).await;
            assert!(written.status().is_success(), "the rival's write was refused");
        }
        house.pass(&parts.method, &parts.uri, parts.headers.clone(), body).await
    };
    fault::under(fault, |kind| call.refusal(kind), pass).await
}

impl House {
    fn rival(&self, call: &Call) -> Option<Vec<u8>> {
        let mut rivals = lock(&self.rivals);
        let here = |key: &String| call.operation == "PutObject" && call.key.as_ref() == Some(key);
        let found = rivals.iter().position(|(key, _)| here(key))?;
        Some(rivals.remove(found).1)
    }

    async fn pass(&self, method: &Method, uri: &Uri, mut headers: HeaderMap, body: Bytes) -> Response {
        // Those of this connection; the next one gets its own.
        for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
            headers.remove(name);
        }
        let url = format!("{}{}", self.url, uri.path_and_query().map_or("/", |path| path.as_str()));
        let request = self.http.request(method.clone(), url).headers(headers).body(body);
        let Ok(answer) = request.send().await else { return fault::broken() };
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        let Ok(body) = answer.bytes().await else { return fault::broken() };
        headers.remove(header::TRANSFER_ENCODING);
        headers.remove(header::CONNECTION);
        (status, headers, body).into_response()
    }
}

impl Call {
    /// The JSON services name the operation in a header; S3 has a path, `/bucket/key`, and a method.
    fn read(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
        if let Some(target) = headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
            let operation = target.rsplit('.').next().unwrap_or(target).to_owned();
            return Self { operation, key: None, body: serde_json::from_slice(body).unwrap_or_default() };
        }
        let operation = match *method {
            Method::GET => "GetObject",
            Method::PUT if headers.contains_key("x-amz-copy-source") => "CopyObject",
            Method::PUT => "PutObject",
            _ => method.as_str(),
        };
        let key = uri.path().trim_start_matches('/').split_once('/').map(|(_bucket, key)| key.to_owned());
        Self { operation: operation.to_owned(), key, body: Value::Null }
    }

    /// Of `conversations/<chat>.json`, `conversations/<chat>/<topic>.json`, `pictures/<chat>/…`.
    fn chat_id(&self) -> Option<i64> {
        let (_folder, rest) = self.key.as_deref()?.split_once('/')?;
        rest.split(['/', '.']).next()?.parse().ok()
    }

    /// An ordered refusal in the service's form; the fault's description is the error's code.
    fn refusal(&self, kind: &Kind) -> Response {
        let (status, code) = match kind {
            Kind::Status { code, description } => (*code, description.as_deref()),
            _ => (503, None),
        };
        let code = code.unwrap_or(match status {
            403 => "AccessDenied",
            409 => "ConditionalRequestConflict",
            412 => "PreconditionFailed",
            503 => "ServiceUnavailable",
            _ => "InternalError",
        });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if self.key.is_none() {
            return (status, axum::Json(json!({ "__type": code, "message": code }))).into_response();
        }
        let xml = format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{code}</Message></Error>");
        (status, [(header::CONTENT_TYPE, "application/xml")], xml).into_response()
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
