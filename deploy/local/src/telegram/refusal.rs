//! How the Bot API says no: a status, a sentence, sometimes parameters.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::fault::Kind;

/// An answer with `"ok":false`; its HTTP status is `code`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) description: String,
    pub(crate) parameters: Option<Value>,
}

impl Refusal {
    pub(crate) fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), parameters: None }
    }

    /// 400; `reason` begins with a small letter, as the server makes it.
    pub(crate) fn bad_request(reason: impl AsRef<str>) -> Self {
        Self::new(400, format!("Bad Request: {}", reason.as_ref()))
    }

    pub(crate) fn forbidden(reason: &str) -> Self {
        Self::new(403, format!("Forbidden: {reason}"))
    }

    /// The group became a supergroup: the id to go on with is in the parameters.
    pub(crate) fn migrated(to: i64) -> Self {
        let description = "Bad Request: group chat was upgraded to a supergroup chat".to_owned();
        Self { code: 400, description, parameters: Some(json!({ "migrate_to_chat_id": to })) }
    }

    pub(crate) fn too_many_requests(retry_after_s: u64) -> Self {
        let description = format!("Too Many Requests: retry after {retry_after_s}");
        Self { code: 429, description, parameters: Some(json!({ "retry_after": retry_after_s })) }
    }

    /// An ordered fault in Telegram's words.
    pub(crate) fn of_fault(kind: &Kind) -> Self {
        match kind {
            Kind::TooManyRequests { retry_after_s } => Self::too_many_requests(*retry_after_s),
            Kind::Status { code, description: Some(description) } => Self::new(*code, description),
            Kind::Status { code, description: None } => Self::new(*code, usual_description(*code)),
            Kind::BreakBefore | Kind::BreakAfter | Kind::Slow { .. } | Kind::MalformedJson => {
                Self::new(500, usual_description(500))
            }
        }
    }
}

fn usual_description(code: u16) -> &'static str {
    match code {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        500.. => "Internal Server Error",
        _ => "Error",
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = json!({ "ok": false, "error_code": self.code, "description": self.description });
        let retry_after = self.parameters.as_ref().and_then(|parameters| parameters["retry_after"].as_u64());
        if let Some(parameters) = self.parameters {
            body["parameters"] = parameters;
        }
        let mut response = (status, axum::Json(body)).into_response();
        if let Some(wait_s) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, wait_s.into());
        }
        response
    }
}
