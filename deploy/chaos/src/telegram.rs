//! Telegram, as far as the worker speaks it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::event::Words;
use crate::mark::marks;

pub const TOKEN: &str = "42:AAH5simulated-token-of-no-worth-xyz";
pub const USERNAME: &str = "ChaosBot";

pub fn done(method: &str, message_id: usize) -> Response {
    let result = match method {
        "getMe" => json!({"id": 42, "is_bot": true, "first_name": "Chaos", "username": USERNAME}),
        method if is_message(method) => json!({"message_id": message_id, "date": 1_795_348_800, "chat": {"id": 1}}),
        _ => json!(true),
    };
    Json(json!({"ok": true, "result": result})).into_response()
}

pub fn refused(wait_s: Option<u32>) -> Response {
    let (code, body) = match wait_s {
        Some(wait_s) => (
            StatusCode::TOO_MANY_REQUESTS,
            json!({"ok": false, "error_code": 429, "description": format!("Too Many Requests: retry after {wait_s}"),
                "parameters": {"retry_after": wait_s}}),
        ),
        None => (StatusCode::BAD_GATEWAY, json!({"ok": false, "error_code": 502, "description": "Bad Gateway"})),
    };
    (code, Json(body)).into_response()
}

/// The chat has another id now.
pub fn moved(to: i64) -> Response {
    let description = "Bad Request: group chat was upgraded to a supergroup chat";
    let body = json!({"ok": false, "error_code": 400, "description": description,
        "parameters": {"migrate_to_chat_id": to}});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// A message to a person, which stays.
pub fn is_message(method: &str) -> bool {
    matches!(method, "sendMessage" | "sendPhoto")
}

/// For which update a message is, and what it says; a picture has its mark in its bytes. Every person's message has its
/// update's id as its own.
pub fn read(body: &Value) -> Option<(u64, Words)> {
    let field = |name: &str| body[name].as_str().unwrap_or_default();
    let text = [field("photo"), field("text"), field("caption")].join("\n");
    let marks = marks(&text);
    if let Some(first) = marks.first() {
        return Some((first.update, Words::Answer(marks)));
    }
    let update = body["reply_parameters"]["message_id"].as_u64()?;
    Some((update, if text.contains(&update.to_string()) { Words::Apology } else { Words::Notice }))
}
