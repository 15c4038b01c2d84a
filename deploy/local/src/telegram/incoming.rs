//! What people write: a message is put into its chat, and an update for the bot onto its queue.

use std::collections::btree_map::Entry;

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::clock::now_s;
use super::entity::Entity;
use super::files;
use super::message::{Content, Formatted, Message};
use super::server::Shared;
use super::text::found;
use super::world::{Chat, ChatKind, World};

/// A person's message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incoming {
    pub chat_id: i64,
    /// By default the other side of a private chat, or a group's first member.
    #[serde(default)]
    pub from_id: Option<i64>,
    /// The text, or a photo's caption.
    #[serde(default)]
    pub text: String,
    /// Instead of those that are found in the text.
    #[serde(default)]
    pub entities: Option<Value>,
    #[serde(default)]
    pub reply_to_message_id: Option<i64>,
    #[serde(default)]
    pub message_thread_id: Option<i64>,
}

/// The message's place, and the update's id.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Written {
    pub update_id: i64,
    pub message_id: i64,
}

pub(crate) fn write(shared: &Shared, incoming: Incoming) -> Result<Written, String> {
    if incoming.text.trim().is_empty() {
        return Err("A message needs a text.".to_owned());
    }
    let words = words(&incoming)?;
    shared.change(|world| put(world, &incoming, Content::Text(words)))
}

pub(crate) fn write_photo(shared: &Shared, incoming: Incoming, photo: &Bytes) -> Result<Written, String> {
    let caption = words(&incoming)?;
    shared.change(|world| {
        check(world, &incoming)?;
        let sizes = files::take_photo(shared, world, photo).map_err(|refusal| {
            format!("Telegram would not take this photo ({}): send a PNG or JPEG.", refusal.description)
        })?;
        put(world, &incoming, Content::Photo { sizes, caption })
    })
}

fn words(incoming: &Incoming) -> Result<Formatted, String> {
    let text = incoming.text.clone();
    let entities = match &incoming.entities {
        None => found::entities(&text),
        Some(given) => serde_json::from_value::<Vec<Entity>>(given.clone())
            .map_err(|error| format!("These are no MessageEntity objects: {error}."))?,
    };
    Ok(Formatted { text, entities })
}

/// The sender, if the message can be written at all.
fn check(world: &World, incoming: &Incoming) -> Result<i64, String> {
    let id = incoming.chat_id;
    let chat = world.chats.get(&id).ok_or_else(|| format!("There is no chat {id}: create it with POST chats."))?;
    let first = chat.members.iter().copied().find(|member| *member != world.bot.id);
    let from = incoming.from_id.or(first).ok_or_else(|| format!("Nobody is in chat {id}: give from_id."))?;
    if !world.users.contains_key(&from) {
        return Err(format!("There is no user {from}: create the private chat of this id with POST chats."));
    }
    if let Some(reply_to) = incoming.reply_to_message_id.filter(|id| !chat.messages.contains_key(id)) {
        return Err(format!("There is no message {reply_to} in chat {id} to reply to."));
    }
    if incoming.message_thread_id.is_some() && !chat.is_forum {
        return Err(format!(
            "Chat {id} is no forum: set is_forum with POST chats/{id}, or leave message_thread_id out."
        ));
    }
    Ok(from)
}

fn put(world: &mut World, incoming: &Incoming, content: Content) -> Result<Written, String> {
    let from = check(world, incoming)?;
    let Some(chat) = world.chats.get_mut(&incoming.chat_id) else {
        return Err("This chat is gone.".to_owned());
    };
    if let Some(thread_id) = incoming.message_thread_id {
        chat.threads.entry(thread_id).or_insert_with(|| format!("Topic {thread_id}"));
    }
    let message = Message {
        message_id: 0,
        date: now_s(),
        edit_date: None,
        from,
        content,
        reply_to: incoming.reply_to_message_id,
        thread_id: incoming.message_thread_id,
    };
    let message_id = chat.add(message, false);
    let Some((chat, message)) =
        world.chats.get(&incoming.chat_id).and_then(|chat| Some((chat, chat.messages.get(&message_id)?)))
    else {
        return Err("This message is gone.".to_owned());
    };
    let object = message.json(world, chat);
    let kind = if chat.kind == ChatKind::Channel { "channel_post" } else { "message" };
    let update_id = if world.can_read_all_group_messages || addressed(world, chat, message) {
        world.updates.push(kind, &object)
    } else {
        // Group privacy: the bot never hears of it.
        0
    };
    Ok(Written { update_id, message_id })
}

