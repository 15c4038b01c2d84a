//! Formulas are left as they were written: Markdown would read `\(`, `a_1` or `*` in them as its own.
//! Their punctuation is escaped before parsing; code and HTML are passed over, where an escape would be seen.

use super::markdown::OPTIONS;
use pulldown_cmark::{Event, LinkType, Parser, Tag};
use std::borrow::Cow;
use std::ops::Range;

/// A longer stretch is no formula but prose between two signs that do not belong together. It also bounds the search.
const LONGEST_FORMULA_BYTES: usize = 2000;
/// Within a line, `$…$` is mostly about prices.
const LONGEST_INLINE_BYTES: usize = 300;

pub(super) fn shielded(markdown: &str) -> Cow<'_, str> {
    if !markdown.contains('$') && !markdown.contains("\\(") && !markdown.contains("\\[") {
        return Cow::Borrowed(markdown);
    }
    let mut out = String::with_capacity(markdown.len() + markdown.len() / 8);
    let mut at = 0;
    for verbatim in verbatim(markdown) {
        if verbatim.start < at {
            continue;
        }
        shield(&markdown[at..verbatim.start], &mut out);
        out.push_str(&markdown[verbatim.clone()]);
        at = verbatim.end;
    }
    shield(&markdown[at..], &mut out);
    Cow::Owned(out)
}

/// Where Markdown itself takes nothing as markup.
fn verbatim(markdown: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (event, range) in Parser::new_ext(markdown, OPTIONS).into_offset_iter() {
        match event {
            Event::Code(_) | Event::Html(_) | Event::InlineHtml(_) => ranges.push(range),
            Event::Start(Tag::CodeBlock(_) | Tag::Link { link_type: LinkType::Autolink, .. }) => ranges.push(range),
            _ => {}
        }
    }
    ranges
}

fn shield(prose: &str, out: &mut String) {
    let mut rest = prose;
    let mut before = ' ';
    while let Some(at) = rest.find(['$', '\\']) {
        out.push_str(&rest[..at]);
        before = rest[..at].chars().next_back().unwrap_or(before);
        rest = &rest[at..];
        let taken = formula(rest, before).unwrap_or(0);
        for c in rest[..taken].chars() {
            if c.is_ascii_punctuation() {
                out.push('\\');
            }
            out.push(c);
        }
        // What opens no formula is passed on; with a backslash, so is the character that it escapes.
        let passed = match taken {
            0 if rest.starts_with('\\') => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            0 => rest.bytes().take_while(|&b| b == b'$').count(),
            taken => taken,
        };
        if taken == 0 {
            out.push_str(&rest[..passed]);
        }
        before = rest[..passed].chars().next_back().unwrap_or(before);
        rest = &rest[passed..];
    }
    out.push_str(rest);
}

/// How many bytes of formula `rest` begins with.
fn formula(rest: &str, before: char) -> Option<usize> {
    let inside = |open: usize, close: &str, longest: usize| {
        let text = &rest[open..];
        let window = &text[..text.floor_char_boundary(longest)];
        let end = window.find(close)?;
        let content = &window[..end];
        (!content.is_empty() && !content.contains("\n\n")).then_some((content, open + end + close.len()))
    };
    if rest.starts_with("$$") {
        return inside(2, "$$", LONGEST_FORMULA_BYTES).map(|(_, end)| end);
    }
    if rest.starts_with("\\(") {
        return inside(2, "\\)", LONGEST_FORMULA_BYTES).map(|(_, end)| end);
    }
    if rest.starts_with("\\[") {
        let (content, end) = inside(2, "\\]", LONGEST_FORMULA_BYTES)?;
        // Otherwise brackets that are no link: \[sic\].
        return content.contains(['\\', '^', '_', '{', '=', '+', '<', '>', '\n']).then_some(end);
    }
    if !rest.starts_with('$') || before.is_alphanumeric() {
        return None;
    }
    let (content, end) = inside(1, "$", LONGEST_INLINE_BYTES)?;
    let formula = !content.contains('\n')
        && !content.starts_with(char::is_whitespace)
        && !content.ends_with(|c: char| c.is_whitespace() || c == '\\')
        && content.contains(['\\', '^', '_', '{', '='])
        && !rest[end..].starts_with(char::is_alphanumeric);
    formula.then_some(end)
}
