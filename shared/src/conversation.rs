//! A conversation: a chat, or one topic of a chat. It is the unit of order, of history and of blame.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Written `chat_id[:thread_id]`; on the queue it is the message group.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConversationKey {
    /// Up to 52 significant bits, negative for groups and channels (Bot API, `Chat.id`).
    pub chat_id: i64,
    /// Only in a topic, of a forum or of a private chat.
    pub thread_id: Option<i64>,
}

impl ConversationKey {
    /// The object that holds the conversation: one folder a chat, so that its topics lie together.
    pub fn object_key(&self) -> String {
        match self.thread_id {
            None => format!("conversations/{}.json", self.chat_id),
            Some(thread_id) => format!("conversations/{}/{thread_id}.json", self.chat_id),
        }
    }

    /// A short name for log lines: chat ids are people's, so a line carries their FNV-1a hash.
    /// It keeps lines of one conversation together; it is no anonymity against who knows the id.
    pub fn hashed(&self) -> String {
        let hash = self
            .to_string()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        format!("{hash:016x}")
    }
}

impl fmt::Display for ConversationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.chat_id)?;
        self.thread_id.map_or(Ok(()), |thread_id| write!(f, ":{thread_id}"))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not a conversation (chat_id[:thread_id])")]
pub struct NotAConversation;

impl FromStr for ConversationKey {
    type Err = NotAConversation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| part.parse().map_err(|_| NotAConversation);
        match text.split_once(':') {
            None => Ok(Self { chat_id: number(text)?, thread_id: None }),
            Some((chat, thread)) => Ok(Self { chat_id: number(chat)?, thread_id: Some(number(thread)?) }),
        }
    }
}

impl TryFrom<String> for ConversationKey {
    type Error = NotAConversation;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ConversationKey> for String {
    fn from(key: ConversationKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_and_a_topic_have_their_own_objects() {
        let chat: ConversationKey = "-1001234567890".parse().unwrap();
        let topic: ConversationKey = "-1001234567890:42".parse().unwrap();
        assert_eq!(chat.object_key(), "conversations/-1001234567890.json");
        assert_eq!(topic.object_key(), "conversations/-1001234567890/42.json");
        assert_eq!(topic.to_string(), "-1001234567890:42");
    }

    #[test]
    fn other_words_are_no_conversation() {
        for text in ["", "x", "1:", "1:x", ":1", "1:2:3", "1.5"] {
            assert!(text.parse::<ConversationKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_log_line_names_a_conversation_by_its_hash() {
        let key: ConversationKey = "1001".parse().unwrap();
        assert_eq!(key.hashed(), "0d826af0f88e4bd7");
    }
}
