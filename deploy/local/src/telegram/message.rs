//! A message as kept, and its two faces: on the wire to the bot, and on the page.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entity::Entity;
use super::world::{Chat, World};

/// A text with its formatting, as Telegram keeps it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Formatted {
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) entities: Vec<Entity>,
}

/// What a message is made of.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    Text(Formatted),
    /// The sizes are file ids, the largest last.
    Photo {
        sizes: Vec<String>,
        caption: Formatted,
    },
    Document {
        file_id: String,
        caption: Formatted,
    },
    /// A message that came as raw JSON: kept so that it can be replied to.
    Raw(Value),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Message {
    /// Given by the chat when the message is added to it.
    #[serde(default)]
    pub(crate) message_id: i64,
    pub(crate) date: u64,
    #[serde(default)]
    pub(crate) edit_date: Option<u64>,
    /// The user, or the bot.
    pub(crate) from: i64,
    pub(crate) content: Content,
    #[serde(default)]
    pub(crate) reply_to: Option<i64>,
    #[serde(default)]
    pub(crate) thread_id: Option<i64>,
}

impl Message {
    /// The `Message` object of the Bot API; a message replied to is embedded one level deep.
    pub(crate) fn json(&self, world: &World, chat: &Chat) -> Value {
        let mut message = self.json_without_reply(world, chat);
        if let Some(original) = self.reply_to.and_then(|id| chat.messages.get(&id)) {
            message["reply_to_message"] = original.json_without_reply(world, chat);
        } else if let Some(topic) = self.thread_id.and_then(|id| topic_json(world, chat, id)) {
            message["reply_to_message"] = topic;
        }
        message
    }

    fn json_without_reply(&self, world: &World, chat: &Chat) -> Value {
        if let Content::Raw(raw) = &self.content {
            let mut raw = raw.clone();
            if let Some(raw) = raw.as_object_mut() {
                raw.remove("reply_to_message");
            }
            return raw;
        }
        let mut message = json!({ "message_id": self.message_id, "date": self.date, "chat": chat.json() });
        message["from"] = world.user_json(self.from);
        if let Some(thread_id) = self.thread_id {
            message["message_thread_id"] = json!(thread_id);
            message["is_topic_message"] = json!(true);
        }
        if let Some(edit_date) = self.edit_date {
            message["edit_date"] = json!(edit_date);
        }
        self.content.describe(world, &mut message);
        message
    }

    /// What the page shows.
    pub(crate) fn view(&self, world: &World, chat: &Chat) -> Value {
        let mut view = self.json_without_reply(world, chat);
        if let Some(view) = view.as_object_mut() {
            view.remove("chat");
            view.remove("reply_to_message");
        }
        view["photo"] = match view["photo"].as_array().and_then(|sizes| sizes.last()) {
            Some(largest) => {
                let mut photo = largest.clone();
                photo["url"] = json!(format!("files/{}", photo["file_id"].as_str().unwrap_or_default()));
                photo
            }
            None => Value::Null,
        };
        if let Some(original) = self.reply_to.and_then(|id| chat.messages.get(&id)) {
            let excerpt: String = original.content.words().chars().take(80).collect();
            view["reply_to"] = json!({ "message_id": original.message_id, "text": excerpt });
        }
        if let Some(thread_id) = self.thread_id {
            view["thread_id"] = json!(thread_id);
        }
        if self.edit_date.is_some() {
            view["edited"] = json!(true);
        }
        view
    }
}

/// In a forum, what replies to nothing replies to the message that opened the topic.
fn topic_json(world: &World, chat: &Chat, thread_id: i64) -> Option<Value> {
    let name = chat.threads.get(&thread_id).filter(|_| chat.is_forum)?;
    let opened_by = chat.members.iter().find(|member| **member != world.bot.id)?;
    Some(json!({ "message_id": thread_id, "date": 0, "chat": chat.json(), "from": world.user_json(*opened_by),
        "message_thread_id": thread_id, "is_topic_message": true,
        "forum_topic_created": { "name": name, "icon_color": 7_322_096 } }))
}

impl Content {
    /// Text or caption.
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Text(words) | Self::Photo { caption: words, .. } | Self::Document { caption: words, .. } => {
                &words.text
            }
            Self::Raw(raw) => raw["text"].as_str().or(raw["caption"].as_str()).unwrap_or_default(),
        }
    }

    fn describe(&self, world: &World, message: &mut Value) {
        match self {
            Self::Text(words) => words.describe(message, "text", "entities"),
            Self::Photo { sizes, caption } => {
                let sizes = sizes.iter().filter_map(|id| world.files.get(id));
                message["photo"] = sizes
                    .map(|file| {
                        json!({ "file_id": file.file_id, "file_unique_id": file.file_unique_id, "file_size": file.file_size,
                            "width": file.width, "height": file.height })
                    })
                    .collect();
                caption.describe(message, "caption", "caption_entities");
            }
            Self::Document { file_id, caption } => {
                if let Some(file) = world.files.get(file_id) {
                    message["document"] = json!({ "file_id": file.file_id, "file_unique_id": file.file_unique_id,
                        "file_size": file.file_size, "mime_type": file.content_type, "file_name": file.file_name });
                }
                caption.describe(message, "caption", "caption_entities");
            }
            Self::Raw(_) => {}
        }
    }
}

impl Formatted {
    fn describe(&self, message: &mut Value, text: &str, entities: &str) {
        if !self.text.is_empty() {
            message[text] = json!(self.text);
        }
        if !self.entities.is_empty() {
            message[entities] = json!(self.entities);
        }
    }
}
