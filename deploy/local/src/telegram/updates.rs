//! Updates on their way to the bot: queued in order, delivered serially per queue, retried as Telegram does.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::{now_ms, random};

/// Kinds that come only if `allowed_updates` names them.
const ON_REQUEST: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];
/// An update is dropped at this age.
const LIFE_MS: u64 = 24 * 3600 * 1000;
/// No `Retry-After` of a webhook is honoured beyond this.
const MAX_RETRY_AFTER_S: u64 = 3600;
/// Finished updates that are kept to be looked at.
const FINISHED_KEPT: usize = 100;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Updates {
    pub(crate) webhook: Option<Webhook>,
    /// The kinds asked for; `None`: all but those on request.
    pub(crate) allowed: Option<Vec<String>>,
    pub(crate) next_id: i64,
    pub(crate) queue: Vec<Update>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret_token: String,
    pub(crate) max_connections: u64,
    pub(crate) ip_address: String,
    pub(crate) has_custom_certificate: bool,
    pub(crate) last_error_s: Option<u64>,
    pub(crate) last_error: Option<String>,
}

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
    pub(crate) fn pending(&self) -> bool {
        matches!(self.status, Status::Waiting | Status::Delivering)
    }
}

/// What became of an attempt to deliver.
pub(crate) struct Attempt {
    pub(crate) status: Option<u16>,
    pub(crate) retry_after_s: u64,
    /// What getWebhookInfo says; `None`: accepted.
    pub(crate) error: Option<String>,
}

impl Updates {
    pub(crate) fn starting_at(next_id: i64) -> Self {
        Self { next_id, ..Self::default() }
    }

    /// Queues `{update_id, kind: object}`. A kind that is not allowed is not queued, but still has an id.
    pub(crate) fn push(&mut self, kind: &str, object: &Value) -> i64 {
        let update_id = self.next_id;
        let body = format!(r#"{{"update_id":{update_id},"{kind}":{object}}}"#);
        self.push_raw(update_id, kind, object, body)
    }

    /// Queues an update whose bytes are given.
    pub(crate) fn push_raw(&mut self, update_id: i64, kind: &str, object: &Value, body: String) -> i64 {
        self.next_id = self.next_id.max(update_id.saturating_add(1));
        if !self.allows(kind) {
            return update_id;
        }
        let message = if object["chat"].is_object() { object } else { &object["message"] };
        self.queue.push(Update {
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
        });
        self.forget_finished();
        update_id
    }

    fn allows(&self, kind: &str) -> bool {
        match &self.allowed {
            Some(allowed) => allowed.iter().any(|allowed| allowed == kind),
            None => !ON_REQUEST.contains(&kind),
        }
    }

    fn forget_finished(&mut self) {
        let finished = self.queue.iter().filter(|update| !update.pending()).count();
        let mut excess = finished.saturating_sub(FINISHED_KEPT);
        self.queue.retain(|update| {
            let forget = excess > 0 && !update.pending();
            excess -= usize::from(forget);
            !forget
        });
    }

    pub(crate) fn pending(&self) -> impl Iterator<Item = &Update> {
        self.queue.iter().filter(|update| update.pending())
    }

    /// Takes what may be sent now: the first of each queue, if its time has come, up to `max_connections`
    /// at once. Also says when the next one's time comes.
    pub(crate) fn take_due(&mut self, now_ms: u64) -> (Vec<Update>, Option<u64>) {
        let Some(webhook) = &self.webhook else { return (Vec::new(), None) };
        let delivering = self.queue.iter().filter(|update| update.status == Status::Delivering).count();
        let mut free = usize::try_from(webhook.max_connections).unwrap_or(1).saturating_sub(delivering);
        let (mut due, mut next_ms, mut seen) = (Vec::new(), None::<u64>, BTreeSet::new());
        for update in self.queue.iter_mut().filter(|update| update.pending()) {
            if !seen.insert(update.queue_id.clone()) || update.status == Status::Delivering {
                continue;
            }
            if update.not_before_ms > now_ms {
                next_ms = Some(next_ms.map_or(update.not_before_ms, |next_ms| next_ms.min(update.not_before_ms)));
            } else if free > 0 {
                free -= 1;
                update.status = Status::Delivering;
                update.attempts += 1;
                due.push(update.clone());
            }
        }
        (due, next_ms)
    }

    /// Notes the outcome of an attempt: at first again at once, then after 2, 4, 8 … units up to a random cap of
    /// 60 to 120; a `Retry-After` is the wait instead.
    pub(crate) fn settle(&mut self, update_id: i64, attempt: &Attempt, retry_unit: Duration) {
        let now_ms = now_ms();
        if let (Some(webhook), Some(error)) = (&mut self.webhook, &attempt.error) {
            webhook.last_error_s = Some(now_ms / 1000);
            webhook.last_error = Some(error.clone());
        }
        let unit_ms = u64::try_from(retry_unit.as_millis()).unwrap_or(1000);
        let found = self.queue.iter_mut().find(|update| update.update_id == update_id && update.pending());
        let Some(update) = found else { return };
        update.last_status = attempt.status;
        if attempt.error.is_none() {
            update.status = Status::Accepted;
            update.accepted_ms = Some(now_ms);
            return;
        }
        let retry_after = attempt.retry_after_s.min(MAX_RETRY_AFTER_S);
        let mut wait = retry_after;
        if retry_after == 0 && update.attempts > 1 {
            update.delay = (update.delay * 2).min(60 + random() % 61);
            wait = update.delay;
        }
        update.not_before_ms = now_ms + wait * unit_ms;
        let too_old = update.not_before_ms > update.sent_ms + LIFE_MS;
        update.status = if too_old { Status::Dropped } else { Status::Waiting };
    }

    /// Confirms and returns updates as getUpdates does: all before `offset` are done with; a negative one counts from
    /// the end.
    pub(crate) fn hand_out(&mut self, offset: i64, limit: usize) -> Vec<String> {
        let mut first = offset;
        if offset < 0 {
            let ids: Vec<i64> = self.pending().map(|update| update.update_id).collect();
            let back = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            first = ids.get(ids.len().saturating_sub(back)).copied().unwrap_or(0);
        }
        let now_ms = now_ms();
        for update in self.queue.iter_mut().filter(|update| update.pending() && update.update_id < first) {
            update.status = Status::Accepted;
            update.accepted_ms = Some(now_ms);
        }
        let mut bodies = Vec::new();
        for update in self.queue.iter_mut().filter(|update| update.pending()).take(limit) {
            update.status = Status::Delivering;
            update.attempts += 1;
            bodies.push(update.body.clone());
        }
        bodies
    }

    /// Nothing is in flight any more: after a restart, or when the webhook changed.
    pub(crate) fn recall(&mut self) {
        for update in self.queue.iter_mut().filter(|update| update.status == Status::Delivering) {
            update.status = Status::Waiting;
        }
    }

    pub(crate) fn drop_pending(&mut self) {
        for update in self.queue.iter_mut().filter(|update| update.pending()) {
            update.status = Status::Dropped;
        }
    }

    /// The bot wrote to a chat: that answers the message it replies to, else those before it.
    pub(crate) fn note_answer(&mut self, chat_id: i64, reply_to: Option<i64>) {
        let now_ms = now_ms();
        for update in self.queue.iter_mut().filter(|update| update.chat_id == Some(chat_id) && update.attempts > 0) {
            match reply_to {
                Some(id) if update.message_id == Some(id) => _ = update.replied_ms.get_or_insert(now_ms),
                Some(_) => {}
                None => _ = update.written_ms.get_or_insert(now_ms),
            }
        }
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
