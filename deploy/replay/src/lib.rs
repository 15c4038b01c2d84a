//! The operator's command for the dead-letter queue: what lies there, why, and back to the updates queue with it.
//!
//! In: the dead-letter queue, and the conversations' objects for the reasons. Out: messages on the updates queue.
//! A message is sent first and deleted after, so that no interruption loses one; a second copy does no harm, since the
//! worker knows what it has answered. Read [`sweep`] first.

pub mod age;
pub mod args;
pub mod aws;
pub mod dlq;
pub mod letter;
pub mod outbox;
pub mod outcome;
pub mod progress;
pub mod question;
pub mod reasons;
pub mod report;
pub mod select;
pub mod stop;
pub mod sweep;
