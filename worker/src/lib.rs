//! The worker: in comes a batch of the queue, each message an update; out go answers on Telegram and, for Lambda,
//! the messages that must stay on the queue.
//!
//! Read [`turn`] first: it is the whole behaviour of the bot. [`batch`] is what surrounds it, [`failure`] decides what
//! a failed call means; the rest are clients and pure helpers.

mod aws;
pub mod batch;
pub mod config;
pub mod conversation;
pub mod failure;
pub mod gemini;
pub mod queue;
pub mod reply;
pub mod router;
pub mod telegram;
pub mod turn;
pub mod update;
mod words;

use std::time::Duration;

/// One call of the function.
pub struct Invocation {
    pub request_id: String,
    /// When Lambda ends it, in ms since 1970.
    pub deadline_ms: u64,
}

impl Invocation {
    pub fn left(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.saturating_sub(shared::now_ms()))
    }
}
