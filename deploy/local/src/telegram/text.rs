//! What becomes of a text and its entities between the bot's call and the message that people see.

use serde_json::Value;

use super::entity::Entity;
use super::message::Formatted;
use super::params::Params;
use super::refusal::Refusal;
use super::world::World;

/// The raw parameter, markup included.
const MAX_BYTES: usize = 32_768;

/// Where a text stands decides its limit and whether it may be empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Text,
    Caption,
    Draft,
}

/// A text as the bot gave it.
pub(crate) struct Given {
    text: String,
    entities: Vec<Entity>,
    place: Place,
}

impl Given {
    /// What the Bot API server itself checks.
    pub(crate) fn read(params: &Params, place: Place) -> Result<Self, Refusal> {
        let (text, entities) = match place {
            Place::Text | Place::Draft => (params.text("text"), "entities"),
            Place::Caption => (params.text("caption"), "caption_entities"),
        };
        if text.is_empty() && place == Place::Text {
            return Err(Refusal::bad_request("message text is empty"));
        }
        if text.len() > MAX_BYTES {
            return Err(Refusal::bad_request("text is too long"));
        }
        let entities = match params.text("parse_mode").to_ascii_lowercase().as_str() {
            "" | "none" => params.json::<Vec<Value>>(entities).unwrap_or_default(),
            "html" | "markdown" | "markdownv2" => Vec::new(),
            _ => return Err(Refusal::bad_request("unsupported parse_mode")),
        };
        let entities = entities.into_iter().filter_map(|entity| serde_json::from_value(entity).ok()).collect();
        Ok(Self { text: text.to_owned(), entities, place })
    }

    /// What TDLib makes of it: the message as it is kept, or why it is refused.
    pub(crate) fn as_kept(&self, _world: &World) -> Result<Formatted, Refusal> {
        let limit = if self.place == Place::Caption { 1024 } else { 4096 };
        let text = self.text.trim_end().to_owned();
        if text.is_empty() && self.place == Place::Text {
            return Err(Refusal::bad_request("text must be non-empty"));
        }
        if text.chars().count() > limit {
            let what = if self.place == Place::Caption { "message caption" } else { "message" };
            return Err(Refusal::bad_request(format!("{what} is too long")));
        }
        Ok(Formatted { text, entities: self.entities.clone() })
    }
}
