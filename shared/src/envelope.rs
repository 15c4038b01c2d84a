//! The queue contract: one message is one update, with what the worker must know before it reads the update.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ConversationKey;

/// The version that is written. The one before it is read as well: for the day of an upgrade, and for old messages
/// in the dead-letter queue. Whoever raises it teaches [`Envelope::open`] the shape that it had.
pub const VERSION: u32 = 1;
const OLDEST: u32 = VERSION - 1;

/// A message's body.
#[derive(Debug, Deserialize, Serialize)]
pub struct Envelope<'a> {
    pub version: u32,
    pub update_id: u64,
    pub conversation: ConversationKey,
    /// When the ingress had it, in ms since 1970 (UTC).
    pub received_at: u64,
    /// Telegram's own JSON, byte for byte.
    #[serde(borrow)]
    pub update: &'a RawValue,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("this worker reads envelopes of version {OLDEST} and {VERSION}, this one has {0}")]
    Version(u32),
    /// Says where, never what: the body holds people's words.
    #[error("not an envelope ({:?} error at column {})", .0.classify(), .0.column())]
    Shape(serde_json::Error),
}

impl<'a> Envelope<'a> {
    /// The body for `SendMessage`. SQS refuses U+FFFE and U+FFFF raw (they are no XML), so these two, which in JSON
    /// can only stand in a string, are escaped.
    pub fn seal(&self) -> String {
        let body = serde_json::to_string(self).unwrap_or_default();
        if body.contains(['\u{fffe}', '\u{ffff}']) {
            return body.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
        }
        body
    }

    /// # Errors
    /// When the body is not an envelope, or one of a version that this code does not read.
    pub fn open(body: &'a str) -> Result<Self, OpenError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(body).map_err(OpenError::Shape)?;
        if !(OLDEST..=VERSION).contains(&version) {
            return Err(OpenError::Version(version));
        }
        serde_json::from_str(body).map_err(OpenError::Shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = r#"{"version":1,"update_id":7,"conversation":"-100:3","received_at":1760000000000,"update":{"update_id":7, "x":"\u0000é"}}"#;

    #[test]
    fn the_golden_envelope_stays_as_it_is() {
        let envelope = Envelope::open(GOLDEN).unwrap();
        assert_eq!(envelope.conversation, ConversationKey { chat_id: -100, thread_id: Some(3) });
        assert_eq!(envelope.update.get(), r#"{"update_id":7, "x":"\u0000é"}"#);
        assert_eq!(envelope.seal(), GOLDEN);
    }

    #[test]
    fn the_version_before_is_read_and_a_future_one_is_not() {
        assert!(Envelope::open(&GOLDEN.replace("\"version\":1", "\"version\":0")).is_ok());
        let error = Envelope::open(&GOLDEN.replace("\"version\":1", "\"version\":2")).unwrap_err();
        assert_eq!(error.to_string(), "this worker reads envelopes of version 0 and 1, this one has 2");
    }

    #[test]
    fn an_error_does_not_quote_the_body() {
        let error = Envelope::open(r#"{"version":1,"update_id":"my secret words"}"#).unwrap_err();
        assert_eq!(error.to_string(), "not an envelope (Data error at column 42)");
    }

    #[test]
    fn characters_that_sqs_refuses_are_escaped() {
        let raw = "\"a\u{fffe}b\u{ffff}\"";
        let update: &RawValue = serde_json::from_str(raw).unwrap();
        let envelope = Envelope {
            version: VERSION,
            update_id: 1,
            conversation: ConversationKey { chat_id: 1, thread_id: None },
            received_at: 0,
            update,
        };
        assert!(envelope.seal().ends_with(r#""update":"a\ufffeb\uffff"}"#));
    }
}
