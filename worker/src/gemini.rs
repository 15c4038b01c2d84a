//! Gemini's `generateContent`: one call answers in text or asks for a picture, another draws it.

mod body;
mod history;
mod wire;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;

pub use history::{Call, picture_turn, text_turn};
pub use wire::{Photo, Question, about_tokens};

use crate::config::Config;

/// Thinking models take their time; the invocation's own deadline is what ends a turn.
const TIMEOUT: Duration = Duration::from_secs(110);

pub struct Gemini {
    http: reqwest::Client,
    url: String,
    key: SecretString,
    chat_model: String,
    image_model: String,
    system_prompt: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Google's own refusal. Its message is left out: it may repeat what people wrote.
    #[error("Gemini says {code} {status}{}", .reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default())]
    Refused { code: u16, status: String, reason: Option<String>, retry_delay_s: Option<u32> },
    #[error("no answer from Gemini: {0}")]
    Unreachable(reqwest::Error),
    #[error("Gemini's answer cannot be read")]
    Garbled,
}

/// What Gemini made of a question.
#[derive(Debug)]
pub struct Answer {
    pub outcome: Outcome,
    /// What the turn adds to the history, without thoughts: Gemini's figure for the whole request less that of the
    /// history. The first turn's holds the system prompt as well.
    pub tokens: u32,
    /// What is charged as input, and as output: thoughts are output.
    pub prompt_tokens: u32,
    pub output_tokens: u32,
    /// Which model really answered: old ids are routed to new ones in silence.
    pub model_version: String,
}

#[derive(Debug)]
pub enum Outcome {
    /// Markdown, and the model's content as it must be sent back in later requests.
    Text { markdown: String, content: Box<RawValue>, cut_off: bool },
    /// The model calls `generate_image`.
    Draw { prompt: String, change_last: bool, call: Call },
    /// A picture, and what was written beside it.
    Picture { mime: String, bytes: Vec<u8>, markdown: String },
    /// Blocked or stopped, with Google's word for the reason.
    Blocked(String),
    /// The photo that came along is none that Gemini can read.
    BadPhoto,
    /// Nothing to show.
    Empty(String),
}

impl Gemini {
    pub fn new(http: reqwest::Client, key: SecretString, config: &Config) -> Self {
        Self {
            http,
            key,
            url: config.gemini_url.clone(),
            chat_model: config.chat_model.clone(),
            image_model: config.image_model.clone(),
            system_prompt: config.system_prompt.clone(),
        }
    }

    /// The router is the model itself: it answers in text, or calls `generate_image`.
    pub async fn ask(&self, history: &[&RawValue], history_tokens: u32, question: &Question) -> Result<Answer, Error> {
        let request = wire::Request::chat(&self.system_prompt, history, question);
        self.generate(&self.chat_model, &request, history_tokens).await
    }

    /// A picture from a prompt, and from a photo or the last picture if it is to be changed.
    pub async fn draw(&self, question: &Question) -> Result<Answer, Error> {
        self.generate(&self.image_model, &wire::Request::picture(question), 0).await
    }

    async fn generate(&self, model: &str, request: &wire::Request<'_>, history_tokens: u32) -> Result<Answer, Error> {
        let url = format!("{}/models/{model}:generateContent", self.url);
        let (json, photo) = request.json();
        let has_photo = photo.is_some();
        let request = self.http.post(url).timeout(TIMEOUT).header("x-goog-api-key", self.key.expose_secret());
        let request = request.header("content-type", "application/json").body(body::body(json, photo));
        let response = request.send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        if has_photo && is_about_the_photo(status.as_u16(), &body) {
            return Ok(Answer {
                outcome: Outcome::BadPhoto,
                tokens: 0,
                prompt_tokens: 0,
                output_tokens: 0,
                model_version: model.to_owned(),
            });
        }
        if !status.is_success() {
            return Err(refusal(status.as_u16(), &body));
        }
        wire::read(&body, history_tokens).ok_or(Error::Garbled)
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error.without_url())
    }
}

/// What only the sender can mend. The status does not tell: a request of wrong shape is 400 INVALID_ARGUMENT as well.
fn is_about_the_photo(code: u16, body: &[u8]) -> bool {
    const WORDS: [&str; 2] = ["Unable to process input image", "Provided image is not valid"];
    let body = String::from_utf8_lossy(body);
    code == 400 && WORDS.iter().any(|words| body.contains(words))
}

/// `error.details` holds the reason (`ErrorInfo`) and the wait (`RetryInfo.retryDelay`, seconds with an `s`).
fn refusal(code: u16, body: &[u8]) -> Error {
    #[derive(Deserialize)]
    struct Body {
        error: Status,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Status {
        status: String,
        details: Vec<Detail>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Detail {
        reason: Option<String>,
        retry_delay: Option<String>,
    }
    let status = serde_json::from_slice::<Body>(body).map(|body| body.error).unwrap_or_default();
    let delay = status.details.iter().find_map(|detail| detail.retry_delay.as_deref()).and_then(seconds);
    let reason = status.details.iter().find_map(|detail| detail.reason.clone());
    Error::Refused { code, status: status.status, reason, retry_delay_s: delay }
}

/// "17s" or "23.55s", rounded up.
fn seconds(text: &str) -> Option<u32> {
    let (whole, fraction) = text.strip_suffix('s').map(|number| number.split_once('.').unwrap_or((number, "")))?;
    let rest = u32::from(fraction.bytes().any(|digit| digit != b'0'));
    whole.parse::<u32>().ok()?.checked_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_delay_is_rounded_up() {
        assert_eq!(seconds("17s"), Some(17));
        assert_eq!(seconds("23.55s"), Some(24));
        assert_eq!(seconds("0.000s"), Some(0));
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn a_refusal_names_its_reason_and_its_wait() {
        let body = br#"{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"PerMinute"}]},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17s"}]}}"#;
        let error = refusal(429, body);
        assert!(matches!(error, Error::Refused { retry_delay_s: Some(17), .. }));
        assert_eq!(error.to_string(), "Gemini says 429 RESOURCE_EXHAUSTED");
        assert_eq!(refusal(502, b"<html>").to_string(), "Gemini says 502 ");
    }
}
