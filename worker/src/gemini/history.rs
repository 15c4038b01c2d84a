//! What the history keeps of a turn, as Gemini's own `contents`: each begins with the user and ends with the model.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::wire::IMAGE_TOOL;

/// The model's turn that calls `generate_image`, as it came.
#[derive(Debug)]
pub struct Call {
    pub(super) content: Box<RawValue>,
    pub(super) id: Option<String>,
}

impl Call {
    /// For a picture that a person ordered by command: Gemini takes this value where no signature of its own exists.
    pub fn by_command(prompt: &str) -> Self {
        let call = json!({"name": IMAGE_TOOL, "args": {"prompt": prompt}});
        let part = json!({"functionCall": call, "thoughtSignature": "skip_thought_signature_validator"});
        Self { content: raw(&json!({"role": "model", "parts": [part]})), id: None }
    }
}

/// What the history keeps of a text answer: the question in words (its photo is not kept), and the model's content.
pub fn text_turn(question: &str, answer: Box<RawValue>) -> Vec<Box<RawValue>> {
    vec![user(json!({"text": question})), answer]
}

/// What the history keeps of a picture: the question, the call, its response, and the words under the picture.
/// The shape shows the model how pictures are made; told in words alone, it soon answers in such words itself.
pub fn picture_turn(question: &str, call: Call, words: &str) -> Vec<Box<RawValue>> {
    let mut response = json!({"name": IMAGE_TOOL, "response": {"result": "The picture was sent to the chat."}});
    if let Some(id) = call.id {
        response["id"] = id.into();
    }
    let words = if words.trim().is_empty() { "Here it is." } else { words };
    let last = raw(&json!({"role": "model", "parts": [{"text": words}]}));
    vec![user(json!({"text": question})), call.content, user(json!({"functionResponse": response})), last]
}

fn user(part: Value) -> Box<RawValue> {
    raw(&json!({"role": "user", "parts": [part]}))
}

fn raw(content: &Value) -> Box<RawValue> {
    // A value that is JSON already can always be written.
    to_raw_value(content).unwrap_or_default()
}
