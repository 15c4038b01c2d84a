//! One JSON object a line on stdout, as CloudWatch reads it: `timestamp`, `level`, `message`, the event's fields, under
//! `span` those of the turn, and what makes metrics of its values (see `metrics`). Ids, lengths and times go in; words
//! and secrets never do.

use std::fmt::Debug;
use std::io::Write;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::metrics::{self, Embedded, Metric};

/// Call once, first thing in `main`.
pub fn init() {
    // Whole, in one piece. A line that cannot be written is no failure.
    let lines = Lines(|line: &[u8]| drop(std::io::stdout().lock().write_all(line)));
    tracing_subscriber::registry().with(LevelFilter::INFO).with(lines).init();
    // A panic's own message may quote what people wrote: only where it happened is logged.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a bug: panic");
    }));
}

/// Makes a line of each event, and hands it over.
struct Lines<F>(F);

impl<S, F> Layer<S> for Lines<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: Fn(&[u8]) + 'static,
{
    /// A span's fields are those that it begins with.
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Object::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Object::default();
        line.set("timestamp", &now());
        line.set("level", event.metadata().level().as_str());
        event.record(&mut line);
        if let Some(span) = context.event_span(event)
            && let Some(fields) = span.extensions().get::<Object>().filter(|fields| !fields.text.is_empty())
        {
            line.name("span");
            line.text.extend_from_slice(&fields.text);
            line.text.push(b'}');
        }
        if !line.measured.is_empty() {
            line.set("_aws", &Embedded::of(&line.measured));
            line.set("FunctionName", metrics::FUNCTION.as_str());
        }
        line.text.extend_from_slice(b"}\n");
        (self.0)(&line.text);
    }
}

/// A JSON object as it grows, without its closing brace.
#[derive(Default)]
struct Object {
    text: Vec<u8>,
    /// Which of its fields are metrics.
    measured: Vec<Metric>,
}

impl Object {
    fn set(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        self.push(value);
    }

    fn name(&mut self, name: &str) {
        self.text.push(if self.text.is_empty() { b'{' } else { b',' });
        self.push(name);
        self.text.push(b':');
    }

    /// Writing into memory does not fail.
    fn push(&mut self, value: &(impl Serialize + ?Sized)) {
        let _ = serde_json::to_writer(&mut self.text, value);
    }

    fn number(&mut self, field: &Field, value: impl Serialize) {
        self.measured.extend(Metric::named(field.name()));
        self.set(field.name(), &value);
    }
}

/// `None` is left out by `tracing` itself.
impl Visit for Object {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field.name(), &format_args!("{value:?}"));
    }
}

fn now() -> String {
    let mut now = String::new();
    // Writing into a string does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut now));
    now
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing::{error, info, info_span};

    use super::*;

    /// The one line that is written meanwhile, without its time.
    fn line(logged: impl FnOnce()) -> Value {
        let text = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&text);
        let lines = Lines(move |line: &[u8]| into.lock().unwrap().extend_from_slice(line));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), logged);
        let text = String::from_utf8(text.lock().unwrap().clone()).unwrap();
        assert_eq!(text.find('\n'), Some(text.len() - 1), "one line: {text}");
        let mut line: Value = serde_json::from_str(&text).unwrap();
        let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
        line
    }

    #[test]
    fn a_line_has_the_events_fields_and_those_of_its_turn() {
        let words = "a \"quoted\"\nword";
        let told = || {
            let _outer = info_span!("invocation", id = "1").entered();
            let _turn = info_span!("turn", update_id = 7, conversation = "0d82").entered();
            error!(last = true, wait_s = -2, error = words, problem = %words, none = None::<u64>, "turn {}", "failed");
        };
        assert_eq!(
            line(told),
            json!({
                "level": "ERROR", "message": "turn failed", "last": true, "wait_s": -2, "error": words, "problem": words,
                "span": { "update_id": 7, "conversation": "0d82" },
            })
        );
        assert_eq!(line(|| info!("alone")), json!({ "level": "INFO", "message": "alone" }));
    }

    #[test]
    fn a_line_with_measured_values_is_what_cloudwatch_reads_metrics_from() {
        let mut line = line(|| info!(outcome = "answered", TurnMs = 740_u64, WaitMs = None::<u64>, Parts = 2, "ended"));
        let at_ms = line["_aws"]["Timestamp"].take();
        assert!(at_ms.as_u64().unwrap() > 1_790_000_000_000, "in ms");
        let metrics = json!([{ "Name": "TurnMs", "Unit": "Milliseconds" }, { "Name": "Parts", "Unit": "Count" }]);
        assert_eq!(
            line,
            json!({
                "level": "INFO", "message": "ended", "outcome": "answered", "TurnMs": 740, "Parts": 2,
                "FunctionName": "",
                "_aws": { "Timestamp": null, "CloudWatchMetrics": [
                    { "Namespace": "Lambdagram", "Dimensions": [["FunctionName"]], "Metrics": metrics }
                ] },
            })
        );
    }

    #[test]
    fn a_failed_attempt_has_its_class_as_a_dimension_and_the_rest_of_its_line_has_not() {
        let line = line(|| error!(Class = "transient", TurnMs = 400, FailedAttempts = 1, "turn failed"));
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap().iter();
        let directives: Vec<_> = directives.map(|one| (&one["Dimensions"][0], &one["Metrics"][0]["Name"])).collect();
        let by_class = (&json!(["FunctionName", "Class"]), &json!("FailedAttempts"));
        assert_eq!(directives, [(&json!(["FunctionName"]), &json!("TurnMs")), by_class]);
        assert_eq!((&line["Class"], &line["FailedAttempts"]), (&json!("transient"), &json!(1)));
    }

    #[test]
    #[should_panic(expected = "there is no metric TurnMS")]
    fn a_misspelt_metric_is_found_by_any_test_that_logs_it() {
        line(|| info!(TurnMS = 1, "turn ended"));
    }
}
