//! The real worker through its front door: batches of a real queue in, what Telegram, Gemini and the bucket see then.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod batches;
mod corpus;
mod failure;
mod history;
mod metrics;
mod support;
mod talk;
mod wiring;
