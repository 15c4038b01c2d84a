//! A bot's call from the wire to its method and back: token, parameters, ordered faults, the record.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::methods;
use super::params::Params;
use super::refusal::Refusal;
use super::server::Shared;
use crate::fault::{self, Kind};

/// A method's answer: the result, and sometimes a word about it.
pub(crate) struct Answer {
    pub(crate) result: Value,
    pub(crate) description: Option<&'static str>,
}

impl From<Value> for Answer {
    fn from(result: Value) -> Self {
        Self { result, description: None }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut body = json!({ "ok": true, "result": self.result });
        if let Some(description) = self.description {
            body["description"] = json!(description);
        }
        Json(body).into_response()
    }
}

/// `/bot<token>/<method>` and `/file/bot<token>/<path>`; everything else is 404 as on the real server.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let shared = shared.clone();
    let serve = move |request: Request| {
        let shared = shared.clone();
        // A task of its own: a client that hangs up does not take back what it asked for.
        async move {
            let call = tokio::spawn(async move { serve(shared, request).await });
            call.await.unwrap_or_else(|_| Refusal::new(500, "Internal Server Error").into_response())
        }
    };
    Router::new().fallback(serve).layer(DefaultBodyLimit::disable())
}

async fn serve(shared: Arc<Shared>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let (of_file, rest) = match path.strip_prefix("/file/bot") {
        Some(rest) => (true, Some(rest)),
        None => (false, path.strip_prefix("/bot")),
    };
    let Some((token, rest)) = rest.and_then(|rest| rest.split_once('/')) else {
        return Refusal::new(404, "Not Found").into_response();
    };
    // Some clients encode the colon.
    let token = token.replace("%3A", ":").replace("%3a", ":");
    if let Err(refusal) = check_token(&shared.token, &token) {
        return refusal.into_response();
    }
    if of_file { download(&shared, rest).await } else { call(shared, rest, request).await }
}

fn check_token(ours: &str, given: &str) -> Result<(), Refusal> {
    if given == ours {
        return Ok(());
    }
    let well_formed = given.split_once(':').is_some_and(|(id, key)| id.parse::<u64>().is_ok() && !key.is_empty());
    Err(if well_formed { Refusal::new(401, "Unauthorized") } else { Refusal::new(404, "Not Found") })
}

async fn call(shared: Arc<Shared>, method: &str, request: Request) -> Response {
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(refusal) => return refusal.into_response(),
    };
    let chat_id = params.integer("chat_id");
    let seen = Value::Object(params.seen.clone());
    recorded(&shared, method, chat_id, seen, || async {
        methods::call(&shared, method, &params).await.map(IntoResponse::into_response)
    })
    .await
}

async fn download(shared: &Shared, path: &str) -> Response {
    recorded(shared, "file", None, json!({ "path": path }), || async {
        let found = shared.with(|world| world.files.values().find(|file| file.file_path == path).cloned());
        let bytes = found.and_then(|file| shared.bytes_of(&file.file_id));
        let bytes = bytes.ok_or_else(|| Refusal::new(404, "Not Found"))?;
        // The real server names no better type than this.
        Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
    })
    .await
}

/// Carries a call out under its fault, if one is due, and keeps a record of it.
async fn recorded<F>(
    shared: &Shared,
    method: &str,
    chat_id: Option<i64>,
    params: Value,
    carry_out: impl FnOnce() -> F,
) -> Response
where
    F: Future<Output = Result<Response, Refusal>>,
{
    let n = shared.calls().arrive(method, chat_id, params);
    // It is seen while it is still held up.
    shared.changed();
    let fault = shared.faults.take(method, chat_id);
    let breaks = matches!(fault, Some(Kind::BreakBefore | Kind::BreakAfter));
    let call = || async {
        let outcome = carry_out().await;
        shared.calls().update(n, |call| call.effect = outcome.is_ok());
        outcome.unwrap_or_else(IntoResponse::into_response)
    };
    let response = fault::under(fault, |kind| Refusal::of_fault(kind).into_response(), call).await;
    if !breaks {
        shared.calls().update(n, |call| call.status = response.status().as_u16());
    }
    shared.changed();
    response
}
