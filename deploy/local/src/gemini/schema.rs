//! The names and types of a GenerateContentRequest: an unknown name or a value of the wrong type is refused, as the API's own
//! decoder does. Names may be camelCase or snake_case.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

use super::refusal::Refusal;
use super::request::snake;
use Kind::{Any, Bool, Bytes, Choice, Each, Message, Number, Text, Whole};

/// What a field may hold. `null` is as good as absent.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Bytes,
    Number,
    Whole,
    Bool,
    Any,
    Choice(&'static [&'static str]),
    Message(Fields),
    Each(&'static Kind),
}

type Fields = &'static [(&'static str, Kind)];

const REQUEST: Fields = &[
    ("model", Text),
    ("contents", Each(&Message(CONTENT))),
    ("systemInstruction", Message(CONTENT)),
    ("tools", Each(&Message(TOOL))),
    ("toolConfig", Message(TOOL_CONFIG)),
    ("safetySettings", Each(&Message(SAFETY))),
    ("generationConfig", Message(GENERATION)),
    ("cachedContent", Text),
    ("serviceTier", Any),
    ("store", Bool),
    ("labels", Any),
];
const CONTENT: Fields = &[("role", Text), ("parts", Each(&Message(PART)))];
const PART: Fields = &[
    ("text", Text),
    ("inlineData", Message(&[("mimeType", Text), ("data", Bytes), ("displayName", Text)])),
    ("fileData", Message(&[("mimeType", Text), ("fileUri", Text), ("displayName", Text)])),
    (
        "functionCall",
        Message(&[("id", Text), ("name", Text), ("args", Any), ("partialArgs", Any), ("willContinue", Bool)]),
    ),
    ("functionResponse", Message(FUNCTION_RESPONSE)),
    ("executableCode", Any),
    ("codeExecutionResult", Any),
    ("toolCall", Any),
    ("toolResponse", Any),
    ("thought", Bool),
    ("thoughtSignature", Bytes),
    ("videoMetadata", Any),
    ("mediaResolution", Any),
    ("partMetadata", Any),
];
const FUNCTION_RESPONSE: Fields =
    &[("id", Text), ("name", Text), ("response", Any), ("parts", Any), ("willContinue", Bool), ("scheduling", Text)];
const TOOL: Fields = &[
    ("functionDeclarations", Each(&Message(FUNCTION))),
    ("googleSearch", Any),
    ("googleSearchRetrieval", Any),
    ("urlContext", Any),
    ("codeExecution", Any),
    ("googleMaps", Any),
    ("fileSearch", Any),
    ("computerUse", Any),
    ("mcpServers", Any),
];
const FUNCTION: Fields = &[
    ("name", Text),
    ("description", Text),
    ("behavior", Text),
    ("parameters", Any),
    ("parametersJsonSchema", Any),
    ("response", Any),
    ("responseJsonSchema", Any),
];
const TOOL_CONFIG: Fields = &[
    ("functionCallingConfig", Message(&[("mode", Choice(MODES)), ("allowedFunctionNames", Each(&Text))])),
    ("retrievalConfig", Any),
    ("includeServerSideToolInvocations", Bool),
];
const MODES: &[&str] = &["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"];
const SAFETY: Fields = &[("category", Choice(CATEGORIES)), ("threshold", Choice(THRESHOLDS))];
const CATEGORIES: &[&str] = &[
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
];
const THRESHOLDS: &[&str] = &[
    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
];
const GENERATION: Fields = &[
    ("candidateCount", Whole),
    ("maxOutputTokens", Whole),
    ("stopSequences", Each(&Text)),
    ("temperature", Number),
    ("topP", Number),
    ("topK", Number),
    ("seed", Whole),
    ("presencePenalty", Number),
    ("frequencyPenalty", Number),
    ("responseMimeType", Text),
    ("responseSchema", Any),
    ("responseJsonSchema", Any),
    ("responseModalities", Each(&Choice(&["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"]))),
    ("responseLogprobs", Bool),
    ("logprobs", Whole),
    ("enableEnhancedCivicAnswers", Bool),
    ("speechConfig", Any),
    ("mediaResolution", Any),
    ("thinkingConfig", Message(THINKING)),
    ("imageConfig", Message(&[("aspectRatio", Text), ("imageSize", Text), ("personGeneration", Any)])),
];
const THINKING: Fields = &[("includeThoughts", Bool), ("thinkingBudget", Whole), ("thinkingLevel", Choice(LEVELS))];
const LEVELS: &[&str] = &["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"];

/// Refuses what the decoder would not take.
pub(crate) fn check(json: &Value) -> Result<(), Refusal> {
    match json {
        Value::Object(_) => object(json, REQUEST, ""),
        other => Err(Refusal::bad_value(
            "",
            "type.googleapis.com/google.ai.generativelanguage.v1beta.GenerateContentRequest",
            other,
        )),
    }
}

fn object(json: &Value, fields: Fields, at: &str) -> Result<(), Refusal> {
    let Some(object) = json.as_object() else { return Err(Refusal::bad_value(at, "Map", json)) };
    for (name, value) in object {
        let Some((_, kind)) = fields.iter().find(|(known, _)| known == name || snake(known) == *name) else {
            return Err(Refusal::unknown_name(name, at));
        };
        let dot = if at.is_empty() { "" } else { "." };
        check_value(value, *kind, &format!("{at}{dot}{}", snake(name)))?;
    }
    Ok(())
}

fn check_value(value: &Value, kind: Kind, at: &str) -> Result<(), Refusal> {
    if value.is_null() {
        return Ok(());
    }
    let (fits, expected) = match kind {
        Any => (true, ""),
        Text => (value.is_string(), "TYPE_STRING"),
        Bool => (value.is_boolean(), "TYPE_BOOL"),
        Number => (value.is_number(), "TYPE_FLOAT"),
        Whole => (value.is_i64() || value.as_str().is_some_and(|text| text.parse::<i64>().is_ok()), "TYPE_INT32"),
        // In the enumerations' own spelling or, as Google's client libraries send it, in lower case.
        Choice(names) => {
            (value.as_str().is_some_and(|text| names.contains(&text.to_uppercase().as_str())), "TYPE_ENUM")
        }
        Bytes => return base64(value, at),
        Message(fields) => return object(value, fields, at),
        Each(kind) => return each(value, *kind, at),
    };
    if fits { Ok(()) } else { Err(Refusal::bad_value(at, expected, value)) }
}

/// A list; a single value counts as a list of one.
fn each(value: &Value, kind: Kind, at: &str) -> Result<(), Refusal> {
    let Some(items) = value.as_array() else { return check_value(value, kind, at) };
    items.iter().enumerate().try_for_each(|(index, item)| check_value(item, kind, &format!("{at}[{index}]")))
}

fn base64(value: &Value, at: &str) -> Result<(), Refusal> {
    let Some(text) = value.as_str() else { return Err(Refusal::bad_value(at, "TYPE_BYTES", value)) };
    if STANDARD.decode(text).is_ok() || URL_SAFE.decode(text).is_ok() {
        return Ok(());
    }
    let begin: String = text.chars().take(40).collect();
    Err(Refusal::invalid(format!("Invalid value at '{at}' (TYPE_BYTES), Base64 decoding failed for \"{begin}\"")))
}
