//! A message of the dead-letter queue, read as far as it can be.

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use shared::{ConversationKey, Envelope};

use crate::age;

#[derive(Clone, Debug)]
pub struct Letter {
    /// SQS's id: one for as long as it lies in the queue, another one when the update comes back.
    pub message_id: String,
    /// The message group; of an update it is the conversation.
    pub group: String,
    /// As it came, byte for byte; given up when only the rest is of use.
    pub body: String,
    pub bytes: usize,
    pub content: Content,
    /// When SQS had it, in ms since 1970 (UTC).
    pub sent_ms: u64,
    /// How often SQS handed it out, this time included.
    pub receives: u32,
    pub handle: String,
    /// Nobody else gets it before, in ms since 1970 (UTC).
    pub held_until_ms: u64,
    /// The selection takes it.
    pub chosen: bool,
}

#[derive(Clone, Debug)]
pub enum Content {
    Update {
        update_id: u64,
        conversation: ConversationKey,
        received_ms: u64,
    },
    /// Not an envelope that this version reads; why not.
    Foreign(String),
}

impl Letter {
    pub fn read(message: Message, held_until_ms: u64) -> Self {
        let attribute = |name| message.attributes.as_ref().and_then(|all| all.get(&name)).cloned().unwrap_or_default();
        let group = attribute(MessageSystemAttributeName::MessageGroupId);
        let sent_ms = attribute(MessageSystemAttributeName::SentTimestamp).parse().unwrap_or_default();
        let receives = attribute(MessageSystemAttributeName::ApproximateReceiveCount).parse().unwrap_or_default();
        let body = message.body.unwrap_or_default();
        let content = match Envelope::open(&body) {
            Ok(Envelope { update_id, conversation, received_at, .. }) => {
                Content::Update { update_id, conversation, received_ms: received_at }
            }
            Err(error) => Content::Foreign(error.to_string()),
        };
        Self {
            message_id: message.message_id.unwrap_or_default(),
            group,
            bytes: body.len(),
            body,
            content,
            sent_ms,
            receives,
            handle: message.receipt_handle.unwrap_or_default(),
            held_until_ms,
            chosen: false,
        }
    }

    pub fn update_id(&self) -> Option<u64> {
        match self.content {
            Content::Update { update_id, .. } => Some(update_id),
            Content::Foreign(_) => None,
        }
    }

    pub fn conversation(&self) -> Option<ConversationKey> {
        match self.content {
            Content::Update { conversation, .. } => Some(conversation),
            Content::Foreign(_) => None,
        }
    }

    /// Since the bot had the update; of a foreign message, since SQS had it.
    pub fn age_ms(&self) -> u64 {
        let since_ms = match self.content {
            Content::Update { received_ms, .. } => received_ms,
            Content::Foreign(_) => self.sent_ms,
        };
        age::now_ms().saturating_sub(since_ms)
    }

    /// By either of its ids.
    pub fn is(&self, id: &str) -> bool {
        self.message_id == id || self.update_id().is_some_and(|update_id| update_id.to_string() == id)
    }
}
