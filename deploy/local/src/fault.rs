//! Faults that a test or a person can order from a simulated service: which call, how often, and what goes wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// An order for `times` calls of `method`, after `skip` of them went well.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Fault {
    /// A method's name as in the URL (`sendMessage`, `generateContent`, `getFile`, `file`), or AWS's for an operation
    /// (`PutObject`); `*` for all.
    pub method: String,
    /// Only calls that name this chat; those of Telegram, and of S3 by the object's key.
    #[serde(default)]
    pub chat_id: Option<i64>,
    #[serde(default)]
    pub skip: u32,
    #[serde(default = "once")]
    pub times: u32,
    pub kind: Kind,
}

fn once() -> u32 {
    1
}

/// What goes wrong. The service says a 429 or another status in its own words; the rest is the connection's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 429 with this wait, in the service's own form; without effect.
    TooManyRequests { retry_after_s: u64 },
    /// An error with this status and, if given, this body or description; without effect.
    Status {
        code: u16,
        #[serde(default)]
        description: Option<String>,
    },
    /// The connection breaks before anything was done.
    BreakBefore,
    /// The call has its effect, then the connection breaks without an answer.
    BreakAfter,
    /// The call succeeds, but so late.
    Slow { ms: u64 },
    /// The call has its effect; the answer is 200 and no JSON.
    MalformedJson,
}

/// The orders of one service, in the order given: the first that matches a call is used up by it.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    pub fn order(&self, fault: Fault) {
        self.lock().push(fault);
    }

    pub fn clear(&self) {
        self.lock().clear();
    }

    pub fn list(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// The fault for this call, if one is due.
    pub fn take(&self, method: &str, chat_id: Option<i64>) -> Option<Kind> {
        let mut faults = self.lock();
        let hit = faults.iter().position(|fault| {
            (fault.method == "*" || fault.method.eq_ignore_ascii_case(method))
                && (fault.chat_id.is_none() || fault.chat_id == chat_id)
        })?;
        let fault = faults.get_mut(hit)?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times = fault.times.saturating_sub(1);
        let kind = fault.kind.clone();
        if fault.times == 0 {
            faults.remove(hit);
        }
        Some(kind)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Runs a call under its fault. `refuse` words a refusal (429, 5xx) as the service does; `call` has the effect.
pub async fn under<C, F>(fault: Option<Kind>, refuse: impl FnOnce(&Kind) -> Response, call: C) -> Response
where
    C: FnOnce() -> F,
    F: Future<Output = Response>,
{
    match fault {
        None => call().await,
        Some(kind @ (Kind::TooManyRequests { .. } | Kind::Status { .. })) => refuse(&kind),
        Some(Kind::BreakBefore) => broken(),
        Some(Kind::BreakAfter) => {
            call().await;
            broken()
        }
        Some(Kind::Slow { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            call().await
        }
        Some(Kind::MalformedJson) => {
            call().await;
            (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], r#"{"ok":tru"#).into_response()
        }
    }
}

/// Marks a response that must never be written: [`crate::serve`] closes the connection instead.
#[derive(Clone)]
pub(crate) struct Broken;

/// A response that is never written: the connection breaks instead.
pub fn broken() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Broken);
    response
}
