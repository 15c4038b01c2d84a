//! Telegram's `MessageEntity`, and how the runs of one part become entities that Telegram keeps as they are.

use super::text::{BOLD, ITALIC, Run, STRIKETHROUGH, Solid, State, Text};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Telegram drops what is beyond, without an error: first code, links and quotes are counted, then styles.
pub(super) const MOST_ENTITIES: usize = 100;

/// `MessageEntity`, exactly as the Bot API has it; offset and length in UTF-16 units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    #[serde(rename = "type")]
    pub kind: Kind,
    pub offset: u32,
    pub length: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// The entities that Markdown has a notation for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Blockquote,
    Pre,
    Code,
    TextLink,
    Bold,
    Italic,
    Strikethrough,
}

const STYLES: [(u8, Kind); 3] = [(BOLD, Kind::Bold), (ITALIC, Kind::Italic), (STRIKETHROUGH, Kind::Strikethrough)];

/// How many entities at most a run costs after `before`. Telegram splits a style where something else begins or ends
/// within it, so a style is counted in every run.
pub(super) fn cost(before: State, state: State) -> usize {
    let begins = |id: u32, previous: u32| usize::from(id != 0 && id != previous);
    state.styles.count_ones() as usize + begins(state.quote, before.quote) + begins(state.solid, before.solid)
}

/// The entities of the bytes `part` of `text`, in Telegram's order. `runs` are those that touch the part.
pub(super) fn of(text: &Text, runs: &[Run], part: Range<usize>) -> Vec<Entity> {
    let units = Units::new(&text.text, part.clone());
    let mut entities = Vec::new();
    let mut add = |kind, solid: Option<&Solid>, bytes: Range<usize>| {
        let bytes = trimmed(&text.text, kind, bytes);
        let (offset, end) = (units.at(bytes.start), units.at(bytes.end));
        if offset == end {
            return;
        }
        let (url, language) = match solid {
            Some(Solid::Link { url }) => (Some(url.clone()), None),
            Some(Solid::Pre { language }) => (None, language.clone()),
            Some(Solid::Code) | None => (None, None),
        };
        entities.push(Entity { kind, offset, length: end - offset, url, language });
    };
    for (_, bytes) in spans(runs, &part, |state| state.quote) {
        add(Kind::Blockquote, None, bytes);
    }
    for (state, bytes) in spans(runs, &part, |state| state.solid) {
        let Some(solid) = text.solid(state) else { continue };
        let kind = match solid {
            Solid::Code => Kind::Code,
            Solid::Pre { .. } => Kind::Pre,
            Solid::Link { .. } => Kind::TextLink,
        };
        add(kind, Some(solid), bytes);
    }
    for (bit, kind) in STYLES {
        for (_, bytes) in spans(runs, &part, |state| u32::from(state.styles & bit)) {
            add(kind, None, bytes);
        }
    }
    entities.sort_by_key(|entity| (entity.offset, std::cmp::Reverse(entity.length), entity.kind));
    entities
}

/// The stretches of the part over which `id` stays the same and is not 0.
fn spans(runs: &[Run], part: &Range<usize>, id: impl Fn(State) -> u32) -> Vec<(State, Range<usize>)> {
    let mut spans: Vec<(State, Range<usize>)> = Vec::new();
    let mut start = part.start;
    for run in runs {
        let end = run.end.min(part.end);
        if start >= end {
            continue;
        }
        match spans.last_mut() {
            Some((state, bytes)) if bytes.end == start && id(*state) == id(run.state) => bytes.end = end,
            _ => spans.push((run.state, start..end)),
        }
        start = end;
    }
    spans.retain(|(state, _)| id(*state) != 0);
    spans
}

/// Without the blanks at its edges, which nobody sees and which apps treat each in its way. Code keeps its own, but for
/// the line breaks around a block; blanks alone are no entity.
fn trimmed(text: &str, kind: Kind, bytes: Range<usize>) -> Range<usize> {
    let words = &text[bytes.clone()];
    if words.trim().is_empty() {
        return bytes.start..bytes.start;
    }
    let (front, back) = match kind {
        // A quote ends where the code at its end does: across a quote's edge Telegram would drop the code.
        Kind::Code | Kind::Pre | Kind::Blockquote => (words.trim_start_matches('\n'), words.trim_end_matches('\n')),
        Kind::TextLink | Kind::Bold | Kind::Italic | Kind::Strikethrough => (words.trim_start(), words.trim_end()),
    };
    bytes.end - front.len()..bytes.start + back.len()
}

/// UTF-16 offsets of the bytes of a part.
struct Units {
    start: usize,
    at: Vec<u32>,
}

impl Units {
    fn new(text: &str, part: Range<usize>) -> Units {
        let mut at = Vec::with_capacity(part.len() + 1);
        let mut units = 0;
        for c in text[part.clone()].chars() {
            at.extend(std::iter::repeat_n(units, c.len_utf8()));
            units += c.len_utf16() as u32;
        }
        at.push(units);
        Units { start: part.start, at }
    }

    fn at(&self, byte: usize) -> u32 {
        self.at[byte - self.start]
    }
}
