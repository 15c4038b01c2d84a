//! `logs`: both functions' lines as one readable log, a line each. `aws logs tail` is version 2's alone; this polls.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::place::Place;
use crate::say::{paint, say};
use crate::watch::clock;
use crate::watch::log::{Line, Log};

const POLL: Duration = Duration::from_secs(2);
/// CloudWatch may show a line so much later than the ones after it.
const LATE_MS: u64 = 30_000;

/// # Errors
/// As a call of the AWS CLI.
pub(crate) async fn show(place: &Place, since: Duration, follow: bool) -> Result<()> {
    let stack = place.without_secrets().await?;
    let log = Log::of(place, &stack)?;
    let mut since_ms = clock::now_ms().saturating_sub(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let mut seen = HashSet::new();
    let mut any = false;
    loop {
        let lines = log.read(since_ms, "").await?;
        for line in lines.iter().filter(|line| !seen.contains(&line.id)) {
            if let Some(words) = worded(line) {
                any = true;
                say(&format!("{} {:<7} {words}", clock::time(line.at_ms), line.function.name()));
            }
        }
        if !follow {
            break;
        }
        since_ms =
            lines.iter().map(|line| line.event_ms.saturating_sub(LATE_MS)).chain([since_ms]).max().unwrap_or(since_ms);
        seen = lines.into_iter().filter(|line| line.event_ms >= since_ms).map(|line| line.id).collect();
        tokio::time::sleep(POLL).await;
    }
    if !any {
        say(&format!("Nothing in the last {}.", clock::span(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))));
    }
    Ok(())
}

/// A line in words; nothing for those that say nothing to people.
fn worded(line: &Line) -> Option<String> {
    if let Some(kind) = line.fields["type"].as_str().filter(|kind| kind.starts_with("platform.")) {
        return platform(kind, &line.fields["record"]);
    }
    let Some(message) = line.fields["message"].as_str() else {
        let framing = ["START ", "END ", "REPORT "].iter().any(|word| line.text.starts_with(word));
        return (!framing && !line.text.is_empty()).then(|| printable(&line.text));
    };
    let level = line.fields["level"].as_str().unwrap_or("INFO");
    let colour = match level {
        "ERROR" => "31",
        "WARN" => "33",
        _ => "2",
    };
    let mut words = format!("{} {}", paint(colour, &format!("{level:<5}")), printable(message));
    if let Some(update_id) = line.update_id() {
        words += &format!(" · update {update_id}");
    }
    let left_out = ["timestamp", "level", "message", "span", "update_id", "_aws", "FunctionName"];
    let fields = line.fields.as_object().into_iter().flatten().filter(|(name, _)| !left_out.contains(&name.as_str()));
    for (name, value) in fields {
        words += &format!(" {}", paint("2", &format!("{name}={}", bare(value))));
    }
    Some(words)
}

/// Lambda's own lines: only starts and bad ends are worth reading.
fn platform(kind: &str, record: &Value) -> Option<String> {
    let (metrics, status) = (&record["metrics"], record["status"].as_str().unwrap_or("success"));
    let number = |name: &str| metrics[name].as_f64().unwrap_or_default();
    if kind != "platform.report" || status == "success" && metrics["initDurationMs"].is_null() {
        return None;
    }
    let took =
        format!("{:.0} ms, {} MB of {}", number("durationMs"), number("maxMemoryUsedMB"), number("memorySizeMB"));
    Some(match (status, metrics["initDurationMs"].as_f64()) {
        ("success", start) => {
            format!("{} cold start {:.0} ms, then {took}", paint("2", "INFO "), start.unwrap_or_default())
        }
        (bad, _) => format!("{} the invocation ended with {}: {took}", paint("31", "ERROR"), printable(bad)),
    })
}

/// Without quotes where none are needed. Quoted, nothing in it can steer the terminal.
pub(crate) fn bare(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().all(|c| !c.is_whitespace() && !c.is_control()) => text.clone(),
        other => other.to_string(),
    }
}

/// What comes from elsewhere must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::watch::log::Function;

    fn read(message: &str) -> Option<String> {
        let event = json!({ "timestamp": 1_795_359_845_123_u64, "message": message, "eventId": "1" });
        worded(&Line::read(Function::Worker, &event))
    }

    #[test]
    fn a_line_is_words_with_its_update_and_fields() {
        let line = r#"{"timestamp":"2026-11-22T15:04:05.123456Z","level":"WARN","message":"turn failed","TurnMs":28,
            "Class":"transient","error":"Gemini says 503 ","span":{"update_id":7,"conversation":"0d826af0f88e4bd7"},
            "_aws":{"Timestamp":1795359845123,"CloudWatchMetrics":[]},"FunctionName":"fox-worker"}"#;
        assert_eq!(
            read(line).as_deref(),
            Some(r#"WARN  turn failed · update 7 Class=transient TurnMs=28 error="Gemini says 503 ""#)
        );
    }

    #[test]
    fn of_lambdas_own_lines_only_starts_and_bad_ends_are_shown() {
        let report = |status: &str, init: &str| {
            read(&format!(
                r#"{{"time":"2026-11-22T15:04:05.123Z","type":"platform.report","record":{{"requestId":"1","metrics":{{
                "durationMs":740.4,"billedDurationMs":741,"memorySizeMB":512,"maxMemoryUsedMB":45{init}}},"status":"{status}"}}}}"#
            ))
        };
        assert_eq!(report("success", ""), None);
        let cold = report("success", r#","initDurationMs":44.2"#);
        assert_eq!(cold.as_deref(), Some("INFO  cold start 44 ms, then 740 ms, 45 MB of 512"));
        let timeout = report("timeout", "");
        assert_eq!(timeout.as_deref(), Some("ERROR the invocation ended with timeout: 740 ms, 45 MB of 512"));
        assert_eq!(read(r#"{"time":"2026-11-22T15:04:05.123Z","type":"platform.start","record":{}}"#), None);
    }

    #[test]
    fn what_is_no_json_is_shown_as_it_is_but_steers_no_terminal() {
        assert_eq!(read("out of \u{1b}[31mmemory\n").as_deref(), Some("out of \u{fffd}[31mmemory"));
        assert_eq!(read("START RequestId: 1 Version: $LATEST"), None);
    }
}
