//! The operator at the command line: the real binary against queues and a bucket of the emulated AWS.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod look;
mod resend;
mod support;
mod throw_away;
