//! `trace`: everything about one update across both functions, in words, and how it ended.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use tokio::process::Command;

use crate::place::Place;
use crate::say::{paint, say};
use crate::watch::clock::{self, span};
use crate::watch::log::{Line, Log};
use crate::watch::logs::bare;

/// # Errors
/// When the log has nothing about it; else as a call of the AWS CLI.
pub(crate) async fn show(place: &Place, update: u64, since: Duration) -> Result<()> {
    let stack = place.without_secrets().await?;
    let since_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let pattern = format!("{{ $.update_id = {update} || $.span.update_id = {update} }}");
    let mut lines = Log::of(place, &stack)?.read(clock::now_ms().saturating_sub(since_ms), &pattern).await?;
    // The emulated AWS does not know such patterns and answers with everything.
    lines.retain(|line| line.update_id() == Some(update));
    let Some(first) = lines.first() else {
        bail!(
            "the log has nothing about update {update} in the last {}\n    ▸ make logs and make dlq show ids; \
             what is older than the log's retention is gone",
            span(since_ms)
        )
    };
    say(&format!("Update {update}, {} UTC", clock::day_and_time(first.at_ms)));
    for line in &lines {
        say(&format!("{} {:<7} {}", clock::time(line.at_ms), line.function.name(), worded(line)));
    }
    say("");
    say(&summary(&lines));
    if let Some(last) = ending(&lines)
        && last.fields["last"] == true
    {
        dead_letter(place, update).await;
    }
    Ok(())
}

/// What the dead-letter queue and the conversation's object know of it; `make dlq` finds both.
async fn dead_letter(place: &Place, update: u64) {
    say("\nIn the dead-letter queue (make replay sends it back):");
    let mut dlq = Command::new("deploy/dlq.sh");
    dlq.args(["show", &update.to_string()]).env("STACK", &place.stack).stdin(Stdio::null());
    match dlq.output().await {
        Ok(found) if found.status.success() => say(String::from_utf8_lossy(&found.stdout).trim_end()),
        Ok(missing) if missing.status.code() == Some(3) => {
            say("it is there no more: replayed, dropped, or held just now")
        }
        Ok(refused) => say(String::from_utf8_lossy(&refused.stderr).trim_end()),
        Err(error) => say(&format!("deploy/dlq.sh cannot be run: {error}")),
    }
}

fn worded(line: &Line) -> String {
    let fields = &line.fields;
    let number = |name: &str| fields[name].as_u64().unwrap_or_default();
    let text = |name: &str| bare(&fields[name]);
    let message = fields["message"].as_str().unwrap_or_default();
    match (message, fields["outcome"].as_str()) {
        ("queued", _) => format!("accepted and queued, {} bytes", number("bytes")),
        ("turn begins", _) => {
            format!("attempt {}, {} after it was accepted", number("attempt"), span(number("waited_ms")))
        }
        ("gemini answered", _) => {
            format!("Gemini answered after {}: {} tokens, {}", span(number("GeminiMs")), tokens(line), text("model"))
        }
        (_, Some("answered")) => {
            paint("32", &format!("answered in {} after {}", counted(number("Parts"), "part"), span(number("TurnMs"))))
        }
        (_, Some("silent")) => format!("kept silent on purpose: {}", text("reason")),
        (_, Some("repeated")) => "had been answered before: nothing to do".to_owned(),
        (_, Some("gone")) => format!("nobody is there to read it: {}", text("why")),
        (_, Some("failed")) => {
            let next = match fields["last"] == true {
                true => "the last attempt: on to the dead-letter queue".to_owned(),
                false => format!("seen again in {} s", number("wait_s")),
            };
            let failed =
                format!("failed after {}, {}: {}; {next}", span(number("TurnMs")), text("Class"), text("error"));
            paint("31", &failed)
        }
        _ => {
            let known = ["timestamp", "level", "message", "span", "update_id", "conversation", "_aws", "FunctionName"];
            let others = fields.as_object().into_iter().flatten().filter(|(name, _)| !known.contains(&name.as_str()));
            let others: String = others.map(|(name, value)| format!(" {name}={}", bare(value))).collect();
            format!("{}{others}", bare(&Value::from(message)).trim_matches('"'))
        }
    }
}

