//! Reads GitHub's Markdown, as Gemini writes it, into text with its formatting. Every word appears in the text: what
//! Telegram has no notation for is shown as written, never left out.

use super::inline::Open;
use super::table::Table;
use super::text::{BOLD, Solid, State, Text};
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

pub(super) struct Reader<'a> {
    pub(super) source: &'a str,
    /// Link definitions that no link uses, last first: Markdown would hide them, and with them Gemini's words.
    pub(super) definitions: Vec<Range<usize>>,
    pub(super) out: Text,
    pub(super) state: State,
    /// Open inline markup, innermost last.
    pub(super) open: Vec<Open>,
    /// Open links and images: where they lead, and where their text begins.
    pub(super) links: Vec<(String, usize, u32)>,
    /// Open list items: how far their lines are indented.
    pub(super) indents: Vec<usize>,
    pub(super) quotes: u32,
    pub(super) quote_depth: u32,
    /// What is indented by items around a quote or a table is not indented again within it.
    pub(super) indent_base: usize,
    /// The bullet of an item that has no text yet, and where the item begins in the source.
    pub(super) marker: Option<String>,
    /// A block ended or began since the last text; where the next one begins, if that is known.
    pub(super) block: bool,
    pub(super) block_start: Option<usize>,
    pub(super) source_end: usize,
    pub(super) table: Option<Table>,
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
            // In a table's cell Markdown has no other line break. What follows stands below the cell's first words.
            Event::InlineHtml(tag) if self.table.is_some() && is_break(&tag) => self.lines("\n    ", range),
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
            Tag::FootnoteDefinition(label) => self.open_note(&label),
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
            TagEnd::Item | TagEnd::FootnoteDefinition => {
                self.flush_marker(range.end);
                self.indents.pop();
            }
            _ => {}
        }
        self.block = true;
        self.block_start = None;
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
