//! The Bot API, as far as the bot speaks it. No error shows a URL: the token is in every one.

use std::time::Duration;

use reqwest::multipart;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::ConversationKey;

use crate::reply::Part;
use crate::router::Me;
use crate::update::FILE_MAX_BYTES;

/// A text is there in well under a second; longer means that nobody will answer.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Ten megabytes up or twenty down, on a slow day.
pub const FILE_TIMEOUT: Duration = Duration::from_secs(40);

#[derive(Clone)]
pub struct Telegram {
    http: reqwest::Client,
    url: String,
    token: SecretString,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Telegram's own refusal; the status is its `error_code`. What it quotes may be people's words: not shown.
    #[error("Telegram says {code}: {}", .unquoted(.description))]
    Refused { code: u16, description: String, retry_after_s: Option<u32>, migrate_to: Option<i64> },
    /// Nothing has been sent.
    #[error("no connection to Telegram: {0}")]
    NotSent(reqwest::Error),
    /// The request left and no answer could be read: it may have had its effect.
    #[error("no answer from Telegram: {0}")]
    Unknown(reqwest::Error),
    /// Success by its status, in no form that can be read.
    #[error("Telegram's answer cannot be read")]
    Garbled,
    #[error("the file is larger than a bot may download")]
    FileTooBig,
}

/// Where a message goes, and what it answers.
#[derive(Clone, Copy)]
pub struct Target {
    pub conversation: ConversationKey,
    /// The question that is quoted; it may have been deleted since.
    pub reply_to: Option<i64>,
}

impl Telegram {
    pub fn new(http: reqwest::Client, url: String, token: SecretString) -> Self {
        Self { http, url, token }
    }

    pub async fn get_me(&self) -> Result<Me, Error> {
        self.call("getMe", &json!({})).await
    }

    pub async fn send_message(&self, target: Target, part: &Part) -> Result<(), Error> {
        #[derive(Serialize)]
        struct SendMessage<'a> {
            #[serde(flatten)]
            destination: Destination,
            #[serde(flatten)]
            part: &'a Part,
        }
        self.effect("sendMessage", &SendMessage { destination: Destination::of(target), part }).await
    }

    /// A picture of at most 10 MB, with a caption of at most 1024 units.
    pub async fn send_photo(
        &self,
        target: Target,
        mime: &str,
        bytes: Vec<u8>,
        caption: Option<&Part>,
    ) -> Result<(), Error> {
        let destination = Destination::of(target);
        let extension = mime.strip_prefix("image/").unwrap_or("png");
        // Telegram looks at the bytes and the name; a type that it cannot parse would only be in the way.
        let file = multipart::Part::bytes(bytes).file_name(format!("picture.{extension}"));
        let mut form = multipart::Form::new().text("chat_id", destination.chat_id.to_string()).part("photo", file);
        if let Some(thread_id) = destination.message_thread_id {
            form = form.text("message_thread_id", thread_id.to_string());
        }
        if let Some(reply) = destination.reply_parameters {
            form = form.text("reply_parameters", json!(reply).to_string());
        }
        if let Some(caption) = caption {
            form = form
                .text("caption", caption.text.clone())
                .text("caption_entities", json!(caption.entities).to_string());
        }
        let request = self.http.post(self.method("sendPhoto")).timeout(FILE_TIMEOUT).multipart(form);
        self.answer::<serde::de::IgnoredAny>(request).await.map(drop)
    }

    /// Shows for up to 5 s that something is being done: `typing`, `upload_photo`.
    pub async fn send_action(&self, target: Target, action: &str) -> Result<(), Error> {
        #[derive(Serialize)]
        struct SendChatAction<'a> {
            chat_id: i64,
            /// Here the General topic has its number.
            #[serde(skip_serializing_if = "Option::is_none")]
            message_thread_id: Option<i64>,
            action: &'a str,
        }
        let ConversationKey { chat_id, thread_id } = target.conversation;
        self.effect("sendChatAction", &SendChatAction { chat_id, message_thread_id: thread_id, action }).await
    }

    pub async fn download(&self, file_id: &str) -> Result<Vec<u8>, Error> {
        #[derive(Deserialize)]
        struct File {
            file_path: Option<String>,
        }
        let file: File = self.call("getFile", &json!({"file_id": file_id})).await?;
        let path = file.file_path.ok_or(Error::Garbled)?;
        let url = format!("{}/file/bot{}/{path}", self.url, self.token.expose_secret());
        let mut response = self.http.get(url).timeout(FILE_TIMEOUT).send().await?;
        if !response.status().is_success() {
            let description = "the file cannot be downloaded".to_owned();
            let code = response.status().as_u16();
            return Err(Error::Refused { code, description, retry_after_s: None, migrate_to: None });
        }
        let length = response.content_length().unwrap_or_default().min(FILE_MAX_BYTES);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        while let Some(chunk) = response.chunk().await? {
            if (bytes.len() + chunk.len()) as u64 > FILE_MAX_BYTES {
                return Err(Error::FileTooBig);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn method(&self, name: &str) -> String {
        format!("{}/bot{}/{name}", self.url, self.token.expose_secret())
    }

    async fn effect(&self, method: &str, body: &impl Serialize) -> Result<(), Error> {
        self.call::<serde::de::IgnoredAny>(method, body).await.map(drop)
    }

    async fn call<T: DeserializeOwned>(&self, method: &str, body: &impl Serialize) -> Result<T, Error> {
        self.answer(self.http.post(self.method(method)).timeout(CALL_TIMEOUT).json(body)).await
    }

    /// The body is read before the status is judged: it says why.
    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, Error> {
        #[derive(Deserialize)]
        struct Answer<T> {
            result: Option<T>,
            description: Option<String>,
            parameters: Option<Parameters>,
        }
        let response = request.send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        let answer: Option<Answer<T>> = serde_json::from_slice(&body).ok();
        if status.is_success() {
            return answer.and_then(|answer| answer.result).ok_or(Error::Garbled);
        }
        let (description, parameters) = answer.map_or((None, None), |answer| (answer.description, answer.parameters));
        let parameters = parameters.unwrap_or_default();
        Err(Error::Refused {
            code: status.as_u16(),
            description: description.unwrap_or_else(|| "no description".to_owned()),
            retry_after_s: parameters.retry_after,
            migrate_to: parameters.migrate_to_chat_id,
        })
    }
}

/// What Telegram quotes in its descriptions may be people's words.
fn unquoted(description: &str) -> &str {
    let end = [" '", " \"", "=\""].into_iter().filter_map(|quote| description.find(quote)).min();
    end.and_then(|end| description.get(..end)).unwrap_or(description)
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u32>,
    migrate_to_chat_id: Option<i64>,
}

#[derive(Serialize)]
struct Destination {
    chat_id: i64,
    /// The General topic (1) is shown by its chat alone; naming it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_parameters: Option<ReplyParameters>,
}

#[derive(Serialize)]
struct ReplyParameters {
    message_id: i64,
    allow_sending_without_reply: bool,
}

impl Destination {
    fn of(target: Target) -> Self {
        Self {
            chat_id: target.conversation.chat_id,
            message_thread_id: target.conversation.thread_id.filter(|thread_id| *thread_id != 1),
            reply_parameters: target
                .reply_to
                .map(|message_id| ReplyParameters { message_id, allow_sending_without_reply: true }),
        }
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_connect() || error.is_builder() { Self::NotSent(error) } else { Self::Unknown(error) }
    }
}
