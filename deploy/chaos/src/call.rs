//! An outside call, read from the wire: which service it goes to, what it wants, and what the plan knows it by.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use serde_json::{Map, Value};

use crate::plan::Service;
use crate::world::State;
use crate::{gemini, sqs, telegram};

pub enum Call {
    /// The body is JSON; of a form, its fields.
    Telegram {
        method: String,
        body: Value,
    },
    Gemini {
        body: Value,
    },
    Get {
        key: String,
    },
    Put {
        key: String,
        headers: HeaderMap,
        bytes: Bytes,
    },
    Copy {
        from: String,
        to: String,
    },
    Sqs {
        action: String,
        body: Value,
    },
}

impl Call {
    pub async fn read(request: Request) -> Option<Self> {
        let (parts, body) = request.into_parts();
        if let Some(target) = parts.headers.get("x-amz-target") {
            let action = target.to_str().ok()?.rsplit('.').next()?.to_owned();
            return Some(Self::Sqs { action, body: json(body).await? });
        }
        if let Some(method) = parts.uri.path().strip_prefix("/bot").and_then(|path| path.rsplit('/').next()) {
            let method = method.to_owned();
            let body = if is_form(&parts) { form(Request::from_parts(parts, body)).await? } else { json(body).await? };
            return Some(Self::Telegram { method, body });
        }
        if parts.uri.path().ends_with(":generateContent") {
            return Some(Self::Gemini { body: json(body).await? });
        }
        let key = parts.uri.path().strip_prefix("/bucket/")?.to_owned();
        match (parts.method, parts.headers.get("x-amz-copy-source")) {
            (Method::GET, _) => Some(Self::Get { key }),
            (Method::PUT, Some(source)) => {
                let from = source.to_str().ok()?.trim_start_matches('/').strip_prefix("bucket/")?.replace("%2F", "/");
                Some(Self::Copy { from, to: key })
            }
            (Method::PUT, None) => Some(Self::Put { key, headers: parts.headers, bytes: bytes(body).await? }),
            _ => None,
        }
    }

    /// What is done, and for whom.
    pub fn key(&self, state: &State) -> (Service, String) {
        match self {
            Self::Telegram { method, body } => {
                let whom = telegram::read(body).map_or_else(|| body["chat_id"].to_string(), |(id, _)| id.to_string());
                (Service::Telegram, format!("{method} {whom}"))
            }
            Self::Gemini { body } => {
                let update = gemini::read(body).map(|question| question.update);
                (Service::Gemini, format!("ask {}", update.unwrap_or_default()))
            }
            Self::Get { key } => (Service::S3, format!("GET {}", lasting(key))),
            Self::Put { key, .. } => (Service::S3, format!("PUT {}", lasting(key))),
            Self::Copy { from, .. } => (Service::S3, format!("COPY {from}")),
            Self::Sqs { action, body } => {
                (Service::Sqs, format!("{action} {}", sqs::update(state, body).unwrap_or_default()))
            }
        }
    }
}

/// The conversation of an object, as the queue names it: an object's key has a folder for a chat's topics.
pub fn conversation(key: &str) -> Option<String> {
    Some(key.strip_prefix("conversations/")?.strip_suffix(".json")?.replace('/', ":"))
}

/// A picture's key ends with what another run would have otherwise.
fn lasting(key: &str) -> &str {
    if key.starts_with("pictures/") { key.split('-').next().unwrap_or(key) } else { key }
}

fn is_form(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

async fn bytes(body: Body) -> Option<Bytes> {
    to_bytes(body, usize::MAX).await.ok()
}

async fn json(body: Body) -> Option<Value> {
    Some(serde_json::from_slice(&bytes(body).await?).unwrap_or_default())
}

/// Text by its name; what is JSON in the Bot API, as JSON.
async fn form(request: Request) -> Option<Value> {
    let mut form = Multipart::from_request(request, &()).await.ok()?;
    let mut fields = Map::new();
    while let Some(field) = form.next_field().await.ok()? {
        let name = field.name()?.to_owned();
        let text = String::from_utf8_lossy(&field.bytes().await.ok()?).into_owned();
        let value = match name.as_str() {
            "photo" | "caption" => text.into(),
            _ => serde_json::from_str(&text).ok()?,
        };
        fields.insert(name, value);
    }
    Some(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_names_its_conversation() {
        assert_eq!(conversation("conversations/7.json").as_deref(), Some("7"));
        assert_eq!(conversation("conversations/-100/5.json").as_deref(), Some("-100:5"));
        assert_eq!(conversation("conversations/7.json.unreadable-1"), None);
        assert_eq!(conversation("pictures/7/12-8f5a"), None);
    }

    #[test]
    fn a_picture_has_the_same_name_in_every_run() {
        assert_eq!(lasting("pictures/7/12-8f5a7c10-0000"), "pictures/7/12");
        assert_eq!(lasting("conversations/-7.json"), "conversations/-7.json");
    }
}
