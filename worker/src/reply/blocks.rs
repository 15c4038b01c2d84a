//! Blocks of Markdown: where lines begin, how far they are indented, and how much room is between them.

use super::markdown::Reader;
use super::text::State;
use std::ops::Range;

/// Items deeper than that are not indented further: a phone's line is short, and the text must not outgrow its source.
const MOST_INDENT: usize = 16;

impl Reader<'_> {
    pub(super) fn begin_block(&mut self, range: &Range<usize>) {
        self.show_definitions(range.start);
        self.block = true;
        self.block_start.get_or_insert(range.start);
    }

    pub(super) fn show_definitions(&mut self, before: usize) {
        while let Some(span) = self.definitions.pop_if(|span| span.start < before) {
            self.block = true;
            self.block_start = None;
            let definition = self.source[span.clone()].trim_end();
            self.lines(definition, span.start..span.start + definition.len());
            self.block = true;
        }
    }

    pub(super) fn open_item(&mut self, range: &Range<usize>) {
        self.flush_marker_line();
        let written = self.source[range.clone()].trim_start();
        let digits = written.bytes().take_while(u8::is_ascii_digit).count();
        let marker = match written.get(..digits + 1) {
            Some(number) if digits > 0 => format!("{number} "),
            _ => "• ".to_owned(),
        };
        let outer = self.indents.last().copied().unwrap_or(0);
        self.indents.push(MOST_INDENT.min(outer + marker.chars().count()));
        self.marker = Some(marker);
    }

    /// A footnote is shown where it stands, as an item whose bullet is its label.
    pub(super) fn open_note(&mut self, label: &str) {
        self.flush_marker_line();
        self.indents.push(self.indents.last().copied().unwrap_or(0));
        self.marker = Some(format!("[^{label}]: "));
    }

    pub(super) fn check(&mut self, done: bool) {
        let box_ = if done { "☑ " } else { "☐ " };
        match &mut self.marker {
            Some(marker) if marker.starts_with('•') => *marker = box_.to_owned(),
            Some(marker) => marker.push_str(box_),
            None => {}
        }
    }

    /// A list or code that is the first thing in an item stands below its bullet.
    pub(super) fn flush_marker_line(&mut self) {
        if self.marker.is_some() {
            let at = self.block_start.unwrap_or(self.source_end);
            self.flush_marker(at);
            self.block = true;
        }
    }

    pub(super) fn flush_marker(&mut self, at: usize) {
        let Some(marker) = self.marker.take() else { return };
        self.break_line(at);
        // The item's own text is indented from here on; its bullet stands further left.
        let outer = self.indents.len().checked_sub(2).map_or(0, |at| self.indents[at]);
        let indent = outer.saturating_sub(self.indent_base);
        let state = State { styles: 0, solid: 0, quote: self.state.quote };
        if self.at_line_start() {
            let quiet = if self.quote_before() == state.quote { state } else { State::default() };
            self.out.push(&" ".repeat(indent), quiet);
        }
        self.out.push(&marker, state);
        self.source_end = self.source_end.max(at);
    }

    pub(super) fn open_quote(&mut self) {
        self.quote_depth += 1;
        if self.quote_depth == 1 {
            self.flush_marker_line();
            self.quotes += 1;
            self.state.quote = self.quotes;
            self.indent_base = self.indents.last().copied().unwrap_or(0);
        }
    }

    pub(super) fn close_quote(&mut self) {
        self.quote_depth -= 1;
        if self.quote_depth == 0 {
            self.state.quote = 0;
            self.indent_base = 0;
        }
    }

    /// Prose: each line is indented as its list item is.
    pub(super) fn lines(&mut self, words: &str, range: Range<usize>) {
        for line in words.split_inclusive('\n') {
            self.before_text(&range);
            self.out.push(line, self.state);
        }
        self.source_end = self.source_end.max(range.end);
    }

    pub(super) fn code(&mut self, text: &str, range: Range<usize>) {
        self.break_line(range.start);
        self.out.push(text, self.state);
        self.source_end = self.source_end.max(range.end);
    }

    pub(super) fn before_text(&mut self, range: &Range<usize>) {
        if self.marker.is_some() {
            self.flush_marker(self.block_start.unwrap_or(range.start));
            return;
        }
        self.break_line(range.start);
        if self.at_line_start() && self.table.is_none() {
            let indent = self.indents.last().copied().unwrap_or(0).saturating_sub(self.indent_base);
            let quote = if self.quote_before() == self.state.quote { self.state.quote } else { 0 };
            self.out.push(&" ".repeat(indent), State { styles: 0, solid: 0, quote });
        }
    }

    pub(super) fn at_line_start(&self) -> bool {
        self.out.text.is_empty() || self.out.text.ends_with('\n')
    }

    pub(super) fn quote_before(&self) -> u32 {
        self.out.runs.last().map_or(0, |run| run.state.quote)
    }

    /// Between blocks: a new line, and an empty one where Gemini left one.
    pub(super) fn break_line(&mut self, at: usize) {
        if !std::mem::take(&mut self.block) {
            return;
        }
        let at = self.block_start.take().unwrap_or(at);
        if self.out.text.is_empty() {
            return;
        }
        let wanted = if self.has_blank_line(at) { 2 } else { 1 };
        let there = self.out.text.len() - self.out.text.trim_end_matches('\n').len();
        let quote = if self.quote_before() == self.state.quote { self.state.quote } else { 0 };
        let state = State { styles: 0, solid: 0, quote };
        self.out.push(&"\n".repeat(wanted.max(there) - there), state);
    }

    pub(super) fn has_blank_line(&self, at: usize) -> bool {
        let Some(between) = self.source.get(self.source_end..at) else { return false };
        let mut lines = between.split('\n');
        let last_line_ended = self.source[..self.source_end].ends_with('\n');
        if !last_line_ended {
            lines.next();
        }
        lines.next_back();
        lines.any(|line| line.trim_matches(|c: char| c.is_whitespace() || c == '>').is_empty())
    }
}