/// Group privacy leaves commands, replies to the bot and what mentions it.
fn addressed(world: &World, chat: &Chat, message: &Message) -> bool {
    let words = message.content.words();
    let mention = format!("@{}", world.bot.username.as_deref().unwrap_or_default()).to_lowercase();
    let to_bot = |id: &i64| chat.messages.get(id).is_some_and(|original| original.from == world.bot.id);
    chat.kind == ChatKind::Private
        || words.starts_with('/')
        || words.to_lowercase().contains(&mention)
        || message.reply_to.as_ref().is_some_and(to_bot)
}

/// Queues an update as it is, byte for byte; only a missing `update_id` is put in. The chat and the message in it
/// become known, as they would be to Telegram.
pub(crate) fn raw_update(shared: &Shared, body: &str) -> Result<i64, String> {
    let no_update = |why: &str| format!("This is no Update object: {why}.");
    let fields: Map<String, Value> = serde_json::from_str(body).map_err(|error| no_update(&error.to_string()))?;
    let (kind, object) = fields
        .iter()
        .find(|(name, _)| *name != "update_id")
        .map_or(("unknown", Value::Null), |(kind, object)| (kind, object.clone()));
    shared.change(|world| {
        learn(world, &object);
        if kind == "callback_query" {
            world.callback_queries.insert(object["id"].as_str().unwrap_or_default().to_owned());
        }
        let given = fields.get("update_id").and_then(Value::as_i64);
        let update_id = given.unwrap_or(world.updates.next_id);
        let body = match given {
            Some(_) => body.to_owned(),
            None => {
                let rest = body.trim_start().trim_start_matches('{');
                let comma = if fields.is_empty() { "" } else { "," };
                format!(r#"{{"update_id":{update_id}{comma}{rest}"#)
            }
        };
        Ok(world.updates.push_raw(update_id, kind, &object, body))
    })
}

/// Makes the chat, its people and the message of a raw update known.
fn learn(world: &mut World, object: &Value) {
    let message = if object["chat"].is_object() { object } else { &object["message"] };
    let Some(chat_id) = message["chat"]["id"].as_i64() else { return };
    for from in [&object["from"], &message["from"]] {
        if let Ok(user) = serde_json::from_value::<super::world::User>(from.clone()) {
            world.users.entry(user.id).or_insert(user);
        }
    }
    let described = serde_json::from_value::<Chat>(message["chat"].clone());
    if let (Entry::Vacant(place), Ok(chat)) = (world.chats.entry(chat_id), described) {
        place.insert(chat);
    }
    let (Some(chat), Some(message_id)) = (world.chats.get_mut(&chat_id), message["message_id"].as_i64()) else {
        return;
    };
    if let (Some(thread_id), Some(true)) =
        (message["message_thread_id"].as_i64(), message["is_topic_message"].as_bool())
    {
        chat.threads.entry(thread_id).or_insert_with(|| format!("Topic {thread_id}"));
    }
    if message_id > 0 {
        chat.last_message_id = chat.last_message_id.max(message_id);
        chat.messages.insert(
            message_id,
            Message {
                message_id,
                date: message["date"].as_u64().unwrap_or_else(now_s),
                edit_date: message["edit_date"].as_u64(),
                from: message["from"]["id"].as_i64().unwrap_or(chat_id),
                content: Content::Raw(message.clone()),
                reply_to: message["reply_to_message"]["message_id"].as_i64(),
                thread_id: message["message_thread_id"].as_i64(),
            },
        );
    }
}