/// Of an answer: a picture's are no metric.
fn tokens(line: &Line) -> u64 {
    ["PromptTokens", "OutputTokens", "tokens"].iter().filter_map(|name| line.fields[*name].as_u64()).sum()
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The line that says how its last attempt ended.
fn ending(lines: &[Line]) -> Option<&Line> {
    lines.iter().rev().find(|line| line.fields["outcome"].is_string())
}

fn summary(lines: &[Line]) -> String {
    let sum = |name: &str| -> u64 { lines.iter().filter_map(|line| line.fields[name].as_u64()).sum() };
    let attempts = lines.iter().filter(|line| line.fields["message"] == "turn begins").count();
    let waited = lines.iter().find(|line| line.fields["message"] == "turn begins");
    let waited = waited.and_then(|line| line.fields["waited_ms"].as_u64()).unwrap_or_default();
    let (first, last) = (lines.first(), ending(lines));
    let ended = match last.map(|line| (line, line.fields["last"] == true, line.fields["outcome"].as_str())) {
        None if attempts == 0 => return "Not with the worker yet: make status shows the queue.".to_owned(),
        None => return "Under way, or its worker was killed: then it is seen again after 150 s.".to_owned(),
        Some((_, false, Some("failed"))) => return "Waits on the queue for its next attempt.".to_owned(),
        Some((line, _, outcome)) => {
            let whole = line.at_ms.saturating_sub(first.map_or(line.at_ms, |first| first.at_ms));
            format!("{} after {}", outcome.unwrap_or_default(), span(whole))
        }
    };
    format!(
        "{ended}: {} in the queue, {}, {} of Gemini's time, {}, {}",
        span(waited),
        counted(attempts as u64, "attempt"),
        span(sum("GeminiMs")),
        counted(lines.iter().map(tokens).sum(), "token"),
        counted(sum("Parts"), "part")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::watch::log::Function;

    fn line(function: Function, second: u32, message: Value) -> Line {
        let mut message = message;
        message["timestamp"] = json!(format!("2026-11-22T15:04:{second:02}.000000Z"));
        message["span"] = json!({ "update_id": 7 });
        Line::read(function, &json!({ "message": message.to_string(), "timestamp": 0, "eventId": "1" }))
    }

    fn lines() -> Vec<Line> {
        let failed = json!({ "message": "turn failed", "outcome": "failed", "Class": "transient", "attempt": 1, "TurnMs": 400,
            "last": false, "wait_s": 2, "error": "Gemini says 503 UNAVAILABLE" });
        let asked = json!({ "message": "gemini answered", "model": "m", "GeminiMs": 530, "PromptTokens": 400, "OutputTokens": 31 });
        let ended = json!({ "message": "turn ended", "outcome": "answered", "Parts": 2, "TurnMs": 700 });
        vec![
            line(Function::Ingress, 1, json!({ "message": "queued", "bytes": 321 })),
            line(Function::Worker, 2, json!({ "message": "turn begins", "attempt": 1, "waited_ms": 37 })),
            line(Function::Worker, 3, failed),
            line(Function::Worker, 5, json!({ "message": "turn begins", "attempt": 2, "waited_ms": 4000 })),
            line(Function::Worker, 6, asked),
            line(Function::Worker, 6, ended),
        ]
    }

    #[test]
    fn an_update_is_told_from_the_ingress_to_its_end() {
        let told: Vec<_> = lines().iter().map(worded).collect();
        assert_eq!(
            told,
            [
                "accepted and queued, 321 bytes",
                "attempt 1, 37 ms after it was accepted",
                "failed after 400 ms, transient: \"Gemini says 503 UNAVAILABLE\"; seen again in 2 s",
                "attempt 2, 4.0 s after it was accepted",
                "Gemini answered after 530 ms: 431 tokens, m",
                "answered in 2 parts after 700 ms",
            ]
        );
        let sum = "answered after 5.0 s: 37 ms in the queue, 2 attempts, 530 ms of Gemini's time, 431 tokens, 2 parts";
        assert_eq!(summary(&lines()), sum);
    }

    #[test]
    fn what_has_not_ended_is_said_to_be_where_it_is() {
        let told = |count| summary(&lines()[..count]);
        assert!(told(1).starts_with("Not with the worker yet"));
        assert!(told(2).starts_with("Under way"));
        assert!(told(3).starts_with("Waits on the queue"));
    }
}
