//! What people write in a run: each update with its JSON and what it asks for.

use serde_json::{Value, json};

use crate::event::Kind;
use crate::mark::question;
use crate::plan::Dice;
use crate::telegram::USERNAME;
use crate::{feed, gemini};

pub struct Line {
    pub update: u64,
    pub conversation: String,
    pub kind: Kind,
    pub how: How,
}

pub enum How {
    /// Through the webhook.
    Update(Value),
    /// A foreign message on the queue.
    Foreign(String),
}

/// Ids of updates begin here; each is its message's id as well.
const FIRST_UPDATE: u64 = 700_000_001;

/// Conversation by conversation, each in its order.
pub fn write(seed: u64, updates: u64, conversations: u64) -> Vec<Vec<Line>> {
    let talk = |index| {
        let mine = (0..updates).filter(move |n| n % conversations == index);
        mine.map(|n| line(seed, FIRST_UPDATE + n, &Chat::of(index))).collect()
    };
    (0..conversations).map(talk).collect()
}

struct Chat {
    id: i64,
    thread_id: Option<i64>,
}

impl Chat {
    /// Mostly private chats; some groups, some topics of one forum.
    fn of(index: u64) -> Self {
        let number = i64::try_from(index).unwrap_or_default();
        match index % 10 {
            8 => Self { id: -1_000_000_000_000 - number, thread_id: None },
            9 => Self { id: -1_000_000_000_009, thread_id: Some(number + 2) },
            _ => Self { id: 5_000_000 + number, thread_id: None },
        }
    }

    fn conversation(&self) -> String {
        self.thread_id.map_or_else(|| self.id.to_string(), |thread_id| format!("{}:{thread_id}", self.id))
    }
}

fn line(seed: u64, update: u64, chat: &Chat) -> Line {
    let mut dice = Dice::new(seed, &format!("line {update}"));
    let conversation = chat.conversation();
    let ask = question(update);
    let (kind, how) = match dice.below(1000) {
        0..4 => (Kind::Poison, How::Foreign(feed::foreign(update))),
        4..8 => {
            let mut message = message(update, chat, "no id");
            message["message"].as_object_mut().map(|fields| fields.remove("message_id"));
            (Kind::Poison, How::Update(message))
        }
        8..15 => (Kind::Poison, said(update, chat, &format!("{ask} {}", gemini::FAILING))),
        15..40 => (Kind::Silent, How::Update(unheard(update, chat))),
        40..80 => (Kind::Notice, said(update, chat, "/help")),
        80..110 => (Kind::Notice, said(update, chat, &format!("{ask} {}", gemini::BLOCKED))),
        _ => (Kind::Ask, said(update, chat, &format!("{ask} What does the fox say?"))),
    };
    Line { update, conversation, kind, how }
}

fn said(update: u64, chat: &Chat, text: &str) -> How {
    How::Update(match (chat.id < 0, text.starts_with('/')) {
        (false, false) => message(update, chat, text),
        (false, true) => entity(message(update, chat, text), "bot_command", text.len()),
        (true, false) => {
            let mention = format!("@{USERNAME}");
            entity(message(update, chat, &format!("{mention} {text}")), "mention", mention.len())
        }
        (true, true) => {
            let command = format!("{text}@{USERNAME}");
            entity(message(update, chat, &command), "bot_command", command.len())
        }
    })
}

/// In a group what names nobody, elsewhere a service message.
fn unheard(update: u64, chat: &Chat) -> Value {
    let mut message = message(update, chat, "hello all");
    if chat.id > 0 {
        message["message"]["text"].take();
        message["message"]["pinned_message"] = json!({"message_id": 1, "date": 0, "chat": {"id": chat.id}});
    }
    message
}

fn message(update: u64, chat: &Chat, text: &str) -> Value {
    let kind = if chat.id > 0 { "private" } else { "supergroup" };
    let mut message = json!({"message_id": update, "date": 1_795_348_800, "text": text,
        "from": {"id": 5_000_001, "is_bot": false, "first_name": "Ada"},
        "chat": {"id": chat.id, "type": kind, "title": "Foxes"}});
    if let Some(thread_id) = chat.thread_id {
        message["message_thread_id"] = thread_id.into();
        message["is_topic_message"] = true.into();
    }
    json!({"update_id": update, "message": message})
}

fn entity(mut message: Value, kind: &str, length: usize) -> Value {
    message["message"]["entities"] = json!([{"type": kind, "offset": 0, "length": length}]);
    message
}
