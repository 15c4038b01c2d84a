//! A call's parameters, from wherever the client put them: query string, form, JSON or multipart.

use std::collections::BTreeMap;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// Uploads go to 50 MB; what is above is refused as the real front end does.
const MAX_BODY_BYTES: usize = 52 << 20;

/// Parameters whose value is JSON even when they come in a form.
const JSON_PARAMETERS: [&str; 9] = [
    "allowed_updates",
    "caption_entities",
    "commands",
    "entities",
    "link_preview_options",
    "reply_markup",
    "reply_parameters",
    "scope",
    "ephemeral_message_parameters",
];

#[derive(Default)]
pub(crate) struct Params {
    values: BTreeMap<String, String>,
    files: BTreeMap<String, Upload>,
    /// As received, for the record of calls: typed if it came as JSON, big parts replaced by their size.
    pub(crate) seen: Map<String, Value>,
}

/// A file in a multipart body.
pub(crate) struct Upload {
    pub(crate) file_name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Bytes,
}

impl Params {
    pub(crate) async fn read(request: Request) -> Result<Self, Refusal> {
        let mut params = Self::default();
        params.add_form(request.uri().query().unwrap_or_default().as_bytes());
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        if content_type.starts_with("multipart/form-data") {
            params.add_multipart(request).await?;
            return Ok(params);
        }
        let too_large = |_| Refusal::new(413, "Request Entity Too Large");
        let body = to_bytes(request.into_body(), MAX_BODY_BYTES).await.map_err(too_large)?;
        if content_type.starts_with("application/json") {
            params.add_json(&body)?;
        } else {
            params.add_form(&body);
        }
        Ok(params)
    }

    fn add_form(&mut self, form: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(form) {
            self.add_text(name.into_owned(), value.into_owned());
        }
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), Refusal> {
        if body.is_empty() {
            return Ok(());
        }
        let malformed = |_| Refusal::bad_request("can't parse JSON object");
        let object: Map<String, Value> = serde_json::from_slice(body).map_err(malformed)?;
        for (name, value) in object {
            let text = match &value {
                Value::String(text) => text.clone(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    value.to_string()
                }
            };
            self.values.insert(name.clone(), text);
            self.seen.insert(name, value);
        }
        Ok(())
    }

    async fn add_multipart(&mut self, request: Request) -> Result<(), Refusal> {
        let malformed = || Refusal::bad_request("can't parse multipart form data");
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| malformed())?;
        while let Some(part) = parts.next_field().await.map_err(|_| malformed())? {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().map(str::to_owned);
            let content_type = part.content_type().map(str::to_owned);
            let bytes = part.bytes().await.map_err(|_| Refusal::new(413, "Request Entity Too Large"))?;
            if let Some(file_name) = file_name {
                self.seen.insert(name.clone(), json!({ "bytes": bytes.len(), "file_name": file_name }));
                self.files.insert(name, Upload { file_name, content_type, bytes });
            } else {
                self.add_text(name, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        Ok(())
    }

    fn add_text(&mut self, name: String, value: String) {
        let json = JSON_PARAMETERS.contains(&name.as_str()).then(|| serde_json::from_str(&value).ok()).flatten();
        self.seen.insert(name.clone(), json.unwrap_or_else(|| Value::String(value.clone())));
        self.values.insert(name, value);
    }

    /// The parameter's text; an absent one is empty, as in the real server.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.text(name).trim().parse().ok()
    }

    /// `true`, `yes` and `1`, in any case, as the real server reads it.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name).trim().to_ascii_lowercase().as_str(), "true" | "yes" | "1")
    }

    /// A parameter that holds JSON; `None` when absent or not of this form.
    pub(crate) fn json<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.text(name)).ok()
    }

    pub(crate) fn upload(&self, name: &str) -> Option<&Upload> {
        self.files.get(name)
    }
}
