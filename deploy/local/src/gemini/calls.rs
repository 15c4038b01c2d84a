//! What the simulated Gemini received and what it answered, so that a test or a person can look at it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Value, json};

use crate::fault::Kind;

/// How many calls are remembered; the local run may go on for days.
const KEPT: usize = 2_000;

/// One call. `http_status` is none when the connection was broken before anything was done.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    pub n: u64,
    pub at_ms: u64,
    pub model: String,
    pub method: String,
    /// The request as it came, media replaced by `{"bytes": length}`.
    pub request: Value,
    pub fault: Option<Kind>,
    pub http_status: Option<u16>,
    /// In short: finish reason, parts, `charged_tokens`; or the refusal's message.
    pub response: Value,
}

#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    next: u64,
    calls: Vec<Call>,
}

impl Calls {
    /// Notes that a call came in; [`Calls::end`] completes the note.
    pub(crate) fn begin(&self, model: &str, method: &str, request: &Value, fault: Option<Kind>) -> u64 {
        let mut kept = self.lock();
        kept.next += 1;
        let n = kept.next;
        let at_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let (model, method, request) = (model.to_owned(), method.to_owned(), without_media(request));
        kept.calls.push(Call { n, at_ms, model, method, request, fault, http_status: None, response: Value::Null });
        if kept.calls.len() > KEPT {
            kept.calls.remove(0);
        }
        n
    }

    pub(crate) fn end(&self, n: u64, http_status: u16, response: Value) {
        if let Some(call) = self.lock().calls.iter_mut().find(|call| call.n == n) {
            call.http_status = Some(http_status);
            call.response = response;
        }
    }

    pub(crate) fn list(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    pub(crate) fn clear(&self) {
        self.lock().calls.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A copy in which every `data` string is its decoded length.
fn without_media(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let slim = |(name, value): (&String, &Value)| match value {
                Value::String(data) if name == "data" => (name.clone(), json!({"bytes": decoded_length(data)})),
                other => (name.clone(), without_media(other)),
            };
            Value::Object(fields.iter().map(slim).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_media).collect()),
        other => other.clone(),
    }
}

fn decoded_length(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}
