//! Could a replay of the same message later succeed? This is the one place that decides.

use std::time::Duration;

use crate::conversation;
use crate::{gemini, telegram};

/// A turn that did not end; a later attempt may. The update stays on the queue.
#[derive(Debug)]
pub struct Failure {
    pub class: Class,
    /// How long the service asked to wait, in s.
    pub wait_s: Option<u32>,
    /// For the operator: no secret, no words of people.
    pub error: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Class {
    /// 429 with a wait.
    WaitAsTold,
    Transient,
    /// A send may or may not have arrived.
    UnknownOutcome,
    /// Token, key, model or bucket: the operator must act.
    Configuration,
    /// Somebody else has the update, or wrote the conversation.
    Contended,
    /// An envelope or object that this code cannot read.
    Undecodable,
    /// What nobody has foreseen counts as repeatable.
    Unexpected,
}

impl Class {
    /// As it stands in logs and in the conversation object.
    pub fn name(self) -> &'static str {
        match self {
            Self::WaitAsTold => "wait_as_told",
            Self::Transient => "transient",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Configuration => "configuration",
            Self::Contended => "contended",
            Self::Undecodable => "undecodable",
            Self::Unexpected => "unexpected",
        }
    }
}

impl Failure {
    pub fn new(class: Class, error: impl ToString) -> Self {
        Self { class, wait_s: None, error: error.to_string() }
    }

    /// A wait that may be waited here: a few seconds cost less than another invocation, and people like it.
    pub fn short_wait(&self) -> Option<Duration> {
        const SHORT_S: u32 = 5;
        self.wait_s
            .filter(|wait_s| self.class == Class::WaitAsTold && *wait_s <= SHORT_S)
            .map(|wait_s| Duration::from_secs(wait_s.into()))
    }

    fn waiting(wait_s: u32, error: impl ToString) -> Self {
        Self { class: Class::WaitAsTold, wait_s: Some(wait_s), error: error.to_string() }
    }
}

/// What follows from a refused or failed send.
#[derive(Debug)]
pub enum Verdict {
    Retry(Failure),
    /// The entities are at fault: once more without them.
    Plain,
    /// The quoted message or the topic is gone: once more without either.
    Detached,
    /// The chat has another id now.
    Moved(i64),
    /// Telegram does not take this picture here: words instead.
    NoPicture,
    /// Nobody is there to read it, or this message can never be sent: done.
    Gone(String),
}

/// Judges a failed send. Descriptions are Telegram's, matched by their beginning, as FACTS' table has them.
pub fn judge_send(error: telegram::Error) -> Verdict {
    let telegram::Error::Refused { code, description, retry_after_s, migrate_to } = &error else {
        return Verdict::Retry(match error {
            telegram::Error::NotSent(_) => Failure::new(Class::Transient, error),
            _ => Failure::new(Class::UnknownOutcome, error),
        });
    };
    if let Some(chat_id) = migrate_to {
        return Verdict::Moved(*chat_id);
    }
    let says = |words: &str| description.to_ascii_lowercase().contains(words);
    match code {
        429 => Verdict::Retry(Failure::waiting(retry_after_s.unwrap_or(1), &error)),
        401 | 404 => Verdict::Retry(Failure::new(Class::Configuration, &error)),
        403 => Verdict::Gone(error.to_string()),
        413 => Verdict::NoPicture,
        400 if says("entit") => Verdict::Plain,
        400 if says("thread not found") || says("replied not found") => Verdict::Detached,
        400 if says("photo") => Verdict::NoPicture,
        // Some refusals of a chat come in capitals, and then as 400.
        400 if GONE.iter().any(|words| says(words)) => Verdict::Gone(error.to_string()),
        500..=599 => Verdict::Retry(Failure::new(Class::Transient, &error)),
        _ => Verdict::Retry(Failure::new(Class::Unexpected, &error)),
    }
}

/// The chat takes nothing from this bot any more.
const GONE: [&str; 11] = [
    "chat not found",
    "deactivated",
    "not enough rights",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_restricted",
    "chat_send_plain_forbidden",
    "chat_admin_required",
    "user_banned_in_channel",
    "peer_id_invalid",
    "topic_",
];

/// Why a file cannot be read: for the user, or for another attempt.
pub fn judge_download(error: telegram::Error) -> Result<&'static str, Failure> {
    const TOO_BIG: &str = "That file is larger than 20 MB, the most that Telegram lets a bot download.";
    match &error {
        telegram::Error::FileTooBig => Ok(TOO_BIG),
        telegram::Error::Refused { code: 400, description, .. } if description.contains("too big") => Ok(TOO_BIG),
        telegram::Error::Refused { code: 400 | 404, .. } => {
            Ok("Telegram no longer has that file. Please send it again.")
        }
        telegram::Error::NotSent(_) | telegram::Error::Unknown(_) | telegram::Error::Garbled => {
            Err(Failure::new(Class::Transient, error))
        }
        telegram::Error::Refused { .. } => Err(judge_call(error)),
    }
}

/// A call without an effect, such as `getMe`, failed: nothing is unknown, it can be repeated.
pub fn judge_call(error: telegram::Error) -> Failure {
    match judge_send(error) {
        Verdict::Retry(failure) if failure.class == Class::UnknownOutcome => {
            Failure { class: Class::Transient, ..failure }
        }
        Verdict::Retry(failure) => failure,
        Verdict::Gone(error) => Failure::new(Class::Unexpected, error),
        _ => Failure::new(Class::Unexpected, "Telegram's answer does not fit the call"),
    }
}

