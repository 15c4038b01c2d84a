//! The worker: in comes a batch of the queue, each message an update; out go answers on Telegram and, for Lambda,
//! the messages that must stay on the queue.
//!
//! Read [`turn`] first: it is the whole behaviour of the bot. [`batch`] is what surrounds it, [`failure`] decides what
//! a failed call means; the rest are clients and pure helpers.

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

/// Milliseconds since 1970 (UTC).
fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
