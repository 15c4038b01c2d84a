//! A table as a phone can show it: aligned columns in fixed width where they fit, else a list of its rows.

use super::markdown::Reader;
use super::text::{BOLD, Solid, State, Text};
use pulldown_cmark::{Alignment, Tag};
use std::ops::Range;

/// What a phone shows of fixed-width text without wrapping it, about.
const WIDEST_COLUMNS: usize = 40;

/// The names of columns are repeated in every row; longer ones are a row themselves.
const LONGEST_NAMES_BYTES: usize = 400;

pub(super) struct Table {
    /// Where it begins in the source, and where the text before it ends.
    pub(super) start: usize,
    pub(super) source_end: usize,
    /// Where the last cell ends in the source.
    pub(super) cell_end: usize,
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Text>>,
    /// The text outside while a cell is being read, and then the cell's.
    other: Text,
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>, start: usize, source_end: usize) -> Table {
        Table { start, source_end, cell_end: start, alignments, rows: Vec::new(), other: Text::default() }
    }

    /// At a cell's beginning and end: links and code are numbered throughout, so the solids stay where they are.
    pub(super) fn swap(&mut self, out: &mut Text) {
        std::mem::swap(&mut self.other.text, &mut out.text);
        std::mem::swap(&mut self.other.runs, &mut out.runs);
    }

    pub(super) fn open_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn close_cell(&mut self, end: usize) {
        let mut cell = std::mem::take(&mut self.other);
        cell.trim_end();
        self.cell_end = end;
        if let Some(row) = self.rows.last_mut() {
            row.push(cell);
        }
    }

    pub(super) fn close_row(&mut self, beyond: &str) {
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()).filter(|_| !beyond.is_empty()) {
            cell.push(&format!(" | {beyond}"), State::default());
        }
    }

    pub(super) fn write(self, out: &mut Text, quote: u32, indent: usize) {
        let widths = self.widths();
        let total = widths.iter().sum::<usize>() + 3 * widths.len().saturating_sub(1);
        let simple = |cell: &Text| {
            let linked = cell.runs.iter().any(|run| matches!(out.solid(run.state), Some(Solid::Link { .. })));
            !linked && !cell.text.contains('\n')
        };
        if total <= WIDEST_COLUMNS && self.rows.iter().flatten().all(simple) {
            let solid = out.add(Solid::Pre { language: None });
            out.push(&self.columns(&widths), State { styles: 0, quote, solid });
        } else {
            self.write_list(out, quote, indent);
        }
    }

    fn widths(&self) -> Vec<usize> {
        let width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(&cell.text)).max();
        (0..self.alignments.len()).map(|column| width(column).unwrap_or(0)).collect()
    }

    fn columns(&self, widths: &[usize]) -> String {
        let mut lines: Vec<String> = self.rows.iter().map(|row| self.line(row, widths)).collect();
        let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
        lines.insert(lines.len().min(1), rule.join("-+-"));
        lines.join("\n")
    }

    fn line(&self, row: &[Text], widths: &[usize]) -> String {
        let cell = |column: usize| {
            let text = row.get(column).map_or("", |cell| cell.text.as_str());
            let blanks = widths[column].saturating_sub(width(text));
            let left = match self.alignments[column] {
                Alignment::Right => blanks,
                Alignment::Center => blanks / 2,
                Alignment::Left | Alignment::None => 0,
            };
            format!("{}{text}{}", " ".repeat(left), " ".repeat(blanks - left))
        };
        let cells: Vec<String> = (0..widths.len()).map(cell).collect();
        cells.join(" | ").trim_end().to_owned()
    }

    /// Each row as a bullet, each cell with its column's name: no word is lost, and links stay links.
    fn write_list(self, out: &mut Text, quote: u32, indent: usize) {
        let plain = State { styles: 0, quote, solid: 0 };
        let mut rows = self.rows;
        let names_bytes: usize = rows.first().map_or(0, |row| row.iter().map(|name| name.text.len()).sum());
        let header = if names_bytes > LONGEST_NAMES_BYTES {
            Vec::new()
        } else {
            rows.drain(..1.min(rows.len())).next().unwrap_or_default()
        };
        if rows.is_empty() {
            for (column, name) in header.iter().enumerate() {
                out.push(if column == 0 { "" } else { " | " }, plain);
                out.append(name, BOLD);
            }
            return;
        }
        let indent = " ".repeat(indent);
        for (number, row) in rows.iter().enumerate() {
            out.push(if number == 0 { "" } else { "\n" }, plain);
            let mut bullet = "• ";
            for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.text.is_empty()) {
                let styles = if bullet.starts_with('•') { BOLD } else { 0 };
                out.push(if styles == 0 { "\n" } else { "" }, plain);
                out.push(&format!("{indent}{bullet}"), plain);
                if let Some(name) = header.get(column).filter(|name| !name.text.is_empty()) {
                    out.append(name, styles);
                    out.push(": ", State { styles, ..plain });
                }
                out.append(cell, styles);
                bullet = "  ";
            }
        }
    }
}

/// Each cell is read into a text of its own.
impl Reader<'_> {
    pub(super) fn open_cell(&mut self, tag: &Tag<'_>) {
        let Some(table) = &mut self.table else { return };
        match tag {
            Tag::TableCell => table.swap(&mut self.out),
            _ => table.open_row(),
        }
        self.block = false;
    }

    pub(super) fn close_cell(&mut self, range: &Range<usize>) {
        let Some(table) = &mut self.table else { return };
        table.swap(&mut self.out);
        table.close_cell(range.end);
        self.source_end = self.source_end.max(range.end);
        self.block = false;
    }

    /// Cells beyond the header's number are left out by the standard; here they stay in the last cell.
    pub(super) fn close_row(&mut self, range: &Range<usize>) {
        let Some(table) = &mut self.table else { return };
        let left = self.source.get(table.cell_end..range.end).unwrap_or_default();
        table.close_row(left.trim_matches(|c: char| c.is_whitespace() || c == '|'));
        self.source_end = self.source_end.max(range.end);
    }

    pub(super) fn close_table(&mut self, range: &Range<usize>) {
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

/// Columns on a screen: ideographs and emoji take two, marks none.
fn width(text: &str) -> usize {
    let columns = |c: char| match c {
        '\u{300}'..='\u{36F}' | '\u{200B}'..='\u{200F}' | '\u{20D0}'..='\u{20FF}' | '\u{FE00}'..='\u{FE0F}' => 0,
        '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' => 2,
        '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}' | '\u{1F300}'..='\u{1FAFF}' => 2,
        '\u{20000}'..='\u{3FFFD}' => 2,
        _ => 1,
    };
    text.chars().map(columns).sum()
}
