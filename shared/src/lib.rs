//! What the two functions agree on: the message on the queue, how the environment is read, how a log line looks,
//! what is measured.

mod clock;
pub mod conversation;
pub mod env;
pub mod envelope;
pub mod failed;
pub mod log;
pub mod metrics;

pub use clock::now_ms;
pub use conversation::ConversationKey;
pub use envelope::Envelope;
pub use failed::Failed;