impl From<gemini::Error> for Failure {
    fn from(error: gemini::Error) -> Self {
        let gemini::Error::Refused { code, status, reason, retry_delay_s, .. } = &error else {
            return Self::new(Class::Transient, error);
        };
        match (code, retry_delay_s) {
            (429, Some(wait_s)) => Self::waiting(*wait_s, &error),
            (408 | 429 | 499 | 500..=599, _) => Self::new(Class::Transient, error),
            (401 | 403 | 404, _) => Self::new(Class::Configuration, error),
            (400, _) if reason.as_deref() == Some("API_KEY_INVALID") || status == "FAILED_PRECONDITION" => {
                Self::new(Class::Configuration, error)
            }
            _ => Self::new(Class::Unexpected, error),
        }
    }
}

impl From<conversation::Error> for Failure {
    fn from(error: conversation::Error) -> Self {
        let class = match &error {
            conversation::Error::Lost => Class::Contended,
            conversation::Error::Bucket(_) => Class::Transient,
            conversation::Error::Closed(_) => Class::Configuration,
            conversation::Error::Newer(_) => Class::Undecodable,
        };
        Self::new(class, error)
    }
}

/// When the message shall be seen again, in s.
///
/// What waiting may mend is waited for: as the service asked, else 2, 4, 8 … up to 120, each with up to a half more,
/// so that what failed together does not come back together. What only an operator can mend goes through its attempts
/// quickly, since those behind it wait as well.
pub fn wait_s(failure: &Failure, attempt: u32, jitter: f64) -> u32 {
    /// SQS keeps a message invisible for at most 12 hours after its receipt.
    const MAX_WAIT_S: u32 = 11 * 3600;
    match (failure.wait_s, failure.class) {
        // A second more: services count from their own clock.
        (Some(wait_s), _) => wait_s.saturating_add(1).min(MAX_WAIT_S),
        (None, Class::Configuration | Class::Undecodable | Class::Unexpected | Class::UnknownOutcome) => 2,
        (None, Class::WaitAsTold | Class::Transient | Class::Contended) => {
            let backoff = 2_u32.saturating_pow(attempt.clamp(1, 8)).min(120);
            (f64::from(backoff) * (1.0 + jitter / 2.0)) as u32
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16, description: &str) -> telegram::Error {
        telegram::Error::Refused { code, description: description.into(), retry_after_s: Some(300), migrate_to: None }
    }

    #[test]
    fn a_refused_send_is_judged_by_what_telegram_says() {
        let class = |error| match judge_send(error) {
            Verdict::Retry(failure) => failure.class.name(),
            Verdict::Plain => "plain",
            Verdict::Detached => "detached",
            Verdict::Moved(_) => "moved",
            Verdict::NoPicture => "no picture",
            Verdict::Gone(_) => "gone",
        };
        for (code, description, expected) in [
            (429, "Too Many Requests: retry after 300", "wait_as_told"),
            (500, "Internal Server Error", "transient"),
            (502, "no description", "transient"),
            (401, "Unauthorized", "configuration"),
            (403, "Forbidden: bot was blocked by the user", "gone"),
            (403, "Forbidden: user is deactivated", "gone"),
            (400, "Bad Request: chat not found", "gone"),
            (400, "Bad Request: Can't parse MessageEntity: unknown type", "plain"),
            (400, "Bad Request: can't parse entities: x", "plain"),
            (400, "Bad Request: entity URL 'x' is invalid", "plain"),
            (400, "Bad Request: message thread not found", "detached"),
            (400, "Bad Request: message to be replied not found", "detached"),
            (400, "Bad Request: PHOTO_INVALID_DIMENSIONS", "no picture"),
            (400, "Bad Request: not enough rights to send photos to the chat", "no picture"),
            (400, "Bad Request: not enough rights to send text messages to the chat", "gone"),
            (400, "Bad Request: TOPIC_CLOSED", "gone"),
            (413, "Request Entity Too Large", "no picture"),
            (400, "Bad Request: something new", "unexpected"),
        ] {
            assert_eq!(class(refused(code, description)), expected, "{description}");
        }
        assert_eq!(class(telegram::Error::Garbled), "unknown_outcome");
    }

    #[test]
    fn a_wait_is_what_the_service_asked_for_else_it_doubles_with_jitter() {
        let Verdict::Retry(told) = judge_send(refused(429, "retry after 300")) else { panic!() };
        assert_eq!(wait_s(&told, 1, 0.5), 301);
        let transient = Failure::new(Class::Transient, "x");
        let waits = [1, 2, 3, 4, 20].map(|attempt| wait_s(&transient, attempt, 0.0));
        assert_eq!(waits, [2, 4, 8, 16, 120]);
        assert_eq!(wait_s(&transient, 2, 1.0), 6);
    }

    #[test]
    fn what_waiting_cannot_mend_is_tried_again_soon() {
        for class in [Class::Configuration, Class::Undecodable, Class::Unexpected] {
            assert_eq!(wait_s(&Failure::new(class, "x"), 4, 0.5), 2);
        }
    }
}
