//! A batch of the queue: conversations in parallel, the messages of one strictly in order.
//!
//! What is finished is deleted at once, so that a crash brings back only what was not. After a failed message the rest
//! of its conversation goes back unread, to be seen again when the failed one is; a message's last attempt holds up
//! nobody, since after it the message goes to the dead-letter queue.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use shared::Envelope;
use tracing::{Instrument, error, info, info_span, warn};

use crate::conversation::Claim;
use crate::failure::{self, Class, Failure};
use crate::queue::Queue;
use crate::turn::{self, Bot, Ended};

/// Kept back from the invocation's time for putting back what is not finished.
const RESERVE: Duration = Duration::from_secs(3);
/// A turn is not begun with less: Gemini alone often needs as much.
const TURN_MIN: Duration = Duration::from_secs(10);

pub struct Worker {
    pub bot: Bot,
    pub queue: Queue,
}

impl Worker {
    /// `claim` is the invocation's request id and deadline.
    pub async fn handle(&self, event: SqsEvent, claim: Claim) -> SqsBatchResponse {
        let mut conversations: Vec<(String, Vec<SqsMessage>)> = Vec::new();
        for message in event.records {
            let group = message.attributes.get("MessageGroupId").cloned().unwrap_or_default();
            match conversations.iter_mut().find(|(known, _)| *known == group) {
                Some((_, messages)) => messages.push(message),
                None => conversations.push((group, vec![message])),
            }
        }
        let ended = join_all(conversations.into_iter().map(|(_, messages)| self.conversation(messages, &claim))).await;
        let mut response = SqsBatchResponse::default();
        ended.into_iter().flatten().for_each(|message_id| response.add_failure(message_id));
        response
    }

    /// The ids of the messages that stay on the queue.
    async fn conversation(&self, messages: Vec<SqsMessage>, claim: &Claim) -> Vec<String> {
        let mut kept = Vec::new();
        let mut messages = messages.into_iter();
        while let Some(message) = messages.next() {
            let Some(wait_s) = self.message(&message, claim).await else {
                self.queue.delete(&message).await;
                continue;
            };
            let attempt = attempt(&message);
            let last = attempt >= self.queue.max_attempts().await;
            let behind: Vec<_> = if last { Vec::new() } else { messages.by_ref().collect() };
            for message in [message].into_iter().chain(behind) {
                self.queue.show_after(&message, if last { 0 } else { wait_s }).await;
                kept.extend(message.message_id);
            }
        }
        kept
    }

    /// One attempt at one message: `None` when it needs nothing more, else when to try again, in s.
    async fn message(&self, message: &SqsMessage, claim: &Claim) -> Option<u32> {
        let attempt = attempt(message);
        let body = message.body.as_deref().unwrap_or_default();
        let envelope = match Envelope::open(body) {
            Ok(envelope) => envelope,
            Err(problem) => {
                let message_id = message.message_id.as_deref();
                error!(message_id, attempt, error = %problem, class = Class::Undecodable.name(), "turn failed");
                return Some(failure::wait_s(&Failure::new(Class::Undecodable, problem), attempt, jitter()));
            }
        };
        let span = info_span!("turn", update_id = envelope.update_id, conversation = envelope.conversation.hashed());
        self.turn(&envelope, attempt, claim).instrument(span).await
    }

    async fn turn(&self, envelope: &Envelope<'_>, attempt: u32, claim: &Claim) -> Option<u32> {
        let began_ms = crate::now_ms();
        let left = Duration::from_millis(claim.until_ms.saturating_sub(began_ms)).saturating_sub(RESERVE);
        if left < TURN_MIN {
            info!(attempt, "put back: this invocation has no time left for it");
            return Some(0);
        }
        let waited_ms = began_ms.saturating_sub(envelope.received_at);
        info!(attempt, waited_ms, bytes = envelope.update.get().len(), "turn begins");
        let ended = tokio::time::timeout(left, turn::run(&self.bot, envelope, claim)).await;
        let ended = ended.unwrap_or_else(|_| Err(Failure::new(Class::Transient, "the invocation's time ran out")));
        let ms = crate::now_ms() - began_ms;
        match ended {
            Ok(Ended::Silent(reason)) => info!(ms, outcome = "silent", reason, "turn ended"),
            Ok(Ended::Repeated) => info!(ms, outcome = "repeated", "turn ended"),
            Ok(Ended::Answered { parts }) => info!(ms, outcome = "answered", parts, "turn ended"),
            Ok(Ended::Gone(why)) => info!(ms, outcome = "gone", why, "turn ended"),
            Err(failure) => return Some(self.failed(envelope, attempt, claim, ms, failure).await),
        }
        None
    }

    /// Logs the failure once; on the last attempt the person is told. The wait until the next one, in s.
    async fn failed(&self, envelope: &Envelope<'_>, attempt: u32, claim: &Claim, ms: u64, failure: Failure) -> u32 {
        let (class, error) = (failure.class.name(), failure.error.as_str());
        let wait_s = failure::wait_s(&failure, attempt, jitter());
        let last = attempt >= self.queue.max_attempts().await;
        if last || failure.class == Class::Configuration {
            error!(ms, outcome = "failed", class, attempt, last, wait_s, error, "turn failed");
        } else {
            warn!(ms, outcome = "failed", class, attempt, last, wait_s, error, "turn failed");
        }
        if last {
            let left = Duration::from_millis(claim.until_ms.saturating_sub(crate::now_ms()));
            let told = turn::tell_of_failure(&self.bot, envelope, &failure);
            if tokio::time::timeout(left, told).await.is_err() {
                warn!("no time left to tell of the failure");
            }
        }
        wait_s
    }
}

/// How often the queue has handed the message out, this time included.
fn attempt(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// Between 0 and 1; the clock's nanoseconds are random enough to keep retries apart.
fn jitter() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    f64::from(now.subsec_nanos() % 1_000_000) / 1_000_000.0
}
