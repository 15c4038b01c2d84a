//! A batch of the queue: conversations in parallel, the messages of one strictly in order.
//!
//! What is finished is deleted at once, so that a crash brings back only what was not. After a failed message the rest
//! of its conversation goes back unread, to be seen again when the failed one is; a message's last attempt holds up
//! nobody, since after it the message goes to the dead-letter queue.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use futures_util::future::join_all;
use shared::Envelope;
use tracing::{Instrument, error, info, info_span, warn};

use crate::Invocation;
use crate::failure::{self, Class, Failure};
use crate::queue::Queue;
use crate::turn::{self, Bot, Ended};

/// Kept back from the invocation's time for putting back what is not finished; of a short one, a quarter.
const RESERVE: Duration = Duration::from_secs(3);
/// A further turn is not begun with less: Gemini alone often needs as much.
const TURN_MIN: Duration = Duration::from_secs(10);
/// What telling a person of a failure may take.
const TELL_MAX: Duration = Duration::from_secs(10);

pub struct Worker {
    pub bot: Bot,
    pub queue: Queue,
}

/// What became of a message in this invocation.
enum Attempted {
    /// It needs nothing more.
    Done,
    /// Not begun: no time was left for it.
    PutBack,
    /// To be seen again after so many seconds; after its last attempt, never.
    Failed { wait_s: u32, last: bool },
}

/// An update as it is handed out this time.
struct Receipt<'a> {
    envelope: &'a Envelope<'a>,
    /// How often it has been handed out.
    attempt: u32,
    /// The operator's replay that brought it.
    replay: Option<&'a str>,
    invocation: &'a Invocation,
}

/// The times of an attempt, in ms.
#[derive(Clone, Copy)]
struct Took {
    ms: u64,
    queue_wait_ms: Option<u64>,
    wait_ms: Option<u64>,
}

/// A line about an attempt that somebody waited for, with its times.
macro_rules! measured {
    ($level:ident, $took:expr; $($fields:tt)+) => {
        $level!(TurnMs = $took.ms, QueueWaitMs = $took.queue_wait_ms, WaitMs = $took.wait_ms, $($fields)+)
    };
}

impl Worker {
    pub async fn handle(&self, event: SqsEvent, invocation: &Invocation) -> SqsBatchResponse {
        let mut conversations: Vec<(String, Vec<SqsMessage>)> = Vec::new();
        for message in event.records {
            let group = group(&message);
            match conversations.iter_mut().find(|(known, _)| *known == group) {
                Some((_, messages)) => messages.push(message),
                None => conversations.push((group, vec![message])),
            }
        }
        let all = conversations.into_iter().map(|(_, messages)| self.conversation(messages, invocation));
        let mut response = SqsBatchResponse::default();
        join_all(all).await.into_iter().flatten().for_each(|message_id| response.add_failure(message_id));
        response
    }

    /// The ids of the messages that stay on the queue.
    async fn conversation(&self, messages: Vec<SqsMessage>, invocation: &Invocation) -> Vec<String> {
        let mut kept = Vec::new();
        let mut messages = messages.into_iter();
        let mut first = true;
        while let Some(message) = messages.next() {
            let behind = messages.as_slice();
            let attempted = self.message(&message, invocation, first, behind).await;
            let (wait_s, held) = match attempted {
                Attempted::Done => {
                    self.queue.delete(&message).await;
                    first = false;
                    continue;
                }
                Attempted::PutBack => (0, messages.len()),
                // Seen again at once, it goes to the dead-letter queue, and those behind it go on.
                Attempted::Failed { last: true, .. } => (0, 0),
                Attempted::Failed { wait_s, last: false } => (wait_s, messages.len()),
            };
            let back: Vec<_> = [message].into_iter().chain(messages.by_ref().take(held)).collect();
            join_all(back.iter().map(|message| self.queue.show_after(message, wait_s))).await;
            kept.extend(back.into_iter().filter_map(|message| message.message_id));
            first = false;
        }
        kept
    }

    async fn message(
        &self,
        message: &SqsMessage,
        invocation: &Invocation,
        first: bool,
        behind: &[SqsMessage],
    ) -> Attempted {
        let attempt = attempt(message);
        let body = message.body.as_deref().unwrap_or_default();
        let envelope = match Envelope::open(body) {
            Ok(envelope) => envelope,
            Err(problem) => {
                let message_id = message.message_id.as_deref();
                let class = Class::Undecodable.name();
                error!(message_id, attempt, error = %problem, Class = class, FailedAttempts = 1, "turn failed");
                let wait_s = failure::wait_s(&Failure::new(Class::Undecodable, problem), attempt, jitter());
                return Attempted::Failed { wait_s, last: attempt >= self.queue.max_attempts().await };
            }
        };
        let span = info_span!("turn", update_id = envelope.update_id, conversation = envelope.conversation.hashed());
        let replay = replay(message, envelope.update_id);
        let receipt = Receipt { envelope: &envelope, attempt, replay, invocation };
        self.turn(&receipt, first, behind).instrument(span).await
    }

