//! Refuses what the API refuses.

use serde_json::Value;

use super::models::Model;
use super::refusal::Refusal;

pub(crate) fn parse(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::invalid(format!("Invalid JSON payload received. {error}")))
}

pub(crate) fn check(json: &Value, _model: &Model) -> Result<(), Refusal> {
    let contents = json.get("contents").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if contents.is_empty() {
        return Err(Refusal::invalid("* GenerateContentRequest.contents: contents is not specified\n"));
    }
    if contents.last().and_then(|turn| turn.get("role")).and_then(Value::as_str) == Some("model") {
        return Err(Refusal::invalid("Requests ending with a model turn are not supported."));
    }
    Ok(())
}
