//! The wire: routes, the key, the size limit, faults, and the two forms of an answer, whole and streamed.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, State as Shared};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::models::{self, Model};
use super::refusal::Refusal;
use super::reply::Reply;
use super::request::Request;
use super::{State, answer, picture, validate};
use crate::fault;

/// Inline media included; since 2026-01-08.
const REQUEST_LIMIT_BYTES: usize = 100 * 1024 * 1024;
/// Between two chunks of a stream, so that a person sees an answer grow; a long answer takes no longer than [`STREAM_TAKES`].
const CHUNK_PAUSE: Duration = Duration::from_millis(80);
const STREAM_TAKES: Duration = Duration::from_millis(1_500);

pub(super) fn router(state: State) -> Router {
    Router::new()
        .route("/v1beta/models", get(list))
        .route("/v1beta/models/{call}", get(one).post(call))
        .fallback(async || Refusal::new(404, "Not Found"))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

#[derive(Deserialize)]
struct Parameters {
    key: Option<String>,
    alt: Option<String>,
}

async fn list(Shared(state): Shared<State>, Query(query): Query<Parameters>, headers: HeaderMap) -> Response {
    match check_key(&state, &headers, &query) {
        Ok(()) => Json(models::list()).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn one(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    Query(query): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = check_key(&state, &headers, &query) {
        return refusal.into_response();
    }
    match models::find(&id) {
        Some(model) => Json(model.describe()).into_response(),
        None => Refusal::no_such_model(&id, "getModel").into_response(),
    }
}

fn check_key(state: &State, headers: &HeaderMap, query: &Parameters) -> Result<(), Refusal> {
    let header = headers.get("x-goog-api-key").and_then(|value| value.to_str().ok());
    match header.or(query.key.as_deref()) {
        None | Some("") => Err(Refusal::key_missing()),
        Some(key) if key == &*state.api_key => Ok(()),
        Some(_) => Err(Refusal::key_invalid()),
    }
}

async fn call(
    Shared(state): Shared<State>,
    Path(call): Path<String>,
    Query(query): Query<Parameters>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some((model, method)) = call.split_once(':') else { return Refusal::new(404, "Not Found").into_response() };
    let body = axum::body::to_bytes(body, REQUEST_LIMIT_BYTES).await;
    let body = body
        .map_err(|_| Refusal::invalid(format!("Request payload size exceeds the limit: {REQUEST_LIMIT_BYTES} bytes.")));
    let json = body.and_then(|body| validate::parse(&body));
    let fault = state.faults.take(method, None);
    let n = state.calls.begin(model, method, json.as_ref().unwrap_or(&Value::Null), fault.clone());
    let refuse = |kind: &fault::Kind| answered(&state, n, Err(Refusal::ordered(kind, model)));
    let served = async || {
        let key = check_key(&state, &headers, &query);
        let outcome = match key.and(json) {
            Ok(json) => serve(model, method, json, query.alt.as_deref() == Some("sse")).await,
            Err(refusal) => Err(refusal),
        };
        answered(&state, n, outcome)
    };
    fault::under(fault, refuse, served).await
}

/// Notes the outcome with the call and puts it on the wire.
fn answered(state: &State, n: u64, outcome: Result<(Value, Response), Refusal>) -> Response {
    match outcome {
        Ok((summary, response)) => {
            state.calls.end(n, response.status().as_u16(), summary);
            response
        }
        Err(refusal) => {
            state.calls.end(n, refusal.code, json!({"refused": refusal.message}));
            refusal.into_response()
        }
    }
}

async fn serve(id: &str, method: &str, json: Value, sse: bool) -> Result<(Value, Response), Refusal> {
    let model = models::find(id).ok_or_else(|| Refusal::no_such_model(id, method))?;
    if method == "countTokens" {
        let counted = json.get("generateContentRequest").cloned().unwrap_or(json);
        let tokens = Request::new(counted).prompt_tokens();
        let answer =
            json!({"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]});
        return Ok((json!({"total_tokens": tokens}), Json(answer).into_response()));
    }
    if !matches!(method, "generateContent" | "streamGenerateContent") {
        return Err(Refusal::no_such_model(id, method));
    }
    validate::check(&json, &model)?;
    let reply = think(model, Request::new(json)).await?;
    let response = match method {
        "generateContent" => Json(reply.whole()).into_response(),
        _ => streamed(reply.chunks(), sse),
    };
    Ok((reply.summary(), response))
}

/// Painting takes the processor for a moment: not on the thread that serves others.
async fn think(model: Model, request: Request) -> Result<Reply, Refusal> {
    let thinking = tokio::task::spawn_blocking(move || match model.purpose {
        models::Purpose::Text => Reply::new(model.id, &request, answer::to(&request)),
        models::Purpose::Image => Reply::new(model.id, &request, picture::of(&request)),
    });
    thinking.await.map_err(|_| Refusal::new(500, "The simulated model broke down."))
}

/// Server-sent events, or without `alt=sse` one JSON array that grows.
fn streamed(chunks: Vec<Value>, sse: bool) -> Response {
    let (count, pause) = (chunks.len(), CHUNK_PAUSE.min(STREAM_TAKES / chunks.len().max(1) as u32));
    let lines = chunks.into_iter().enumerate().map(move |(index, chunk)| match (sse, index) {
        (true, _) => format!("data: {chunk}\r\n\r\n"),
        (false, 0) if count == 1 => format!("[{chunk}]"),
        (false, 0) => format!("[{chunk}\n"),
        (false, last) if last + 1 == count => format!(",{chunk}\n]"),
        (false, _) => format!(",{chunk}\n"),
    });
    let paced = stream::iter(lines.enumerate()).then(move |(index, line)| async move {
        if index > 0 {
            tokio::time::sleep(pause).await;
        }
        Ok::<_, std::convert::Infallible>(line)
    });
    let content_type = if sse { "text/event-stream" } else { "application/json; charset=UTF-8" };
    ([(header::CONTENT_TYPE, content_type)], Body::from_stream(paced)).into_response()
}
