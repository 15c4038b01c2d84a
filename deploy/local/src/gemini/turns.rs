//! The rules of a conversation: who speaks, what a part holds, and which function call needs its answer and its signature.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

use super::media;
use super::refusal::Refusal;
use super::request::{field, parts, role};

/// The kinds of content of which a part holds exactly one.
const CONTENT: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];
const AUDIO: &[&str] = &["wav", "x-wav", "mp3", "mpeg", "aiff", "aac", "ogg", "flac", "mp4", "m4a", "webm"];
const PICTURES: &[&str] = &["png", "jpeg", "webp", "heic", "heif"];
const FILMS: &[&str] = &["mp4", "mpeg", "mov", "quicktime", "avi", "x-flv", "mpg", "webm", "wmv", "3gpp"];

pub(crate) fn check(json: &Value) -> Result<(), Refusal> {
    let turns = json.get("contents").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let Some(last) = turns.last() else {
        return Err(Refusal::invalid("* GenerateContentRequest.contents: contents is not specified\n"));
    };
    for (index, turn) in turns.iter().enumerate() {
        check_turn(index, turn)?;
        check_functions(index.checked_sub(1).and_then(|before| turns.get(before)), turn)?;
    }
    if role(last) == "model" {
        return Err(Refusal::invalid("Requests ending with a model turn are not supported."));
    }
    check_signatures(turns)
}

fn check_turn(index: usize, turn: &Value) -> Result<(), Refusal> {
    if !matches!(role(turn), "user" | "model") {
        return Err(Refusal::invalid("Please use a valid role: user, model."));
    }
    if parts(turn).is_empty() {
        let at = format!("GenerateContentRequest.contents[{index}].parts");
        return Err(Refusal::invalid(format!("* {at}: contents.parts must not be empty.\n")));
    }
    parts(turn)
        .iter()
        .enumerate()
        .try_for_each(|(number, part)| check_part(&format!("contents[{index}].parts[{number}]"), part))
}

fn check_part(at: &str, part: &Value) -> Result<(), Refusal> {
    let mut held = CONTENT.iter().filter(|name| field(part, name).is_some_and(|value| !value.is_null()));
    // A stream may end with a part that is nothing but a signature; it is taken back as it came.
    if held.next().is_none() && field(part, "thoughtSignature").is_none() {
        return Err(Refusal::invalid(format!(
            "* GenerateContentRequest.{at}.data: required oneof field 'data' must have one initialized field\n"
        )));
    }
    if let Some(second) = held.next() {
        return Err(Refusal::invalid(format!(
            "Invalid value at '{at}' (oneof), oneof field 'data' is already set. Cannot set '{second}'"
        )));
    }
    field(part, "inlineData").map_or(Ok(()), check_media)
}

fn check_media(data: &Value) -> Result<(), Refusal> {
    let mime = field(data, "mimeType").and_then(Value::as_str).unwrap_or_default();
    let (kind, subtype) = mime.split_once('/').unwrap_or_default();
    let subtype = subtype.split(';').next().unwrap_or_default();
    let known = match kind {
        "image" => PICTURES.contains(&subtype),
        "audio" => AUDIO.contains(&subtype),
        "video" => FILMS.contains(&subtype),
        "application" => matches!(subtype, "pdf" | "json" | "x-javascript" | "rtf"),
        "text" => true,
        _ => false,
    };
    if !known {
        return Err(Refusal::invalid(format!("Unsupported MIME type: {mime}")));
    }
    let encoded = field(data, "data").and_then(Value::as_str).unwrap_or_default();
    let bytes = STANDARD.decode(encoded).or_else(|_| URL_SAFE.decode(encoded)).unwrap_or_default();
    if kind == "image" && !media::is_picture(&bytes) {
        return Err(Refusal::invalid("Unable to process input image. Please retry with a different image."));
    }
    Ok(())
}

/// A call stands after a user's turn, and the next turn holds one response for each call.
fn check_functions(before: Option<&Value>, turn: &Value) -> Result<(), Refusal> {
    let calls = before.map(|turn| names(turn, "functionCall")).unwrap_or_default();
    let responses = names(turn, "functionResponse");
    if calls.len() != responses.len() {
        return Err(Refusal::invalid(if calls.is_empty() {
            "Please ensure that function response turn comes immediately after a function call turn."
        } else {
            "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."
        }));
    }
    if let Some(stray) = responses.iter().find(|name| !calls.contains(name)) {
        return Err(Refusal::invalid(format!("Function response for \"{stray}\" has no function call of that name.")));
    }
    let first_or_after_model = before.is_none_or(|before| role(before) == "model");
    if !names(turn, "functionCall").is_empty() && (first_or_after_model || role(turn) != "model") {
        return Err(Refusal::invalid(
            "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
        ));
    }
    Ok(())
}

/// From the user's last words on, the first call of each model turn carries its signature; earlier ones need none.
fn check_signatures(turns: &[Value]) -> Result<(), Refusal> {
    let current = turns.iter().rposition(|turn| role(turn) == "user" && names(turn, "functionResponse").is_empty());
    for (index, turn) in turns.iter().enumerate().skip(current.unwrap_or(0)) {
        let first = parts(turn).iter().find(|part| field(part, "functionCall").is_some());
        let Some(part) = first else { continue };
        let signature = field(part, "thoughtSignature").and_then(Value::as_str).unwrap_or_default();
        if signature.is_empty() {
            let name = names(turn, "functionCall").first().copied().unwrap_or_default();
            return Err(Refusal::invalid(format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, \
                 and missing thought_signature may lead to degraded model performance. Additional data, function call \
                 `default_api:{name}`, position {}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for \
                 more details.",
                index + 1
            )));
        }
    }
    Ok(())
}

fn names<'a>(turn: &'a Value, kind: &str) -> Vec<&'a str> {
    let held = parts(turn).iter().filter_map(|part| field(part, kind));
    held.map(|call| call.get("name").and_then(Value::as_str).unwrap_or_default()).collect()
}