    /// One attempt at one update, within what is left of the invocation.
    async fn turn(&self, receipt: &Receipt<'_>, first: bool, behind: &[SqsMessage]) -> Attempted {
        let Receipt { envelope, attempt, replay, invocation } = *receipt;
        let began_ms = shared::now_ms();
        // The first attempt does not ask how many there are.
        let max_attempts = if attempt > 1 { self.queue.max_attempts().await } else { u32::MAX };
        let last = attempt >= max_attempts;
        let left = invocation.left();
        let mut left = left.saturating_sub(RESERVE.min(left / 4));
        // The first turn is always tried: an invocation in which nothing is would only raise the receive counts.
        // So is a last one: put back, it would go to the dead-letter queue untried and without a word.
        if !first && !last && left < TURN_MIN {
            info!(attempt, "put back: this invocation has no time left for it");
            return Attempted::PutBack;
        }
        if last {
            // Those behind it that have been received as often need their turn in this invocation.
            let lasts = behind.iter().filter(|message| self::attempt(message) >= max_attempts).count();
            left /= 1 + u32::try_from(lasts).unwrap_or(u32::MAX - 1);
        }
        let waited_ms = began_ms.saturating_sub(envelope.received_at);
        info!(attempt, waited_ms, bytes = envelope.update.get().len(), "turn begins");
        let until = Instant::now() + left;
        let turn = AssertUnwindSafe(turn::run(&self.bot, envelope, replay, invocation, until)).catch_unwind();
        let ended = match tokio::time::timeout_at(until.into(), turn).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(_panic)) => Err(Failure::new(Class::Unexpected, "a bug: the turn panicked")),
            Err(_elapsed) => Err(Failure::new(Class::Transient, "the invocation's time ran out")),
        };
        let ms = shared::now_ms().saturating_sub(began_ms);
        let wait_s = ended.as_ref().err().map_or(0, |failure| failure::wait_s(failure, attempt, jitter()));
        let queue_wait_ms = (attempt == 1).then_some(waited_ms);
        // How long a replayed update lay in the dead-letter queue is the operator's to know.
        let wait_ms = replay.is_none().then_some(waited_ms + ms + u64::from(wait_s) * 1000);
        let took = Took { ms, queue_wait_ms, wait_ms };
        match ended {
            // What was not for the bot, or answered before, is no turn that anybody waited for: it is not measured.
            Ok(Ended::Silent(reason)) => info!(ms, outcome = "silent", reason, "turn ended"),
            Ok(Ended::Repeated) => info!(ms, outcome = "repeated", "turn ended"),
            Ok(Ended::Answered { parts }) => measured!(info, took; outcome = "answered", Parts = parts, "turn ended"),
            Ok(Ended::Gone(why)) => measured!(info, took; outcome = "gone", why, "turn ended"),
            Err(failure) => return self.failed(receipt, took, wait_s, &failure).await,
        }
        Attempted::Done
    }

    /// Logs the failure once; on the last attempt the person is told.
    async fn failed(&self, receipt: &Receipt<'_>, took: Took, wait_s: u32, failure: &Failure) -> Attempted {
        let Receipt { envelope, attempt, replay, invocation } = *receipt;
        let (outcome, class, error) = ("failed", failure.class.name(), failure.error.as_str());
        let last = attempt >= self.queue.max_attempts().await;
        if last || failure.class == Class::Configuration {
            measured!(error, took; outcome, Class = class, attempt, last, wait_s, error, FailedAttempts = 1, "turn failed");
        } else {
            measured!(warn, took; outcome, Class = class, attempt, last, wait_s, error, FailedAttempts = 1, "turn failed");
        }
        if last {
            let left = invocation.left().saturating_sub(Duration::from_secs(1)).min(TELL_MAX);
            let told = turn::tell_of_failure(&self.bot, envelope, attempt, replay, failure);
            match tokio::time::timeout(left, AssertUnwindSafe(told).catch_unwind()).await {
                Ok(Ok(())) => {}
                Ok(Err(_panic)) => error!("a bug: telling of the failure panicked"),
                Err(_elapsed) => warn!("no time left to tell of the failure"),
            }
        }
        Attempted::Failed { wait_s, last }
    }
}

/// The message's conversation: its group, or what the envelope says where the queue is no FIFO.
fn group(message: &SqsMessage) -> String {
    message.attributes.get("MessageGroupId").cloned().unwrap_or_else(|| {
        let envelope = message.body.as_deref().and_then(|body| Envelope::open(body).ok());
        envelope.map(|envelope| envelope.conversation.to_string()).unwrap_or_default()
    })
}

/// How often the queue has handed the message out, this time included.
fn attempt(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// The id under which it was put back from the dead-letter queue: the ingress sends an update under the update's own.
fn replay(message: &SqsMessage, update_id: u64) -> Option<&str> {
    let id = message.attributes.get("MessageDeduplicationId")?;
    (*id != update_id.to_string()).then_some(id)
}

/// Between 0 and 1; the clock's nanoseconds are random enough to keep retries apart.
fn jitter() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    f64::from(now.subsec_nanos() % 1_000_000) / 1_000_000.0
}
