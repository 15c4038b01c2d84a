//! A formatting entity: a range of a text in UTF-16 code units, and what it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kinds of the Bot API, in TDLib's order of precedence for entities of the same range.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Blockquote,
    ExpandableBlockquote,
    Pre,
    Code,
    DateTime,
    TextLink,
    TextMention,
    Mention,
    Hashtag,
    Cashtag,
    BotCommand,
    Url,
    Email,
    PhoneNumber,
    BankCardNumber,
    Bold,
    Italic,
    Underline,
    Strikethrough,
    Spoiler,
    CustomEmoji,
}

/// The classes that decide which entity may hold which.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    Quote,
    /// Code of any sort: holds nothing, not even a style.
    Mono,
    /// Links and whatever acts on a tap.
    Link,
    Style,
}

impl Kind {
    pub(crate) fn class(self) -> Class {
        match self {
            Self::Blockquote | Self::ExpandableBlockquote => Class::Quote,
            Self::Pre | Self::Code | Self::DateTime => Class::Mono,
            Self::Bold | Self::Italic | Self::Underline | Self::Strikethrough | Self::Spoiler => Class::Style,
            Self::TextLink | Self::TextMention | Self::CustomEmoji => Class::Link,
            Self::Mention | Self::Hashtag | Self::Cashtag | Self::BotCommand | Self::Url => Class::Link,
            Self::Email | Self::PhoneNumber | Self::BankCardNumber => Class::Link,
        }
    }

    /// Telegram finds these in the text by itself; given ones are ignored.
    pub(crate) fn is_found(self) -> bool {
        (Self::Mention..=Self::BankCardNumber).contains(&self)
    }
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

    /// Mono or link: two such never share a character.
    pub(crate) fn is_solid(&self) -> bool {
        matches!(self.kind.class(), Class::Mono | Class::Link)
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.offset < other.end() && other.offset < self.end()
    }

    pub(crate) fn holds(&self, other: &Self) -> bool {
        self.offset <= other.offset && other.end() <= self.end()
    }
}

/// By offset, the longer first, then by precedence.
pub(crate) fn sort(entities: &mut [Entity]) {
    entities.sort_by_key(|entity| (entity.offset, -entity.length, entity.kind));
}
