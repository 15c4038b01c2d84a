//! Refusals in Google's words: `{"error":{"code","message","status","details"}}`, with the HTTP status equal to the code.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::fault::Kind;

const SERVICE: &str = "generativelanguage.googleapis.com";

/// Why a request is refused; nothing was done and nothing is charged.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    status: String,
    pub(crate) message: String,
    details: Vec<Value>,
}

impl Refusal {
    /// 400: the request itself is wrong, and stays wrong.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 400 for a name that the API's schema does not know; `at` is the path to it, empty at the top.
    pub(crate) fn unknown_name(name: &str, at: &str) -> Self {
        let place = if at.is_empty() { String::new() } else { format!(" at '{at}'") };
        let message = format!("Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field.");
        let violation = json!({"field": at, "description": message});
        let detail = json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]});
        Self { details: vec![detail], ..Self::invalid(message) }
    }

    /// 400 for a value of the wrong type or outside an enumeration.
    pub(crate) fn bad_value(at: &str, expected: &str, value: &Value) -> Self {
        Self::invalid(format!("Invalid value at '{at}' ({expected}), {value}"))
    }

    pub(crate) fn key_missing() -> Self {
        Self::new(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or \
             other form of API consumer identity to call this API.",
        )
    }

    pub(crate) fn key_invalid() -> Self {
        let message = "API key not valid. Please pass a valid API key.";
        let info = json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID", "domain": "googleapis.com", "metadata": {"service": SERVICE},
        });
        let localized = json!({
            "@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": message,
        });
        Self { details: vec![info, localized], ..Self::new(400, message) }
    }

    pub(crate) fn no_such_model(model: &str, method: &str) -> Self {
        Self::new(
            404,
            format!(
                "models/{model} is not found for API version v1beta, or is not supported for {method}. \
                 Call ListModels to see the list of available models and their supported methods."
            ),
        )
    }

    /// The refusal that a person or a test ordered. Faults of the connection never come here.
    pub(crate) fn ordered(kind: &Kind, model: &str) -> Self {
        match kind {
            Kind::TooManyRequests { retry_after_s } => Self::quota(*retry_after_s, model),
            Kind::Status { code, description } => {
                Self::new(*code, description.clone().unwrap_or_else(|| usual_message(*code).to_owned()))
            }
            Kind::BreakBefore | Kind::BreakAfter | Kind::Slow { .. } | Kind::MalformedJson => Self::new(500, ""),
        }
    }

    fn quota(retry_after_s: u64, model: &str) -> Self {
        let metric = format!("{SERVICE}/generate_content_free_tier_requests");
        let message = format!(
            "You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: \
             {metric}, limit: 10, model: {model}\nPlease retry in {retry_after_s}s."
        );
        let violation = json!({
            "quotaMetric": metric, "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
            "quotaDimensions": {"location": "global", "model": model}, "quotaValue": "10",
        });
        let failure = json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]});
        let retry =
            json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{retry_after_s}s")});
        Self { details: vec![failure, retry], ..Self::new(429, message) }
    }

    pub(crate) fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, status: status_name(code).to_owned(), message: message.into(), details: vec![] }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut error = json!({"code": self.code, "message": self.message, "status": self.status});
        if !self.details.is_empty() {
            error["details"] = self.details.into();
        }
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(json!({"error": error}))).into_response()
    }
}

fn status_name(code: u16) -> &'static str {
    match code {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        500 => "INTERNAL",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "UNKNOWN",
    }
}

fn usual_message(code: u16) -> &'static str {
    match code {
        429 => "Resource has been exhausted (e.g. check quota).",
        500 => {
            "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"
        }
        503 => "The model is overloaded. Please try again later.",
        504 => "The request timed out. Please try again.",
        _ => "The request could not be served.",
    }
}
