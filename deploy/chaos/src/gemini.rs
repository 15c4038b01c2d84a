//! Gemini, as far as the worker speaks it: answers that carry marks, of one to three messages' length, and pictures.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::mark::{self, Mark, asked, marks};
use crate::plan::Dice;

/// In a question: Gemini blocks it.
pub const BLOCKED: &str = "blocked";
/// In a question: Gemini fails, always.
pub const FAILING: &str = "failing";
/// In a question: the model orders a picture.
pub const DRAWN: &str = "drawn";
/// More than Telegram takes under a picture.
const LONG: usize = 3_000;
const SHORT: usize = 100;
/// Of every answer, and of every content of the past. Few, so that a talk fits into its history and whatever is missing
/// there was lost.
const TOKENS: usize = 100;

/// What a request asks, and what it shows of the past.
pub struct Question {
    pub update: u64,
    pub text: String,
    pub roles: Vec<String>,
    pub seen: Vec<Mark>,
    /// It is the image model that is asked.
    draws: bool,
}

pub fn read(body: &Value) -> Option<Question> {
    let contents = body["contents"].as_array()?;
    let text = texts(contents.last()?);
    Some(Question {
        update: asked(&text)?,
        roles: contents.iter().map(|content| content["role"].as_str().unwrap_or_default().to_owned()).collect(),
        seen: contents.iter().flat_map(|content| marks(&texts(content))).collect(),
        draws: body["generationConfig"]["responseModalities"]
            .as_array()
            .is_some_and(|all| all.contains(&json!("IMAGE"))),
        text,
    })
}

impl Question {
    /// It is answered by an order for a picture, and another question.
    pub fn orders(&self) -> bool {
        !self.draws && self.text.contains(DRAWN)
    }
}

fn texts(content: &Value) -> String {
    content["parts"].as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect()
}

/// `call` is the number of this answer.
pub fn answer(question: &Question, call: u32) -> Response {
    let parts = match question {
        _ if question.orders() => vec![order(question)],
        Question { draws: true, .. } => picture(question.update, call).into(),
        _ => vec![words(question.update, call)],
    };
    let prompt = question.roles.len() * TOKENS;
    Json(json!({
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": prompt, "candidatesTokenCount": TOKENS, "totalTokenCount": prompt + TOKENS},
        "modelVersion": "gemini-3.8-flash"
    }))
    .into_response()
}

/// Telegram's limit is 4096: each paragraph of a long answer becomes a message.
fn words(update: u64, call: u32) -> Value {
    let (paragraphs, bytes) = match Dice::new(0, &format!("length {update}")).below(10) {
        0 => (3, LONG),
        1 | 2 => (2, LONG),
        _ => (1, SHORT),
    };
    let paragraph = |paragraph| told(Mark { update, call, paragraph, paragraphs }, bytes);
    let text = (1..=paragraphs).map(paragraph).collect::<Vec<_>>().join("\n\n");
    json!({"text": text, "thoughtSignature": "c2lnbmVk"})
}

/// Later pictures of a conversation change the last one, if there is one.
fn order(question: &Question) -> Value {
    let prompt = format!("{} A fox in the snow.", mark::question(question.update));
    let args = json!({"prompt": prompt, "change_last": question.roles.len() > 1});
    json!({"functionCall": {"name": "generate_image", "args": args}, "thoughtSignature": "c2lnbmVk"})
}

/// Of two paragraphs: the first is in the picture's bytes, the second stands under it or, if it is long, comes after.
fn picture(update: u64, call: u32) -> [Value; 2] {
    let mark = |paragraph| Mark { update, call, paragraph, paragraphs: 2 };
    let bytes = [&b"\x89PNG\r\n\x1a\n"[..], told(mark(1), SHORT).as_bytes()].concat();
    let long = Dice::new(0, &format!("length {update}")).below(3) == 0;
    let words = told(mark(2), if long { LONG } else { SHORT });
    [json!({"text": words}), json!({"inlineData": {"mimeType": "image/png", "data": STANDARD.encode(bytes)}})]
}

fn told(mark: Mark, bytes: usize) -> String {
    format!("{mark} {}", "fox ".repeat(bytes / 4))
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
