//! A formatting entity: a range of a text in UTF-16 code units, and what it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kinds of the Bot API, in TDLib's order of precedence for entities of the same range within a class.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Mention,
    Hashtag,
    Cashtag,
    BotCommand,
    Url,
    Email,
    PhoneNumber,
    BankCardNumber,
    Blockquote,
    ExpandableBlockquote,
    Pre,
    Code,
    DateTime,
    TextLink,
    TextMention,
    CustomEmoji,
    Bold,
    Italic,
    Underline,
    Strikethrough,
    Spoiler,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Entity {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) offset: i64,
    pub(crate) length: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom_emoji_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unix_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) date_time_format: Option<String>,
}

impl Entity {
    pub(crate) fn new(kind: Kind, offset: i64, length: i64) -> Self {
        Self {
            kind,
            offset,
            length,
            url: None,
            user: None,
            language: None,
            custom_emoji_id: None,
            unix_time: None,
            date_time_format: None,
        }
    }

    /// One past its last UTF-16 unit.
    pub(crate) fn end(&self) -> i64 {
        self.offset + self.length
    }
}
