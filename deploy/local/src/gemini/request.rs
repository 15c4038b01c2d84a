//! A request that has been checked, read the way the answers need it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A GenerateContentRequest. Names may come in camelCase or snake_case, as the API takes both.
pub(crate) struct Request(Value);

/// Something that the user sent along.
pub(crate) struct Media {
    pub(crate) mime: String,
    pub(crate) bytes: Vec<u8>,
}

impl Request {
    pub(crate) fn new(json: Value) -> Self {
        Self(json)
    }

    /// The words of the last turn.
    pub(crate) fn words(&self) -> String {
        self.turns().last().map(words_of).unwrap_or_default()
    }

    /// What the user said before, oldest first, without the last turn.
    pub(crate) fn earlier_words(&self) -> Vec<String> {
        let turns = self.turns();
        let earlier = turns.len().saturating_sub(1);
        turns
            .iter()
            .take(earlier)
            .filter(|turn| role(turn) == "user")
            .map(words_of)
            .filter(|words| !words.is_empty())
            .collect()
    }

    /// How many turns hold words; the calls of functions and their responses are no messages.
    pub(crate) fn turn_count(&self) -> usize {
        self.turns().iter().filter(|turn| !words_of(turn).is_empty()).count()
    }

    /// The prompt of the latest picture in the conversation.
    pub(crate) fn last_drawn(&self) -> Option<String> {
        let calls = self.turns().iter().rev().flat_map(parts).filter_map(|part| field(part, "functionCall"));
        calls.filter_map(|call| call.get("args")?.get("prompt")?.as_str()).next().map(str::to_owned)
    }

    /// The media of the last turn.
    pub(crate) fn media(&self) -> Vec<Media> {
        let Some(turn) = self.turns().last() else { return vec![] };
        let inline = parts(turn).iter().filter_map(|part| field(part, "inlineData"));
        inline
            .filter_map(|data| {
                let bytes = STANDARD.decode(field(data, "data")?.as_str()?).ok()?;
                Some(Media { mime: field(data, "mimeType")?.as_str()?.to_owned(), bytes })
            })
            .collect()
    }

    /// Names of the functions that were answered in the last turn.
    pub(crate) fn function_responses(&self) -> Vec<&str> {
        let Some(turn) = self.turns().last() else { return vec![] };
        let responses = parts(turn).iter().filter_map(|part| field(part, "functionResponse"));
        responses.filter_map(|response| response.get("name")?.as_str()).collect()
    }

    /// Whether the model may call this function.
    pub(crate) fn may_call(&self, name: &str) -> bool {
        let tools = self.0.get("tools").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let declared = tools.iter().filter_map(|tool| field(tool, "functionDeclarations")?.as_array()).flatten();
        let forbidden = self.calling_mode() == "NONE";
        !forbidden && declared.into_iter().any(|function| function.get("name").and_then(Value::as_str) == Some(name))
    }

    /// Whether it must call one (`mode: ANY`).
    pub(crate) fn must_call(&self) -> bool {
        self.calling_mode() == "ANY"
    }

    fn calling_mode(&self) -> &str {
        let config = field(&self.0, "toolConfig").and_then(|config| field(config, "functionCallingConfig"));
        config.and_then(|config| config.get("mode")?.as_str()).unwrap_or("AUTO")
    }

    pub(crate) fn generation(&self, name: &str) -> Option<&Value> {
        field(field(&self.0, "generationConfig")?, name)
    }

    pub(crate) fn aspect_ratio(&self) -> &str {
        let config = self.generation("imageConfig");
        config.and_then(|config| field(config, "aspectRatio")?.as_str()).unwrap_or("1:1")
    }

    /// Whether a text may accompany a picture.
    pub(crate) fn wants(&self, modality: &str) -> bool {
        let asked = self.generation("responseModalities").and_then(Value::as_array);
        asked.is_none_or(|asked| asked.is_empty() || asked.iter().any(|one| one.as_str() == Some(modality)))
    }

    /// About four bytes a token; a picture counts 1120, as on Gemini 3.
    pub(crate) fn prompt_tokens(&self) -> usize {
        tokens_in(&self.0)
    }

    fn turns(&self) -> &[Value] {
        self.0.get("contents").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

fn tokens_in(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len().div_ceil(4),
        Value::Array(items) => items.iter().map(tokens_in).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match name.as_str() {
                "inlineData" | "inline_data" => 1120,
                "thoughtSignature" | "thought_signature" | "role" | "generationConfig" => 0,
                _ => tokens_in(value),
            })
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

pub(crate) fn role(turn: &Value) -> &str {
    turn.get("role").and_then(Value::as_str).unwrap_or("user")
}

pub(crate) fn parts(turn: &Value) -> &[Value] {
    turn.get("parts").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn words_of(turn: &Value) -> String {
    let texts: Vec<&str> = parts(turn).iter().filter_map(|part| part.get("text")?.as_str()).collect();
    texts.join("\n").trim().to_owned()
}

/// A field by its camelCase name, or the same in snake_case.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).or_else(|| value.get(snake(name)))
}

pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
