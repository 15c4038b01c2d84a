//! Updates as Telegram sends them, one file each, and what must become of every one at both functions.
//! The bot in them is @lambdagram_bot ([`BOT_ID`]); everybody may talk to it.

use std::path::PathBuf;

use Reply::{Answer, Any, Command, Notice, Picture, Silent, Stays};

pub const BOT_ID: u64 = 8_123_456_789;
pub const BOT_USERNAME: &str = "lambdagram_bot";

/// What the people in the chat see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reply {
    /// Gemini is asked, and its words arrive.
    Answer,
    /// A picture arrives.
    Picture,
    /// The bot's own words: a command's.
    Command,
    /// A plain sentence that says what the bot cannot read.
    Notice,
    /// Nothing.
    Silent,
    /// One message or none, but no failure.
    Any,
    /// The worker cannot read it: it stays on the queue, and the dead-letter queue gets it.
    Stays,
}

pub struct Case {
    /// The file's name without `.json`.
    pub name: &'static str,
    /// The conversation under which it is queued; `None`: the ingress ignores it.
    pub conversation: Option<&'static str>,
    pub reply: Reply,
}

impl Case {
    /// The file's text, as it came over the wire.
    pub fn json(&self) -> std::io::Result<String> {
        std::fs::read_to_string(folder().join(self.name).with_extension("json"))
    }
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("updates")
}

/// Every file of the folder.
pub fn cases() -> impl Iterator<Item = Case> {
    let queued = QUEUED.iter().flat_map(|(conversation, cases)| {
        cases.iter().map(|(name, reply)| Case { name, conversation: Some(conversation), reply: *reply })
    });
    queued.chain(IGNORED.iter().map(|name| Case { name, conversation: None, reply: Silent }))
}

