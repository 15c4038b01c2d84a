//! One update: what the bot gets, how far it is, and which queue it waits in.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::now_ms;

/// An update is dropped at this age.
pub(crate) const LIFE_MS: u64 = 24 * 3600 * 1000;

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Waiting,
    /// Sent, not yet answered; with getUpdates: handed out, not yet confirmed.
    Delivering,
    Accepted,
    Dropped,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Update {
    pub(crate) update_id: i64,
    pub(crate) kind: String,
    /// Only the first of a queue is sent, until it is accepted or dropped.
    pub(crate) queue_id: String,
    pub(crate) chat_id: Option<i64>,
    pub(crate) message_id: Option<i64>,
    /// The bytes that the bot gets.
    pub(crate) body: String,
    pub(crate) status: Status,
    pub(crate) attempts: u32,
    pub(crate) last_status: Option<u16>,
    /// The wait before the next attempt grows from here, in units of `retry_unit`.
    pub(crate) delay: u64,
    pub(crate) not_before_ms: u64,
    pub(crate) sent_ms: u64,
    pub(crate) accepted_ms: Option<u64>,
    /// When the bot replied to this message.
    pub(crate) replied_ms: Option<u64>,
    /// When the bot first wrote to the chat after it without replying to anything.
    pub(crate) written_ms: Option<u64>,
}

impl Update {
    pub(crate) fn new(update_id: i64, kind: &str, object: &Value, body: String) -> Self {
        let message = if object["chat"].is_object() { object } else { &object["message"] };
        Self {
            update_id,
            kind: kind.to_owned(),
            queue_id: queue_id(kind, object),
            chat_id: message["chat"]["id"].as_i64(),
            message_id: message["message_id"].as_i64(),
            body,
            status: Status::Waiting,
            attempts: 0,
            last_status: None,
            delay: 1,
            not_before_ms: 0,
            sent_ms: now_ms(),
            accepted_ms: None,
            replied_ms: None,
            written_ms: None,
        }
    }

    pub(crate) fn pending(&self) -> bool {
        matches!(self.status, Status::Waiting | Status::Delivering)
    }

    /// When the bot replied to it, or failing that wrote to its chat.
    pub(crate) fn answered_ms(&self) -> Option<u64> {
        self.replied_ms.or(self.written_ms)
    }
}

/// Updates of one queue are delivered one after another; those of different queues may overtake each other.
fn queue_id(kind: &str, object: &Value) -> String {
    let chat = &object["chat"]["id"];
    let from = &object["from"]["id"];
    match kind {
        "chat_member" | "my_chat_member" | "chat_join_request" => format!("members {chat}"),
        "callback_query" | "inline_query" | "chosen_inline_result" | "shipping_query" | "pre_checkout_query" => {
            format!("user {from}")
        }
        "business_connection" => format!("business {}", object["user"]["id"]),
        "business_message" | "edited_business_message" | "deleted_business_messages" => format!("business {chat}"),
        "guest_message" => format!("guest {from}"),
        "chat_boost" | "removed_chat_boost" => format!("boosts {chat}"),
        _ if chat.is_null() => format!("{kind} {from}"),
        _ => format!("chat {chat}"),
    }
}
