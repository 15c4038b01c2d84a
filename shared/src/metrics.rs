//! Metrics as fields of the log, in CloudWatch's embedded metric format (EMF): an event's number whose field bears the
//! name of a [`Metric`], as in `info!(Accepted = 1, "queued")`, becomes a metric by itself, since the line then has
//! `_aws` at its top. No call, no client, no waiting.
//!
//! Under LogFormat JSON, Lambda leaves alone what is JSON already and takes `timestamp` and `level` from it; below the
//! function's ApplicationLogLevel it is thrown away, so that must stay at INFO.
//!
//! A name with its dimensions is one custom metric. Ten of an account are free, each further one is $0.30 for a month
//! in which it is sent all the time. A bot without trouble sends eight, nine when it draws; `Ignored`, `Refused` and
//! one `FailedAttempts` for each of seven classes are sent when such a thing happens.

use std::sync::LazyLock;

use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};

pub const NAMESPACE: &str = "Lambdagram";

/// What is measured; the names are CloudWatch's. `test_templates.py` compares them with what the dashboard shows.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub enum Metric {
    /// Updates that the ingress put on the queue.
    Accepted,
    /// Updates of a kind that the bot never answers.
    Ignored,
    /// Requests that are no delivery of Telegram's: wrong secret, no update.
    Refused,
    /// From the ingress to the beginning of the first attempt.
    QueueWaitMs,
    /// From the ingress to the end of an attempt; of a failed one to its next, since nobody is answered before. The
    /// queue's own age of its oldest message leaves out what waits for another attempt.
    WaitMs,
    /// One attempt, whatever came of it.
    TurnMs,
    /// One answer of Gemini's.
    GeminiMs,
    /// Of the model that answers in text. A picture has its price for itself: it counts in `Pictures`.
    PromptTokens,
    /// Likewise, thoughts included, as they are billed.
    OutputTokens,
    /// Answers of the model that draws.
    Pictures,
    /// Messages that an answered turn took.
    Parts,
    /// Attempts that ended in a failure. The failure's class stands beside it, as `Class`.
    FailedAttempts,
}

impl Metric {
    /// The one that a field is named after; no other field begins with a capital.
    pub(crate) fn named(field: &str) -> Option<Self> {
        if !field.starts_with(|first: char| first.is_ascii_uppercase()) {
            return None;
        }
        let name: StrDeserializer<Error> = field.into_deserializer();
        let metric = Self::deserialize(name).ok();
        debug_assert!(metric.is_some(), "there is no metric {field}");
        metric
    }

    fn unit(self) -> &'static str {
        match self {
            Self::QueueWaitMs | Self::WaitMs | Self::TurnMs | Self::GeminiMs => "Milliseconds",
            Self::Accepted
            | Self::Ignored
            | Self::Refused
            | Self::PromptTokens
            | Self::OutputTokens
            | Self::Pictures
            | Self::Parts
            | Self::FailedAttempts => "Count",
        }
    }
}

/// The functions are named after their stack, so this tells several bots apart.
pub(crate) static FUNCTION: LazyLock<String> =
    LazyLock::new(|| std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default());

/// What a line must say under `_aws`, for CloudWatch to make metrics of its values.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Embedded {
    /// In ms since 1970 (UTC).
    timestamp: u64,
    cloud_watch_metrics: Vec<Directive>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    /// Names of the line's own fields.
    dimensions: [&'static [&'static str]; 1],
    metrics: Vec<Definition>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: Metric,
    unit: &'static str,
}

impl Embedded {
    pub(crate) fn of(measured: &[Metric]) -> Self {
        let directive = |dimensions, classed| {
            let metrics = measured.iter().filter(|metric| (**metric == Metric::FailedAttempts) == classed);
            let metrics: Vec<_> = metrics.map(|name| Definition { name: *name, unit: name.unit() }).collect();
            (!metrics.is_empty()).then_some(Directive { namespace: NAMESPACE, dimensions: [dimensions], metrics })
        };
        let directives = [directive(&["FunctionName"], false), directive(&["FunctionName", "Class"], true)];
        Self { timestamp: crate::now_ms(), cloud_watch_metrics: directives.into_iter().flatten().collect() }
    }
}
