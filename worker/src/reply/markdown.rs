//! Reads GitHub's Markdown, as Gemini writes it, into text with its formatting. Every word appears in the text: what
//! Telegram has no notation for is shown as written, never left out.

use super::links;
use super::table::Table;
use super::text::{BOLD, ITALIC, STRIKETHROUGH, Solid, State, Text};
use super::{definitions, latex};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::ops::Range;

pub(super) const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_FOOTNOTES);

/// What a horizontal rule becomes.
const RULE: &str = "———";

pub(super) fn read(markdown: &str) -> Text {
    let markdown = markdown.replace("\r\n", "\n").replace('\0', " ");
    let source = latex::shielded(&markdown);
    let mut parser = Parser::new_ext(&source, OPTIONS).into_offset_iter();
    let events: Vec<(Event<'_>, Range<usize>)> = parser.by_ref().collect();
    let definitions = definitions::unused(&source, parser.reference_definitions(), &events);
    let mut reader = Reader::new(&source, definitions);
    for (event, range) in events {
        reader.take(event, range);
    }
    reader.show_definitions(source.len());
    reader.out
}

struct Reader<'a> {
    source: &'a str,
    /// Link definitions that no link uses, last first: Markdown would hide them, and with them Gemini's words.
    definitions: Vec<Range<usize>>,
    out: Text,
    state: State,
    /// Open inline markup, innermost last.
    open: Vec<Open>,
    /// Open links and images: where they lead, and where their text begins.
    links: Vec<(String, usize, u32)>,
    /// Open list items: how far their lines are indented.
    indents: Vec<usize>,
    quotes: u32,
    quote_depth: u32,
    /// What is indented by items around a quote or a table is not indented again within it.
    indent_base: usize,
    /// The bullet of an item that has no text yet, and where the item begins in the source.
    marker: Option<String>,
    /// A block ended or began since the last text; where the next one begins, if that is known.
    block: bool,
    block_start: Option<usize>,
    source_end: usize,
    table: Option<Table>,
}

