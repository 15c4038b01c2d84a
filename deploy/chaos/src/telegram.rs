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
        "sendMessage" | "sendPhoto" => json!({"message_id": message_id, "date": 1_795_348_800, "chat": {"id": 1}}),
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

/// For which update a message is, and what it says. Every person's message has its update's id as its own.
pub fn read(body: &Value) -> Option<(u64, Words)> {
    let text = body["text"].as_str()?;
    let marks = marks(text);
    if let Some(first) = marks.first() {
        return Some((first.update, Words::Answer(marks)));
    }
    let update = body["reply_parameters"]["message_id"].as_u64()?;
    Some((update, if text.contains(&update.to_string()) { Words::Apology } else { Words::Notice }))
}
