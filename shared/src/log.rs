//! One JSON object a line on stdout, as CloudWatch reads it: `timestamp`, `level`, `message`, the event's fields,
//! and under `span` those of the turn. Ids, lengths and times go in; words and secrets never do.

/// Call once, first thing in `main`.
pub fn init() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    // A panic's own message may quote what people wrote: only where it happened is logged.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a bug: panic");
    }));
}
