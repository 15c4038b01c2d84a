//! Markup within a line: styles, code and links.

use super::links;
use super::markdown::Reader;
use super::text::{BOLD, ITALIC, STRIKETHROUGH, Solid, State};
use pulldown_cmark::Tag;
use std::ops::Range;

/// How an open piece of inline markup ends.
pub(super) enum Open {
    Style(u8),
    Literal(&'static str),
}

impl Reader<'_> {
    /// A product such as 2*3*4 and a name such as __init__.py are no markup to whoever wrote them; ~ is "about".
    pub(super) fn open_style(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        let written = &self.source[range.clone()];
        let before = self.source[..range.start].bytes().next_back();
        let after = self.source[range.end..].bytes().next();
        let product = written.starts_with('*')
            && before.is_some_and(|b| b.is_ascii_alphanumeric())
            && after.is_some_and(|b| b.is_ascii_alphanumeric());
        let name = written.starts_with("__") && {
            let next = self.source.as_bytes().get(range.end + 1);
            after == Some(b'(') || after == Some(b'.') && next.is_some_and(u8::is_ascii_alphanumeric)
        };
        let (style, marks) = match tag {
            Tag::Emphasis => (ITALIC, product.then_some("*")),
            Tag::Strong => (BOLD, if name { Some("__") } else { product.then_some("**") }),
            _ => (STRIKETHROUGH, (!written.starts_with("~~")).then_some("~")),
        };
        if let Some(marks) = marks {
            self.lines(marks, range.start..range.start);
            return self.open.push(Open::Literal(marks));
        }
        // Only what is not on already can be turned off at its end: bold within a bold heading.
        let style = style & !self.state.styles;
        self.state.styles |= style;
        self.open.push(Open::Style(style));
    }

    pub(super) fn close_style(&mut self, range: Range<usize>) {
        match self.open.pop() {
            Some(Open::Style(style)) => self.state.styles &= !style,
            Some(Open::Literal(marks)) => self.lines(marks, range),
            None => {}
        }
    }

    /// A link within a link, as a picture with a link has it, keeps the outer one; its own address is shown.
    pub(super) fn open_link(&mut self, url: &str, range: &Range<usize>) {
        self.before_text(range);
        let outer = self.state.solid;
        if let Some(url) = links::checked(url).filter(|_| outer == 0) {
            self.state.solid = self.out.add(Solid::Link { url });
        }
        self.links.push((url.to_owned(), self.out.text.len(), outer));
    }

    pub(super) fn close_link(&mut self, range: &Range<usize>) {
        let Some((url, start, outer)) = self.links.pop() else { return };
        // A ring at the link's beginning has become one with the letter before it: no text of the link's own.
        let text = self.out.text.get(start..).unwrap_or_default().trim().to_owned();
        let shown = links::shown(&url);
        if text.is_empty() {
            self.lines(shown, range.clone());
        } else if self.state.solid == outer && text != shown && text != url && !shown.is_empty() {
            self.lines(&format!(" ({shown})"), range.clone());
        }
        self.state.solid = outer;
    }

    /// Code within a link stays a link: an address is information, a typeface is not.
    pub(super) fn inline_code(&mut self, text: &str, range: Range<usize>) {
        self.before_text(&range);
        let state = match self.state.solid {
            0 => State { styles: 0, solid: self.out.add(Solid::Code), ..self.state },
            _ => self.state,
        };
        self.out.push(text, state);
        self.source_end = self.source_end.max(range.end);
    }
}
