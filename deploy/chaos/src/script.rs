//! What people write in a run: each update with its JSON and what it asks for.

use std::collections::HashMap;

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
    /// The group gets this id, from the old one, just before.
    pub moves: Option<(i64, i64)>,
}

pub enum How {
    /// Through the webhook.
    Update(Value),
    /// A foreign message on the queue.
    Foreign(String),
}

/// Ids of updates begin here; each is its message's id as well.
const FIRST_UPDATE: u64 = 700_000_001;

/// At this line of its talk a group becomes a supergroup.
const MOVES_AT: u64 = 2;

/// Conversation by conversation, each in its order.
pub fn write(seed: u64, updates: u64, conversations: u64) -> Vec<Vec<Line>> {
    let talk = |index| {
        let mine = (0..updates).filter(move |n| n % conversations == index);
        mine.map(|n| line(seed, FIRST_UPDATE + n, &Chat::of(index, n / conversations))).collect()
    };
    (0..conversations).map(talk).collect()
}

/// Questions alone, in their order, as envelopes.
pub fn questions(updates: u64, conversations: u64) -> Vec<Line> {
    let question = |n| {
        let (update, chat) = (FIRST_UPDATE + n, Chat::of(n % conversations, 0));
        let (conversation, said) = (chat.conversation(), said(update, &chat, &question(update)));
        let envelope = json!({"version": 1, "update_id": update, "conversation": conversation,
            "received_at": 1_795_348_800_000_u64, "update": said});
        let how = How::Foreign(envelope.to_string());
        Line { update, conversation, kind: Kind::Ask, how, moves: None }
    };
    (0..updates).map(question).collect()
}

/// The conversations whose object shall be corrupted, and at which write of it: some of the private ones.
pub fn corruptions(seed: u64, conversations: u64) -> HashMap<String, u32> {
    let mine = (0..conversations).filter(|index| index % 10 == 5).map(|index| Chat::of(index, 0).conversation());
    let at = |conversation: &String| 4 + Dice::new(seed, &format!("corrupt {conversation}")).below(8) as u32;
    mine.map(|conversation| (conversation.clone(), at(&conversation))).collect()
}

struct Chat {
    id: i64,
    thread_id: Option<i64>,
    /// The group is about to get this id.
    moves_to: Option<i64>,
    /// Its line is the one with which it moves.
    moves: bool,
}

impl Chat {
    /// Mostly private chats; some groups, some of which move; some topics of one forum.
    fn of(index: u64, line: u64) -> Self {
        const SUPERGROUP: i64 = -1_000_000_000_000;
        let number = i64::try_from(index).unwrap_or_default();
        let (id, thread_id, moves_to) = match index % 10 {
            7 if line <= MOVES_AT => (-4_000_000 - number, None, Some(SUPERGROUP - number)),
            7 | 8 => (SUPERGROUP - number, None, None),
            9 => (SUPERGROUP - 9, Some(number + 2), None),
            _ => (5_000_000 + number, None, None),
        };
        Self { id, thread_id, moves_to, moves: moves_to.is_some() && line == MOVES_AT }
    }

    fn conversation(&self) -> String {
        self.thread_id.map_or_else(|| self.id.to_string(), |thread_id| format!("{}:{thread_id}", self.id))
    }
}

fn line(seed: u64, update: u64, chat: &Chat) -> Line {
    let mut dice = Dice::new(seed, &format!("line {update}"));
    let conversation = chat.conversation();
    let ask = question(update);
    let (kind, how) = match (chat.moves_to, dice.below(1000)) {
        (Some(to), _) if chat.moves => {
            let how = How::Update(moved(update, chat, to));
            return Line { update, conversation, kind: Kind::Silent, how, moves: Some((chat.id, to)) };
        }
        // Notices have no mark, and quote nothing where they are sent to in the end: nobody could tell whose they are.
        (Some(_), _) => (Kind::Ask, How::Update(said(update, chat, &format!("{ask} What does the fox say?")))),
        (None, 0..4) => (Kind::Poison, How::Foreign(feed::foreign(update))),
        (None, 4..8) => {
            let mut message = message(update, chat, "no id");
            message["message"].as_object_mut().map(|fields| fields.remove("message_id"));
            (Kind::Poison, How::Update(message))
        }
        (None, 8..15) => (Kind::Poison, How::Update(said(update, chat, &format!("{ask} {}", gemini::FAILING)))),
        (None, 15..40) => (Kind::Silent, How::Update(unheard(update, chat))),
        (None, 40..70) => (Kind::Notice, How::Update(said(update, chat, "/help"))),
        (None, 70..100) => (Kind::Notice, How::Update(said(update, chat, &format!("{ask} {}", gemini::BLOCKED)))),
        (None, 100..130) => (Kind::Forget, How::Update(said(update, chat, "/new"))),
        (None, 130..155) => (Kind::Ask, How::Update(said(update, chat, &format!("/image {ask} A fox.")))),
        (None, 155..190) => (Kind::Ask, How::Update(said(update, chat, &format!("{ask} {}", gemini::DRAWN)))),
        (None, _) => (Kind::Ask, How::Update(said(update, chat, &format!("{ask} What does the fox say?")))),
    };
    Line { update, conversation, kind, how, moves: None }
}

fn said(update: u64, chat: &Chat, text: &str) -> Value {
    let (word, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
    match (chat.id < 0, text.starts_with('/')) {
        (false, false) => message(update, chat, text),
        (false, true) => entity(message(update, chat, text), "bot_command", word.len()),
        (true, false) => {
            let mention = format!("@{USERNAME}");
            entity(message(update, chat, &format!("{mention} {text}")), "mention", mention.len())
        }
        (true, true) => {
            let command = format!("{word}@{USERNAME}");
            entity(message(update, chat, &format!("{command}{rest}")), "bot_command", command.len())
        }
    }
}

/// In a group what names nobody, elsewhere a service message.
fn unheard(update: u64, chat: &Chat) -> Value {
    if chat.id < 0 {
        return message(update, chat, "hello all");
    }
    service(update, chat, "pinned_message", json!({"message_id": 1, "date": 0, "chat": {"id": chat.id}}))
}

fn moved(update: u64, chat: &Chat, to: i64) -> Value {
    service(update, chat, "migrate_to_chat_id", to.into())
}

fn service(update: u64, chat: &Chat, what: &str, value: Value) -> Value {
    let mut message = message(update, chat, "");
    message["message"].as_object_mut().map(|fields| fields.remove("text"));
    message["message"][what] = value;
    message
}

fn message(update: u64, chat: &Chat, text: &str) -> Value {
    let kind = match chat.id {
        1.. => "private",
        -999_999_999_999.. => "group",
        _ => "supergroup",
    };
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