/// The kind `message`, by conversation.
#[rustfmt::skip]
const QUEUED: &[(&str, &[(&str, Reply)])] = &[
    ("1001", &[
        ("message-text", Answer),
        ("message-text-4096-units", Answer),
        ("message-text-code-block", Answer),
        ("message-text-control-characters", Answer),
        ("message-text-entities", Answer),
        ("message-text-link-preview", Answer),
        ("message-text-lone-surrogate", Stays),
        ("message-text-markdown-typed", Answer),
        ("message-text-noncharacters", Answer),
        ("message-text-noncharacters-escaped", Answer),
        ("message-text-quote-blocks", Answer),
        ("message-text-zero-width", Answer),
        ("message-reply-to-bot", Answer),
        ("message-reply-to-own", Answer),
        ("message-quote", Answer),
        ("message-external-reply", Answer),
        ("message-forwarded", Answer),
        ("message-forwarded-channel-post", Answer),
        ("message-forwarded-hidden-user", Answer),
        ("message-via-bot", Answer),
        ("message-extra-fields", Answer),
        ("message-unknown-entity", Answer),
        ("update-id-large", Answer),
        ("command-start", Command),
        ("command-start-deep-link", Command),
        ("command-help", Command),
        ("command-upper-case-at-bot-private", Command),
        ("command-new", Command),
        ("command-image", Picture),
        ("command-image-without-prompt", Command),
        ("command-unknown", Command),
        ("message-photo", Answer),
        ("message-photo-caption", Answer),
        ("message-album-1-of-3", Answer),
        ("message-album-2-of-3", Answer),
        ("message-album-3-of-3", Answer),
        ("message-live-photo", Answer),
        ("message-voice", Notice),
        ("message-audio", Notice),
        ("message-video", Notice),
        ("message-document", Notice),
        ("message-document-over-2-gib", Notice),
        ("message-animation", Notice),
        ("message-sticker", Notice),
        ("message-location", Notice),
        ("message-location-live", Notice),
        ("message-venue", Notice),
        ("message-contact", Notice),
        ("message-poll", Notice),
        ("message-dice", Notice),
        ("message-game", Notice),
        ("message-story", Notice),
        ("message-paid-media", Notice),
        ("message-invoice", Notice),
        ("message-giveaway", Any),
        ("message-rich", Notice),
        ("message-unknown-content", Any),
        ("service-auto-delete-timer", Silent),
        ("service-gift", Silent),
        ("service-pinned-message", Silent),
        ("service-successful-payment", Silent),
        ("service-users-shared", Silent),
        ("service-write-access-allowed", Silent),
    ]),
    ("1002", &[
        ("message-text-emoji", Answer),
        ("message-text-with-effect", Answer),
        ("message-photo-caption-entities", Answer),
        ("message-video-note", Notice),
        ("message-sticker-animated", Notice),
        ("message-checklist", Notice),
    ]),
    ("1002:5501", &[("message-private-topic", Answer)]),
    ("1002:5502", &[("service-forum-topic-created-private", Silent)]),
    ("1003", &[
        ("message-text-right-to-left", Answer),
        ("message-rights-to-left-name", Answer),
        ("message-rich-right-to-left", Notice),
    ]),
    ("4503599627370495", &[("message-text-ids-near-2-52", Answer)]),
    ("-1001234567890", &[
        ("group-chatter", Silent),
        ("group-mention", Answer),
        ("group-mention-after-emoji", Answer),
        ("group-mention-in-code", Silent),
        ("group-mention-of-other-bot", Silent),
        ("group-text-mention", Answer),
        ("group-text-mention-of-person", Silent),
        ("group-reply-to-bot", Answer),
        ("group-reply-to-person", Silent),
        ("group-reply-thread-not-topic", Answer),
        ("group-command-at-bot", Command),
        ("group-command-at-other-bot", Silent),
        ("group-command-bare", Silent),
        ("group-command-image-at-bot", Picture),
        ("group-command-not-ours-bare", Silent),
        ("group-photo", Silent),
        ("group-photo-caption-mention", Answer),
        ("group-sticker", Silent),
        ("group-voice-reply-to-bot", Notice),
        ("group-from-bot", Silent),
        ("group-from-bot-reply-to-bot", Silent),
        ("group-sender-tag", Answer),
        ("group-automatic-forward", Silent),
        ("group-anonymous-admin", Silent),
        ("group-as-channel", Silent),
        ("group-ephemeral-message", Silent),
        ("service-boost-added", Silent),
        ("service-left-chat-member", Silent),
        ("service-new-chat-members", Silent),
        ("service-new-chat-photo", Silent),
        ("service-new-chat-title", Silent),
        ("service-video-chat-started", Silent),
    ]),
    ("-1002233445566", &[("group-forum-general-topic", Answer)]),
    ("-1002233445566:17", &[
        ("group-forum-topic", Answer),
        ("group-forum-topic-chatter", Silent),
        ("group-forum-topic-reply-to-bot", Answer),
    ]),
    ("-1002233445566:23", &[("service-forum-topic-created", Silent), ("service-forum-topic-edited", Silent)]),
    ("-4567890", &[
        ("group-basic-mention", Answer),
        ("service-group-created", Silent),
        ("service-migrate-to-chat", Silent),
    ]),
    ("-1005566778899", &[("service-migrate-from-chat", Silent)]),
    ("-1004455667788", &[("group-channel-direct-messages", Silent)]),
    ("-1004503599627000", &[("ids-negative-near-2-52", Answer)]),
];

/// All other kinds, those of tomorrow included.
const IGNORED: &[&str] = &[
    "business-connection",
    "business-message",
    "callback-query",
    "callback-query-inaccessible-message",
    "channel-post",
    "chat-boost",
    "chat-join-request",
    "chat-member",
    "chosen-inline-result",
    "deleted-business-messages",
    "edited-business-message",
    "edited-channel-post",
    "edited-message",
    "guest-message",
    "inline-query",
    "managed-bot",
    "message-reaction",
    "message-reaction-count",
    "my-chat-member-added",
    "my-chat-member-blocked",
    "no-kind-at-all",
    "poll",
    "poll-answer",
    "pre-checkout-query",
    "purchased-paid-media",
    "removed-chat-boost",
    "shipping-query",
    "stopped-message-generation",
    "subscription",
    "unknown-kind",
    "unknown-kind-scalar",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_has_its_expectation_and_every_expectation_its_file() {
        let files: BTreeSet<String> = std::fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        let expected: BTreeSet<String> = cases().map(|case| case.name.to_owned()).collect();
        assert_eq!(files, expected);
        assert_eq!(cases().count(), expected.len(), "one expectation for each");
    }
}
