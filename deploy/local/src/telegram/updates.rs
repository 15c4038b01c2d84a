//! Updates on their way to the bot: queued in order, delivered serially per queue, retried as Telegram does.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::{now_ms, random};
use super::update::{LIFE_MS, Status, Update};

/// Kinds that come only if `allowed_updates` names them.
const ON_REQUEST: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];
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
    /// How many the bot has answered, those forgotten included.
    #[serde(default)]
    pub(crate) answered: u64,
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
        self.queue.push(Update::new(update_id, kind, object, body));
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
        self.drop_old(now_ms);
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
        self.drop_old(now_ms());
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

    fn drop_old(&mut self, now_ms: u64) {
        let old = |update: &&mut Update| update.status == Status::Waiting && now_ms > update.sent_ms + LIFE_MS;
        for update in self.queue.iter_mut().filter(old) {
            update.status = Status::Dropped;
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
            let was_answered = update.answered_ms().is_some();
            match reply_to {
                Some(id) if update.message_id == Some(id) => _ = update.replied_ms.get_or_insert(now_ms),
                Some(_) => {}
                None => _ = update.written_ms.get_or_insert(now_ms),
            }
            self.answered += u64::from(!was_answered && update.answered_ms().is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Attempt, Status, Updates, Webhook, now_ms};

    fn one_waiting() -> (Updates, i64) {
        let mut updates = Updates::starting_at(7);
        updates.webhook = Some(Webhook { max_connections: 1, ..Webhook::default() });
        let update_id = updates.push("message", &json!({ "chat": { "id": 1 } }));
        (updates, update_id)
    }

    /// Fails the update and returns its wait in seconds.
    fn fail(updates: &mut Updates, retry_after_s: u64) -> u64 {
        updates.queue[0].not_before_ms = 0;
        let (due, _) = updates.take_due(now_ms());
        let failure = Attempt { status: Some(500), retry_after_s, error: Some("failed".to_owned()) };
        updates.settle(due[0].update_id, &failure, Duration::from_secs(1));
        (updates.queue[0].not_before_ms.saturating_sub(now_ms()) + 500) / 1000
    }

    #[test]
    fn the_wait_doubles_up_to_a_cap() {
        let (mut updates, _) = one_waiting();
        let waits: Vec<u64> = (0..7).map(|_| fail(&mut updates, 0)).collect();
        assert_eq!(waits[..6], [0, 2, 4, 8, 16, 32]);
        for _ in 0..20 {
            assert!((60..=120).contains(&fail(&mut updates, 0)));
        }
    }

    #[test]
    fn the_webhooks_own_wait_is_capped_at_an_hour() {
        let (mut updates, _) = one_waiting();
        assert_eq!(fail(&mut updates, 30), 30);
        assert_eq!(fail(&mut updates, 86_400), 3600);
    }

    #[test]
    fn an_update_of_a_day_is_dropped() {
        let (mut updates, update_id) = one_waiting();
        updates.queue[0].sent_ms -= 24 * 3_600_000 - 5_000;
        fail(&mut updates, 0);
        assert_eq!(updates.queue[0].status, Status::Waiting);
        fail(&mut updates, 10);
        assert_eq!((updates.queue[0].update_id, updates.queue[0].status), (update_id, Status::Dropped));
    }
}
