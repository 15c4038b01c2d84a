//! What becomes of a text and its entities between the bot's call and the message that people see:
//! `given` is the Bot API server's part; then TDLib's `overlap`, `clean`, `found` and `limit`, in this order.

mod clean;
pub(crate) mod found;
mod given;
mod limit;
mod link;
mod overlap;

use super::entity::{Entity, Kind, sort};
use super::message::Formatted;
use super::params::Params;
use super::refusal::Refusal;
use super::world::World;

/// The raw parameter, markup included.
const MAX_BYTES: usize = 32_768;
/// Code points, after trimming and without markup.
const MAX_TEXT: usize = 4096;
const MAX_CAPTION: usize = 1024;
/// Nothing in a message begins or ends beyond this.
const MAX_OFFSET: i64 = 1_000_000;

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
        let parse_mode = params.text("parse_mode").to_ascii_lowercase();
        let entities = match parse_mode.as_str() {
            "" | "none" => given::entities(params, entities)?,
            _ if text.is_empty() => Vec::new(),
            // The markup itself is not parsed: the bot that this stands for sends entities.
            "html" | "markdown" | "markdownv2" => Vec::new(),
            _ => return Err(Refusal::bad_request("unsupported parse_mode")),
        };
        Ok(Self { text: text.to_owned(), entities, place })
    }

    /// What TDLib makes of it: the message as it is kept, or why it is refused.
    pub(crate) fn as_kept(&self, world: &World) -> Result<Formatted, Refusal> {
        let entities = self.entities.iter().cloned().map(|entity| resolve(world, entity)).collect::<Result<_, _>>()?;
        let entities = overlap::fix(without_empty(in_bounds(entities)?));
        let (text, entities) = clean::clean(&self.text, entities).map_err(Refusal::bad_request)?;
        if self.place == Place::Text && clean::is_empty(&text) {
            return Err(Refusal::bad_request("text must be non-empty"));
        }
        let (text, entities) = clean::trim(&text, entities);
        let entities = with_found(&text, entities);
        let (limit, what) = match self.place {
            Place::Text | Place::Draft => (MAX_TEXT, "message"),
            Place::Caption => (MAX_CAPTION, "message caption"),
        };
        if text.chars().count() > limit {
            return Err(Refusal::bad_request(format!("{what} is too long")));
        }
        Ok(Formatted { text, entities: limit::limit(entities) })
    }
}

/// Checks a link's URL: a bad one refuses the whole message. A link to a user becomes a mention.
fn resolve(world: &World, mut entity: Entity) -> Result<Entity, Refusal> {
    let user_id = match (&entity.url, &entity.user) {
        (Some(url), _) => {
            let invalid = |why| Refusal::bad_request(format!("entity URL '{url}' is invalid: {why}"));
            let checked = link::check(url).map_err(invalid)?;
            let id = checked.strip_prefix("tg://user?id=").and_then(|id| id.parse().ok());
            entity.url = Some(checked);
            id
        }
        (None, Some(user)) => user["id"].as_i64(),
        (None, None) => None,
    };
    let Some(user_id) = user_id.filter(|id| *id != 0) else { return Ok(entity) };
    let user = world.user_json(user_id);
    if user.is_null() {
        return Err(Refusal::bad_request("user not found"));
    }
    Ok(Entity { user: Some(user), ..Entity::new(Kind::TextMention, entity.offset, entity.length) })
}

fn in_bounds(entities: Vec<Entity>) -> Result<Vec<Entity>, Refusal> {
    for entity in &entities {
        for (what, value) in [("offset", entity.offset), ("length", entity.length)] {
            if !(0..=MAX_OFFSET).contains(&value) {
                return Err(Refusal::bad_request(format!("receive an entity with incorrect {what} {value}")));
            }
        }
    }
    Ok(entities)
}

/// Before the bounds are checked against the text: what covers nothing, or leads nowhere, vanishes.
fn without_empty(mut entities: Vec<Entity>) -> Vec<Entity> {
    entities.retain(|entity| {
        let leads_nowhere = match entity.kind {
            Kind::TextLink => entity.url.as_deref().is_none_or(str::is_empty),
            Kind::TextMention => entity.user.as_ref().is_none_or(|user| user["id"].as_i64().unwrap_or(0) == 0),
            Kind::CustomEmoji => entity.custom_emoji_id.as_deref().is_none_or(|id| id == "0"),
            _ => false,
        };
        entity.length > 0 && !leads_nowhere
    });
    entities
}

/// Adds what Telegram finds by itself, where no solid entity is.
fn with_found(text: &str, mut entities: Vec<Entity>) -> Vec<Entity> {
    let mut found = found::entities(text);
    found.retain(|found| !entities.iter().any(|entity| entity.is_solid() && entity.overlaps(found)));
    if found.is_empty() {
        return entities;
    }
    entities.extend(found);
    sort(&mut entities);
    entities
}
