//! Metrics as lines of the log, in CloudWatch's embedded metric format (EMF): a line of JSON with `_aws` at its top
//! becomes metrics by itself. No call, no client, no waiting.
//!
//! Under LogFormat JSON, Lambda leaves alone what is JSON already and takes `timestamp` and `level` from it; below the
//! function's ApplicationLogLevel it is thrown away, so that must stay at INFO. `tracing` cannot write such a line:
//! it has no place for `_aws`.
//!
//! A name with its dimensions is one custom metric. Ten of an account are free, each further one is $0.30 for a month
//! in which it is sent all the time. A bot without trouble sends eight, nine when it draws; `Ignored`, `Refused` and
//! one `FailedAttempts` for each of seven classes are sent when such a thing happens.

use std::io::Write;
use std::sync::LazyLock;

use serde::{Serialize, Serializer};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

pub const NAMESPACE: &str = "Lambdagram";

/// What is measured; the names are CloudWatch's. `test_templates.py` compares them with what the dashboard shows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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
    /// Attempts that ended in a failure, each with its `Class`.
    FailedAttempts,
}

impl Metric {
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

/// Writes one line with these values, under the function's name.
pub fn emit(values: &[(Metric, u64)]) {
    write(&line(None, values));
}

/// A failed attempt, under the function's name and the failure's class.
pub fn emit_failed(class: &str) {
    write(&line(Some(class), &[(Metric::FailedAttempts, 1)]));
}

/// Whole, in one piece: the log's own lines go to the same stream. A line that cannot be written is no failure.
fn write(line: &[u8]) {
    drop(std::io::stdout().lock().write_all(line));
}

fn line(class: Option<&str>, values: &[(Metric, u64)]) -> Vec<u8> {
    /// The template names the functions after their stack, so this tells several bots apart.
    static FUNCTION: LazyLock<String> = LazyLock::new(|| std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default());
    let mut timestamp = String::new();
    // Writing into a string does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
    let dimensions: &[&str] = if class.is_some() { &["FunctionName", "Class"] } else { &["FunctionName"] };
    let directive = Directive { namespace: NAMESPACE, dimensions: [dimensions], metrics: Definitions(values) };
    let line = Line {
        timestamp: &timestamp,
        level: "INFO",
        embedded: Embedded { timestamp: crate::now_ms(), directives: [directive] },
        function: &FUNCTION,
        class,
        values: Values(values),
    };
    let mut line = serde_json::to_vec(&line).unwrap_or_default();
    line.push(b'\n');
    line
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: &'a str,
    level: &'static str,
    #[serde(rename = "_aws")]
    embedded: Embedded<'a>,
    #[serde(rename = "FunctionName")]
    function: &'a str,
    #[serde(rename = "Class", skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(flatten)]
    values: Values<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Embedded<'a> {
    /// In ms since 1970 (UTC).
    timestamp: u64,
    #[serde(rename = "CloudWatchMetrics")]
    directives: [Directive<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'static str,
    dimensions: [&'a [&'a str]; 1],
    metrics: Definitions<'a>,
}

struct Definitions<'a>(&'a [(Metric, u64)]);

impl Serialize for Definitions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Definition {
            name: Metric,
            unit: &'static str,
        }
        serializer.collect_seq(self.0.iter().map(|(name, _)| Definition { name: *name, unit: name.unit() }))
    }
}

struct Values<'a>(&'a [(Metric, u64)]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(class: Option<&str>, values: &[(Metric, u64)]) -> Value {
        let line = String::from_utf8(line(class, values)).unwrap();
        assert_eq!(line.find('\n'), Some(line.len() - 1), "one line");
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_line_is_what_cloudwatch_reads_metrics_from() {
        let mut line = read(None, &[(Metric::TurnMs, 740), (Metric::Parts, 2)]);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        line["timestamp"].take();
        assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_790_000_000_000, "in ms");
        line["_aws"]["Timestamp"].take();
        let metrics = json!([{ "Name": "TurnMs", "Unit": "Milliseconds" }, { "Name": "Parts", "Unit": "Count" }]);
        assert_eq!(
            line,
            json!({
                "timestamp": null,
                "level": "INFO",
                "_aws": { "Timestamp": null, "CloudWatchMetrics": [
                    { "Namespace": "Lambdagram", "Dimensions": [["FunctionName"]], "Metrics": metrics }
                ] },
                "FunctionName": "",
                "TurnMs": 740,
                "Parts": 2,
            })
        );
    }

    #[test]
    fn a_failed_attempt_has_its_class_as_a_dimension() {
        let line = read(Some("transient"), &[(Metric::FailedAttempts, 1)]);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["FunctionName", "Class"]]));
        assert_eq!((&line["Class"], &line["FailedAttempts"]), (&json!("transient"), &json!(1)));
    }
}
