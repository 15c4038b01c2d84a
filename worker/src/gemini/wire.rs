//! `generateContent` on the wire: what is asked, and how an answer is read. Model parts are kept as they came,
//! byte for byte: their thought signatures are refused otherwise.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::history::Call;
use super::{Answer, Outcome};

pub(super) const IMAGE_TOOL: &str = "generate_image";

/// What a person asks, with the photo that it is about.
pub struct Question {
    pub text: String,
    pub photo: Option<Photo>,
}

pub struct Photo {
    mime: &'static str,
    bytes: Arc<Vec<u8>>,
    /// Its share of the room for files, given back when it is dropped.
    _room: Option<OwnedSemaphorePermit>,
}

impl Photo {
    /// The kind is read from the first bytes: Telegram's file paths lose it. Its photos are JPEG.
    pub fn sniffed(bytes: Vec<u8>, room: Option<OwnedSemaphorePermit>) -> Option<Self> {
        let mime = match &bytes[..] {
            [] => return None,
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            _ => "image/jpeg",
        };
        Some(Self { mime, bytes: Arc::new(bytes), _room: room })
    }
}

/// About four bytes a token, where Gemini does not say.
pub fn about_tokens(text: &str) -> u32 {
    u32::try_from(text.len() / 4 + 1).unwrap_or(u32::MAX)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Value>,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Value>,
    generation_config: Value,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Stored(&'a RawValue),
    Question(&'a Question),
}

impl<'a> Request<'a> {
    /// Low thinking: a chat wants its answer soon. Temperature and the like are deprecated since Gemini 3.6.
    pub(super) fn chat(system_prompt: &str, history: &[&'a RawValue], question: &'a Question) -> Self {
        let stored = history.iter().map(|content| Content::Stored(content));
        Self {
            system_instruction: Some(json!({"parts": [{"text": system_prompt}]})),
            contents: stored.chain([Content::Question(question)]).collect(),
            tools: Some(tools()),
            generation_config: json!({"thinkingConfig": {"thinkingLevel": "LOW"}}),
        }
    }

    /// The JSON with a gap, and the photo that belongs there.
    pub(super) fn json(&self) -> (String, Option<Arc<Vec<u8>>>) {
        let photo = self.contents.iter().find_map(|content| match content {
            Content::Question(question) => question.photo.as_ref(),
            Content::Stored(_) => None,
        });
        // Everything in it can be written as JSON.
        (serde_json::to_string(self).unwrap_or_default(), photo.map(|photo| Arc::clone(&photo.bytes)))
    }

    pub(super) fn picture(question: &'a Question) -> Self {
        Self {
            system_instruction: None,
            contents: vec![Content::Question(question)],
            tools: None,
            generation_config: json!({"responseModalities": ["TEXT", "IMAGE"]}),
        }
    }
}

fn tools() -> Value {
    json!([{"functionDeclarations": [{
        "name": IMAGE_TOOL,
        "description": "Draws a picture and sends it to the chat. Only when somebody wants a picture.",
        "parameters": {"type": "OBJECT", "required": ["prompt"], "properties": {
            "prompt": {"type": "STRING", "description": "What the picture shows, in full, in English."},
            "change_last": {"type": "BOOLEAN",
                "description": "True if the photo in the message, or else the last picture drawn here, is to be changed."},
        }},
    }]}])
}

impl Serialize for Question {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        enum Part<'a> {
            InlineData(&'a Photo),
            Text(&'a str),
        }
        let photo = self.photo.iter().map(Part::InlineData);
        let parts: Vec<_> = photo.chain([Part::Text(&self.text)]).collect();
        let mut content = serializer.serialize_map(Some(2))?;
        content.serialize_entry("role", "user")?;
        content.serialize_entry("parts", &parts)?;
        content.end()
    }
}

impl Serialize for Photo {
    /// Without its bytes: `body` puts them there.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut photo = serializer.serialize_map(Some(2))?;
        photo.serialize_entry("mimeType", self.mime)?;
        photo.serialize_entry("data", "")?;
        photo.end()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    #[serde(default, borrow)]
    candidates: Vec<Candidate<'a>>,
    prompt_feedback: Option<Feedback>,
    #[serde(default)]
    usage_metadata: Usage,
    #[serde(default)]
    model_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Option<ModelContent<'a>>,
    #[serde(default)]
    finish_reason: String,
}

#[derive(Deserialize)]
struct ModelContent<'a> {
    #[serde(default, borrow)]
    parts: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

/// `candidatesTokenCount` is without the thoughts, which are billed as output all the same.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Usage {
    prompt_token_count: u32,
    candidates_token_count: u32,
    total_token_count: u32,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    thought: bool,
    function_call: Option<FunctionCall>,
    inline_data: Option<InlineData>,
}

#[derive(Deserialize)]
struct FunctionCall {
    id: Option<String>,
    name: String,
    /// As the model made them: not always of the declared types.
    #[serde(default)]
    args: Value,
}

impl FunctionCall {
    fn prompt(&self) -> &str {
        self.args["prompt"].as_str().unwrap_or_default()
    }

    fn change_last(&self) -> bool {
        self.args["change_last"].as_bool().unwrap_or_else(|| self.args["change_last"] == "true")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InlineData {
    mime_type: String,
    data: String,
}

/// `None` when the body is no answer of Gemini's.
pub(super) fn read(body: &[u8], history_tokens: u32) -> Option<Answer> {
    let response: Response<'_> = serde_json::from_slice(body).ok()?;
    let usage = response.usage_metadata;
    let fresh = usage.prompt_token_count.saturating_add(usage.candidates_token_count).saturating_sub(history_tokens);
    let blocked = response.prompt_feedback.and_then(|feedback| feedback.block_reason);
    let outcome = match (blocked, response.candidates.into_iter().next()) {
        (Some(reason), _) => Outcome::Blocked(reason),
        (None, Some(candidate)) => outcome(candidate)?,
        (None, None) => Outcome::Empty("NO_CANDIDATE".to_owned()),
    };
    Some(Answer {
        outcome,
        tokens: fresh,
        prompt_tokens: usage.prompt_token_count,
        output_tokens: usage.total_token_count.saturating_sub(usage.prompt_token_count),
        model_version: response.model_version,
    })
}

fn outcome(candidate: Candidate<'_>) -> Option<Outcome> {
    let reason = candidate.finish_reason;
    if is_block(&reason) {
        return Some(Outcome::Blocked(reason));
    }
    let (mut kept, mut markdown, mut call, mut picture) = (Vec::new(), String::new(), None, None);
    for raw in candidate.content.map(|content| content.parts).unwrap_or_default() {
        let part: Part = serde_json::from_str(raw.get()).ok()?;
        match part.function_call {
            _ if part.thought => continue,
            None => {}
            // Every call that goes into the history needs its response there: one picture a turn, so one call.
            Some(wanted) if call.is_none() && wanted.name == IMAGE_TOOL && !wanted.prompt().is_empty() => {
                call = Some(wanted);
            }
            Some(_) => continue,
        }
        kept.push(raw);
        markdown.push_str(part.text.as_deref().unwrap_or_default());
        picture = picture.or(part.inline_data.filter(|data| data.mime_type.starts_with("image/")));
    }
    if let Some(InlineData { mime_type, data }) = picture {
        return Some(Outcome::Picture { mime: mime_type, bytes: STANDARD.decode(data).ok()?, markdown });
    }
    let content = to_raw_value(&ModelTurn { role: "model", parts: kept }).ok()?;
    if let Some(wanted) = call {
        let (prompt, change_last) = (wanted.prompt().to_owned(), wanted.change_last());
        return Some(Outcome::Draw { prompt, change_last, call: Call { content, id: wanted.id } });
    }
    if markdown.trim().is_empty() {
        return Some(Outcome::Empty(reason));
    }
    Some(Outcome::Text { markdown, content, cut_off: reason == "MAX_TOKENS" })
}

#[derive(Serialize)]
struct ModelTurn<'a> {
    role: &'static str,
    parts: Vec<&'a RawValue>,
}

/// Finish reasons by which Google withholds an answer; the others are accidents.
fn is_block(reason: &str) -> bool {
    matches!(
        reason,
        "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
    )
}
