//! Gemini, as far as the worker speaks it: answers that carry marks, of one to three messages' length.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::mark::{Mark, asked, marks};
use crate::plan::Dice;

/// In a question: Gemini blocks it.
pub const BLOCKED: &str = "blocked";
/// In a question: Gemini fails, always.
pub const FAILING: &str = "failing";

/// What a request asks, and what it shows of the past.
pub struct Question {
    pub update: u64,
    pub text: String,
    pub roles: Vec<String>,
    pub seen: Vec<Mark>,
}

pub fn read(body: &Value) -> Option<Question> {
    let contents = body["contents"].as_array()?;
    let text = texts(contents.last()?);
    Some(Question {
        update: asked(&text)?,
        roles: contents.iter().map(|content| content["role"].as_str().unwrap_or_default().to_owned()).collect(),
        seen: contents.iter().flat_map(|content| marks(&texts(content))).collect(),
        text,
    })
}

fn texts(content: &Value) -> String {
    content["parts"].as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect()
}

/// Telegram's limit is 4096: each paragraph of a long answer becomes a message.
pub fn answer(question: &Question, call: u32) -> Response {
    const LONG: usize = 3_000;
    const TOKENS: usize = 700;
    let mut dice = Dice::new(0, &format!("length {}", question.update));
    let (paragraphs, bytes) = match dice.below(10) {
        0 => (3, LONG),
        1 | 2 => (2, LONG),
        _ => (1, 100),
    };
    let filler = "fox ".repeat(bytes / 4);
    let paragraph = |n| format!("{} {filler}", Mark { update: question.update, call, paragraph: n, paragraphs });
    let text = (1..=paragraphs).map(paragraph).collect::<Vec<_>>().join("\n\n");
    let prompt = question.roles.len() * TOKENS;
    Json(json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": text, "thoughtSignature": "c2lnbmVk"}]},
            "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": prompt, "candidatesTokenCount": TOKENS, "totalTokenCount": prompt + TOKENS},
        "modelVersion": "gemini-3.8-flash"
    }))
    .into_response()
}

pub fn blocked() -> Response {
    let usage = json!({"promptTokenCount": 9, "totalTokenCount": 9});
    Json(json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage})).into_response()
}

pub fn refused(wait_s: Option<u32>) -> Response {
    let (code, status) = match wait_s {
        Some(_) => (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
    };
    let retry =
        |wait_s| json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{wait_s}s")});
    let details: Vec<_> = wait_s.map(retry).into_iter().collect();
    let error = json!({"code": code.as_u16(), "message": "no", "status": status, "details": details});
    (code, Json(json!({"error": error}))).into_response()
}
