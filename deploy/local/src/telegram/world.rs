//! What Telegram knows: the bot, people, chats, files, the webhook, and the updates on their way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clock::{now_ms, random};
use super::message::Message;
use super::updates::Updates;

/// The two people and the group that are there from the start.
const ADA: i64 = 1001;
const GRACE: i64 = 1002;
const FOX_CLUB: i64 = -1_001_234_567_890;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct World {
    pub(crate) bot: User,
    pub(crate) users: BTreeMap<i64, User>,
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) files: BTreeMap<String, File>,
    pub(crate) updates: Updates,
    /// What setMyCommands was told, by scope and language.
    pub(crate) commands: BTreeMap<String, Value>,
    /// Callback queries that wait for their answer.
    pub(crate) callback_queries: BTreeSet<String>,
    /// Off: in groups the bot sees only what is addressed to it.
    pub(crate) can_read_all_group_messages: bool,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) is_bot: bool,
    pub(crate) first_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) language_code: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChatKind {
    Private,
    Group,
    Supergroup,
    Channel,
}

/// A chat with its messages, and what stands between it and the bot.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    #[serde(rename = "type")]
    pub(crate) kind: ChatKind,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) username: Option<String>,
    #[serde(default)]
    pub(crate) first_name: Option<String>,
    #[serde(default)]
    pub(crate) is_forum: bool,
    #[serde(default)]
    pub(crate) members: Vec<i64>,
    /// The user blocked the bot (private chats).
    #[serde(default)]
    pub(crate) blocked: bool,
    /// The bot was removed (groups and channels).
    #[serde(default)]
    pub(crate) kicked: bool,
    /// The user's account is gone (private chats).
    #[serde(default)]
    pub(crate) deactivated: bool,
    /// The group goes on as this supergroup.
    #[serde(default)]
    pub(crate) migrate_to_chat_id: Option<i64>,
    /// Forum topics: the id of the message that opened each.
    #[serde(default)]
    pub(crate) threads: BTreeMap<i64, String>,
    #[serde(default)]
    pub(crate) messages: BTreeMap<i64, Message>,
    #[serde(default)]
    pub(crate) last_message_id: i64,
    #[serde(skip)]
    pub(crate) action: Option<Action>,
    #[serde(skip)]
    pub(crate) draft: Option<Draft>,
}

/// "typing…": shown for 5 s, or until a message arrives.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) kind: String,
    pub(crate) until_ms: u64,
}

/// An answer that is still being written: shown for 30 s, or until a message arrives.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) draft_id: i64,
    pub(crate) content: Value,
    pub(crate) until_ms: u64,
}

/// A file's description; its bytes are kept in [`super::files`].
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct File {
    pub(crate) file_id: String,
    pub(crate) file_unique_id: String,
    pub(crate) file_size: u64,
    pub(crate) file_path: String,
    pub(crate) content_type: String,
    #[serde(default)]
    pub(crate) file_name: Option<String>,
    /// Pictures only.
    #[serde(default)]
    pub(crate) width: u32,
    #[serde(default)]
    pub(crate) height: u32,
}

impl World {
    pub(crate) fn new(bot_id: i64, username: &str) -> Self {
        let bot = User {
            id: bot_id,
            is_bot: true,
            first_name: "Lambdagram".to_owned(),
            username: Some(username.to_owned()),
            ..User::default()
        };
        let mut world = Self {
            bot,
            users: BTreeMap::new(),
            chats: BTreeMap::new(),
            files: BTreeMap::new(),
            // Telegram's update ids are sequential from an arbitrary number.
            updates: Updates::starting_at(100_000_000 + i64::try_from(random() % 800_000_000).unwrap_or(0)),
            commands: BTreeMap::new(),
            callback_queries: BTreeSet::new(),
            can_read_all_group_messages: true,
        };
        for (id, first_name) in [(ADA, "Ada"), (GRACE, "Grace")] {
            world.users.insert(id, User::person(id, first_name));
            world.chats.insert(id, Chat::private(id, first_name));
        }
        let mut club = Chat::new(FOX_CLUB, ChatKind::Supergroup);
        club.title = Some("Fox Club".to_owned());
        club.members = vec![ADA, GRACE, bot_id];
        world.chats.insert(FOX_CLUB, club);
        world
    }

    pub(crate) fn user_json(&self, id: i64) -> Value {
        let user = if id == self.bot.id { Some(&self.bot) } else { self.users.get(&id) };
        user.map_or(Value::Null, |user| json!(user))
    }
}

impl User {
    pub(crate) fn person(id: i64, first_name: &str) -> Self {
        Self {
            id,
            first_name: first_name.to_owned(),
            username: Some(format!("{}_{id}", first_name.to_lowercase())),
            language_code: Some("en".to_owned()),
            ..Self::default()
        }
    }
}

impl Chat {
    pub(crate) fn new(id: i64, kind: ChatKind) -> Self {
        Self {
            id,
            kind,
            title: None,
            username: None,
            first_name: None,
            is_forum: false,
            members: Vec::new(),
            blocked: false,
            kicked: false,
            deactivated: false,
            migrate_to_chat_id: None,
            threads: BTreeMap::new(),
            messages: BTreeMap::new(),
            last_message_id: 0,
            action: None,
            draft: None,
        }
    }

    pub(crate) fn private(id: i64, first_name: &str) -> Self {
        let mut chat = Self::new(id, ChatKind::Private);
        chat.first_name = Some(first_name.to_owned());
        chat.members = vec![id];
        chat
    }

    /// The `Chat` object of messages.
    pub(crate) fn json(&self) -> Value {
        let mut chat = json!({ "id": self.id, "type": self.kind });
        for (name, value) in [("title", &self.title), ("username", &self.username), ("first_name", &self.first_name)] {
            if let Some(value) = value {
                chat[name] = json!(value);
            }
        }
        if self.is_forum {
            chat["is_forum"] = json!(true);
        }
        chat
    }

    /// Gives the message its id and keeps it; what was "typing…" or a draft ends with a message of the bot.
    pub(crate) fn add(&mut self, mut message: Message, by_bot: bool) -> i64 {
        self.last_message_id += 1;
        message.message_id = self.last_message_id;
        if by_bot {
            self.action = None;
            self.draft = None;
        }
        self.messages.insert(message.message_id, message);
        self.last_message_id
    }

    /// The action and the draft that are still shown.
    pub(crate) fn forget_expired(&mut self) -> bool {
        let now_ms = now_ms();
        let shown = (self.action.is_some(), self.draft.is_some());
        self.action = self.action.take().filter(|action| action.until_ms > now_ms);
        self.draft = self.draft.take().filter(|draft| draft.until_ms > now_ms);
        shown != (self.action.is_some(), self.draft.is_some())
    }
}