/// How an open piece of inline markup ends.
enum Open {
    Style(u8),
    Literal(&'static str),
}

impl<'a> Reader<'a> {
    fn new(source: &'a str, definitions: Vec<Range<usize>>) -> Reader<'a> {
        Reader {
            source,
            definitions,
            out: Text::default(),
            state: State::default(),
            open: Vec::new(),
            links: Vec::new(),
            indents: Vec::new(),
            quotes: 0,
            quote_depth: 0,
            indent_base: 0,
            marker: None,
            block: false,
            block_start: None,
            source_end: 0,
            table: None,
        }
    }

    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) if self.state.solid != 0 && self.out.is_mono(self.state) => self.code(&text, range),
            Event::Text(text) => self.lines(&text, range),
            Event::Code(text) => self.inline_code(&text, range),
            Event::Html(html) => self.lines(&html, range),
            // In a table's cell Markdown has no other line break.
            Event::InlineHtml(tag) if self.table.is_some() && is_break(&tag) => self.lines("\n", range),
            Event::InlineHtml(html) => self.lines(&html, range),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.lines(&text, range),
            Event::FootnoteReference(label) => self.lines(&format!("[^{label}]"), range),
            Event::SoftBreak | Event::HardBreak => self.lines("\n", range),
            Event::Rule => {
                self.begin_block(&range);
                self.lines(RULE, range);
                self.block = true;
            }
            Event::TaskListMarker(done) => self.check(done),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough => return self.open_style(&tag, range),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => return self.open_link(&dest_url, &range),
            Tag::TableHead | Tag::TableRow | Tag::TableCell => return self.open_cell(&tag),
            _ => self.begin_block(&range),
        }
        match tag {
            Tag::Heading { .. } => self.state.styles |= BOLD,
            Tag::BlockQuote(_) => self.open_quote(),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => language(&info),
                    CodeBlockKind::Indented => None,
                };
                self.flush_marker_line();
                self.state.solid = self.out.add(Solid::Pre { language });
            }
            Tag::Item => self.open_item(&range),
            Tag::Table(alignments) => {
                self.flush_marker_line();
                self.table = Some(Table::new(alignments, range.start, self.source_end));
            }
            Tag::FootnoteDefinition(label) => self.lines(&format!("[^{label}]: "), range.start..range.start),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => return self.close_style(range),
            TagEnd::Link | TagEnd::Image => return self.close_link(&range),
            TagEnd::TableCell => return self.close_cell(&range),
            TagEnd::TableHead | TagEnd::TableRow => return self.close_row(&range),
            TagEnd::Table => self.close_table(&range),
            TagEnd::Heading(_) => self.state.styles = 0,
            TagEnd::CodeBlock => self.state.solid = 0,
            TagEnd::BlockQuote(_) => self.close_quote(),
            TagEnd::Item => {
                self.flush_marker(range.end);
                self.indents.pop();
            }
            _ => {}
        }
        self.block = true;
        self.block_start = None;
    }

    // Blocks

    fn begin_block(&mut self, range: &Range<usize>) {
        self.show_definitions(range.start);
        self.block = true;
        self.block_start.get_or_insert(range.start);
    }

    fn show_definitions(&mut self, before: usize) {
        while let Some(span) = self.definitions.pop_if(|span| span.start < before) {
            self.block = true;
            self.block_start = None;
            let definition = self.source[span.clone()].trim_end();
            self.lines(definition, span.start..span.start + definition.len());
            self.block = true;
        }
    }

    fn open_item(&mut self, range: &Range<usize>) {
        self.flush_marker_line();
        let written = self.source[range.clone()].trim_start();
        let digits = written.bytes().take_while(u8::is_ascii_digit).count();
        let marker = match written.get(..digits + 1) {
            Some(number) if digits > 0 => format!("{number} "),
            _ => "• ".to_owned(),
        };
        let outer = self.indents.last().copied().unwrap_or(0);
        self.indents.push(outer + marker.chars().count());
        self.marker = Some(marker);
    }

    fn check(&mut self, done: bool) {
        let box_ = if done { "☑ " } else { "☐ " };
        match &mut self.marker {
            Some(marker) if marker.starts_with('•') => *marker = box_.to_owned(),
            Some(marker) => marker.push_str(box_),
            None => {}
        }
    }

    /// A list or code that is the first thing in an item stands below its bullet.
    fn flush_marker_line(&mut self) {
        if self.marker.is_some() {
            let at = self.block_start.unwrap_or(self.source_end);
            self.flush_marker(at);
            self.block = true;
        }
    }

    fn flush_marker(&mut self, at: usize) {
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
    }

    fn open_quote(&mut self) {
        self.quote_depth += 1;
        if self.quote_depth == 1 {
            self.flush_marker_line();
            self.quotes += 1;
            self.state.quote = self.quotes;
            self.indent_base = self.indents.last().copied().unwrap_or(0);
        }
    }

    fn close_quote(&mut self) {
        self.quote_depth -= 1;
        if self.quote_depth == 0 {
            self.state.quote = 0;
            self.indent_base = 0;
        }
    }

    // Text

    /// Prose: each line is indented as its list item is.
    fn lines(&mut self, words: &str, range: Range<usize>) {
        for line in words.split_inclusive('\n') {
            self.before_text(&range);
            self.out.push(line, self.state);
        }
        self.source_end = self.source_end.max(range.end);
    }

    fn code(&mut self, text: &str, range: Range<usize>) {
        self.break_line(range.start);
        self.out.push(text, self.state);
        self.source_end = self.source_end.max(range.end);
    }

    /// Code within a link stays a link: an address is information, a typeface is not.
    fn inline_code(&mut self, text: &str, range: Range<usize>) {
        self.before_text(&range);
        let state = match self.state.solid {
            0 => State { styles: 0, solid: self.out.add(Solid::Code), ..self.state },
            _ => self.state,
        };
        self.out.push(text, state);
        self.source_end = self.source_end.max(range.end);
    }

    fn before_text(&mut self, range: &Range<usize>) {
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

    fn at_line_start(&self) -> bool {
        self.out.text.is_empty() || self.out.text.ends_with('\n')
    }

    fn quote_before(&self) -> u32 {
        self.out.runs.last().map_or(0, |run| run.state.quote)
    }

    /// Between blocks: a new line, and an empty one where Gemini left one.
    fn break_line(&mut self, at: usize) {
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

    fn has_blank_line(&self, at: usize) -> bool {
        let Some(between) = self.source.get(self.source_end..at) else { return false };
        let mut lines = between.split('\n');
        let last_line_ended = self.source[..self.source_end].ends_with('\n');
        if !last_line_ended {
            lines.next();
        }
        lines.next_back();
        lines.any(|line| line.trim_matches(|c: char| c.is_whitespace() || c == '>').is_empty())
    }

    // Inline markup

    /// A product such as 2*3*4 and a name such as __init__.py are no markup to whoever wrote them; ~ is "about".
    fn open_style(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        let written = &self.source[range.clone()];
        let before = self.source[..range.start].bytes().next_back();
        let after = self.source[range.end..].bytes().next();
        let product = written.starts_with('*')
            && before.is_some_and(|b| b.is_ascii_alphanumeric())
            && after.is_some_and(|b| b.is_ascii_alphanumeric());
        let name = written.starts_with("__") && {
            let next = self.source[range.end..].bytes().nth(1);
            after == Some(b'(') || after == Some(b'.') && next.is_some_and(|b| b.is_ascii_alphanumeric())
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

    fn close_style(&mut self, range: Range<usize>) {
        match self.open.pop() {
            Some(Open::Style(style)) => self.state.styles &= !style,
            Some(Open::Literal(marks)) => self.lines(marks, range),
            None => {}
        }
    }

    /// A link within a link, as a picture with a link has it, keeps the outer one; its own address is shown.
    fn open_link(&mut self, url: &str, range: &Range<usize>) {
        self.before_text(range);
        let outer = self.state.solid;
        if let Some(url) = links::checked(url).filter(|_| outer == 0) {
            self.state.solid = self.out.add(Solid::Link { url });
        }
        self.links.push((url.to_owned(), self.out.text.len(), outer));
    }

    fn close_link(&mut self, range: &Range<usize>) {
        let Some((url, start, outer)) = self.links.pop() else { return };
        let text = self.out.text[start..].trim().to_owned();
        let shown = links::shown(&url);
        if text.is_empty() {
            self.lines(shown, range.clone());
        } else if self.state.solid == outer && text != shown && text != url && !shown.is_empty() {
            self.lines(&format!(" ({shown})"), range.clone());
        }
        self.state.solid = outer;
    }

    // Tables: each cell is read into a text of its own

    fn open_cell(&mut self, tag: &Tag<'_>) {
        let Some(table) = &mut self.table else { return };
        match tag {
            Tag::TableCell => table.swap(&mut self.out),
            _ => table.open_row(),
        }
        self.block = false;
    }

    fn close_cell(&mut self, range: &Range<usize>) {
        let Some(table) = &mut self.table else { return };
        table.swap(&mut self.out);
        table.close_cell(range.end);
        self.source_end = self.source_end.max(range.end);
        self.block = false;
    }

    /// Cells beyond the header's number are left out by the standard; here they stay in the last cell.
    fn close_row(&mut self, range: &Range<usize>) {
        let Some(table) = &mut self.table else { return };
        let left = self.source.get(table.cell_end..range.end).unwrap_or_default();
        table.close_row(left.trim_matches(|c: char| c.is_whitespace() || c == '|'));
        self.source_end = self.source_end.max(range.end);
    }

    fn close_table(&mut self, range: &Range<usize>) {
        let Some(table) = self.table.take() else { return };
        // Its place is decided as if its cells had not been read yet.
        self.source_end = table.source_end;
        self.block = true;
        self.block_start = Some(table.start);
        self.break_line(table.start);
        let indent = self.indents.last().copied().unwrap_or(0).saturating_sub(self.indent_base);
        table.write(&mut self.out, self.state.quote, indent);
        self.source_end = self.source_end.max(range.end);
    }
}

fn is_break(tag: &str) -> bool {
    tag.to_ascii_lowercase().trim_end_matches(['/', '>', ' ']) == "<br"
}

/// The first word after the fence: "rust,ignore" and "python {…}" are the language with options.
fn language(info: &str) -> Option<String> {
    let word = info.split(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '{' | ':')).next()?;
    (!word.is_empty()).then(|| word.to_owned())
}
