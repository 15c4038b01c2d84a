//! What a model produced, dressed as a GenerateContentResponse: whole, in chunks, and in short for the call log.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::request::Request;

/// About this many bytes of text in a chunk of a stream.
const CHUNK_BYTES: usize = 80;

/// How a model's turn ends.
pub(crate) enum Outcome {
    /// STOP, with these parts; none of them is a legal, if useless, answer.
    Parts(Vec<Part>),
    /// Another finish reason, with what had been produced until then.
    Cut { reason: &'static str, message: Option<&'static str>, parts: Vec<Part> },
    /// The prompt was blocked: no candidate at all.
    Blocked(&'static str),
}

pub(crate) enum Part {
    Text(String),
    Call { name: &'static str, args: Value },
    Png(Vec<u8>),
}

/// An answer ready for the wire.
pub(crate) struct Reply {
    model: &'static str,
    id: String,
    outcome: Outcome,
    prompt_tokens: usize,
}

impl Reply {
    pub(crate) fn new(model: &'static str, request: &Request, outcome: Outcome) -> Self {
        Self { model, id: unique(12), outcome, prompt_tokens: request.prompt_tokens() }
    }

    pub(crate) fn whole(&self) -> Value {
        match &self.outcome {
            Outcome::Blocked(_) => self.envelope(None, true),
            Outcome::Parts(parts) | Outcome::Cut { parts, .. } => {
                let parts = parts.iter().enumerate().map(|(index, part)| part.json(index == 0 || !part.is_text()));
                self.envelope(Some(self.candidate(parts.collect(), true)), true)
            }
        }
    }

    /// Text in pieces; the last chunk has no words, but the signature, the finish reason and the final usage.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let (Outcome::Parts(parts) | Outcome::Cut { parts, .. }) = &self.outcome else { return vec![self.whole()] };
        let mut chunks = vec![];
        for part in parts {
            match part {
                Part::Text(text) => {
                    chunks.extend(pieces(text).map(|piece| self.candidate(vec![json!({"text": piece})], false)));
                }
                Part::Call { .. } | Part::Png(_) => chunks.push(self.candidate(vec![part.json(true)], false)),
            }
        }
        let last = if parts.is_empty() { vec![] } else { vec![json!({"text": "", "thoughtSignature": signature()})] };
        let mut chunks: Vec<Value> = chunks.into_iter().map(|chunk| self.envelope(Some(chunk), false)).collect();
        chunks.push(self.envelope(Some(self.candidate(last, true)), true));
        chunks
    }

    pub(crate) fn summary(&self) -> Value {
        let (Outcome::Parts(parts) | Outcome::Cut { parts, .. }) = &self.outcome else {
            return json!({"block_reason": self.block_reason(), "charged_tokens": self.prompt_tokens});
        };
        let parts: Vec<Value> = parts.iter().map(Part::summary).collect();
        json!({"finish_reason": self.finish_reason(), "parts": parts, "charged_tokens": self.total_tokens()})
    }

    fn candidate(&self, parts: Vec<Value>, last: bool) -> Value {
        let mut candidate = json!({"index": 0});
        if !parts.is_empty() {
            candidate["content"] = json!({"parts": parts, "role": "model"});
        } else if self.finish_reason() == "STOP" {
            candidate["content"] = json!({"role": "model"});
        }
        if last {
            candidate["finishReason"] = self.finish_reason().into();
            if let Outcome::Cut { message: Some(message), .. } = self.outcome {
                candidate["finishMessage"] = message.into();
            }
        }
        candidate
    }

    fn envelope(&self, candidate: Option<Value>, final_usage: bool) -> Value {
        let mut response =
            json!({"usageMetadata": self.usage(final_usage), "modelVersion": self.model, "responseId": self.id});
        match candidate {
            Some(candidate) => response["candidates"] = json!([candidate]),
            None => {
                response["promptFeedback"] = json!({"blockReason": self.block_reason(), "safetyRatings": dangerous()})
            }
        }
        response
    }

    fn usage(&self, complete: bool) -> Value {
        let details = json!([{"modality": "TEXT", "tokenCount": self.prompt_tokens}]);
        let mut usage = json!({"promptTokenCount": self.prompt_tokens, "totalTokenCount": self.prompt_tokens, "promptTokensDetails": details});
        let answer = self.answer_tokens();
        if complete && answer > 0 {
            usage["candidatesTokenCount"] = answer.into();
            usage["thoughtsTokenCount"] = thoughts(answer).into();
            usage["totalTokenCount"] = self.total_tokens().into();
        }
        usage
    }

    fn total_tokens(&self) -> usize {
        let answer = self.answer_tokens();
        self.prompt_tokens + answer + thoughts(answer)
    }

    fn answer_tokens(&self) -> usize {
        match &self.outcome {
            Outcome::Parts(parts) | Outcome::Cut { parts, .. } => parts.iter().map(Part::tokens).sum(),
            Outcome::Blocked(_) => 0,
        }
    }

    fn finish_reason(&self) -> &'static str {
        match self.outcome {
            Outcome::Cut { reason, .. } => reason,
            Outcome::Parts(_) | Outcome::Blocked(_) => "STOP",
        }
    }

    fn block_reason(&self) -> &'static str {
        if let Outcome::Blocked(reason) = self.outcome { reason } else { "" }
    }
}

impl Part {
    fn json(&self, signed: bool) -> Value {
        let mut part = match self {
            Self::Text(text) => json!({"text": text}),
            Self::Call { name, args } => json!({"functionCall": {"name": name, "args": args, "id": unique(8)}}),
            Self::Png(bytes) => json!({"inlineData": {"mimeType": "image/png", "data": STANDARD.encode(bytes)}}),
        };
        if signed {
            part["thoughtSignature"] = signature().into();
        }
        part
    }

    fn summary(&self) -> Value {
        match self {
            Self::Text(text) => json!({"text_bytes": text.len()}),
            Self::Call { name, args } => json!({"call": name, "args": args}),
            Self::Png(bytes) => json!({"png_bytes": bytes.len()}),
        }
    }

    fn tokens(&self) -> usize {
        match self {
            Self::Text(text) => text.len().div_ceil(4),
            Self::Call { args, .. } => args.to_string().len().div_ceil(4),
            Self::Png(_) => 1120,
        }
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

/// Some thinking before any answer.
fn thoughts(answer_tokens: usize) -> usize {
    if answer_tokens == 0 { 0 } else { 40 + answer_tokens / 2 }
}

/// Pieces of about [`CHUNK_BYTES`], cut at character boundaries, as tokens fall.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = (CHUNK_BYTES.min(rest.len())..=rest.len()).find(|end| rest.is_char_boundary(*end))?;
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some(piece)
    })
}

fn dangerous() -> Value {
    json!([{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": true}])
}

/// Opaque to the caller, who must send it back as it came.
fn signature() -> String {
    STANDARD.encode(noise(72))
}

fn unique(bytes: usize) -> String {
    URL_SAFE_NO_PAD.encode(noise(bytes))
}

fn noise(length: usize) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let word = |index: usize| {
        let mut hasher = DefaultHasher::new();
        (now, index, length).hash(&mut hasher);
        hasher.finish().to_le_bytes()
    };
    (0..length.div_ceil(8)).flat_map(word).take(length).collect()
}
