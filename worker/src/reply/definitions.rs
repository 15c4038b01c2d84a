//! Link definitions (`[label]: url`) that no link uses. Markdown hides them, yet Gemini lists its sources so.

use pulldown_cmark::{Event, RefDefs, Tag};
use std::collections::HashSet;
use std::ops::Range;

/// Where they stand in the source, the last first.
pub(super) fn unused(source: &str, defined: &RefDefs<'_>, events: &[(Event<'_>, Range<usize>)]) -> Vec<Range<usize>> {
    let used: HashSet<String> = events.iter().filter_map(|(event, _)| label(event)).collect();
    let mut spans: Vec<(Range<usize>, bool)> =
        defined.iter().map(|(label, at)| (at.span.clone(), used.contains(&label.to_lowercase()))).collect();
    spans.sort_by_key(|(span, _)| span.start);
    let again = repeated(source, &spans, events);
    let mut unused: Vec<Range<usize>> = spans.into_iter().filter(|(_, used)| !used).map(|(span, _)| span).collect();
    unused.extend(again);
    unused.sort_by_key(|span| std::cmp::Reverse(span.start));
    unused
}

fn label(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Start(Tag::Link { id, .. } | Tag::Image { id, .. }) => Some(id.to_lowercase()),
        _ => None,
    }
}

/// Definitions of a label that was defined before count for nothing, and the parser does not even tell of them: they
/// are the lines of that form from which no text came.
fn repeated(source: &str, known: &[(Range<usize>, bool)], events: &[(Event<'_>, Range<usize>)]) -> Vec<Range<usize>> {
    let shows =
        |event: &Event<'_>| !matches!(event, Event::Start(_) | Event::End(_) | Event::SoftBreak | Event::HardBreak);
    let shown = events.iter().filter(|(event, _)| shows(event)).map(|(_, range)| range);
    let mut taken = shown.chain(known.iter().map(|(span, _)| span)).collect::<Vec<_>>();
    taken.sort_by_key(|range| range.start);
    let mut taken = taken.into_iter().peekable();
    let mut repeated = Vec::new();
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        while taken.next_if(|range| range.end <= start).is_some() {}
        let free = taken.peek().is_none_or(|range| range.start >= end);
        let written = line.trim_start_matches([' ', '\t', '>', '-', '*', '+']);
        if free && written.starts_with('[') && written.contains("]:") {
            repeated.push(start + line.len() - written.len()..end);
        }
        start += line.len();
    }
    repeated
}
