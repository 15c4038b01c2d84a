//! Text with its formatting as runs of one state each. The characters that Telegram would remove or replace are cleaned
//! while they are written, so that every offset counted later is the one that Telegram sees.

pub(super) const BOLD: u8 = 1;
pub(super) const ITALIC: u8 = 2;
pub(super) const STRIKETHROUGH: u8 = 4;

/// What holds for a stretch of text. One number for the quote and one for the link or code: a quote within a quote and
/// code within a link cannot even be said, as Telegram would drop them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Bits of [`BOLD`] and the others; none within code.
    pub(super) styles: u8,
    /// Which block quote, 0 for none.
    pub(super) quote: u32,
    /// Which of [`Text::solids`], counted from 1; 0 for none.
    pub(super) solid: u32,
}

/// What admits nothing of its like within: Telegram keeps one of them where two overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Solid {
    Code,
    Pre { language: Option<String> },
    Link { url: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Where it ends, in bytes; it begins where the one before it ends.
    pub(super) end: usize,
    pub(super) state: State,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) runs: Vec<Run>,
    pub(super) solids: Vec<Solid>,
}

impl Text {
    pub(super) fn solid(&self, state: State) -> Option<&Solid> {
        (state.solid as usize).checked_sub(1).and_then(|at| self.solids.get(at))
    }

    /// Code keeps its blanks; nothing else does at the edges of a message.
    pub(super) fn is_mono(&self, state: State) -> bool {
        matches!(self.solid(state), Some(Solid::Code | Solid::Pre { .. }))
    }

    /// A new solid; its number goes into a [`State`].
    pub(super) fn add(&mut self, solid: Solid) -> u32 {
        self.solids.push(solid);
        self.solids.len() as u32
    }

    pub(super) fn push(&mut self, words: &str, state: State) {
        let before = self.text.len();
        let mono = self.is_mono(state);
        for c in words.chars() {
            self.push_char(c, mono);
        }
        if self.text.len() == before || self.runs.last().is_some_and(|run| run.end == self.text.len()) {
            return;
        }
        match self.runs.last_mut() {
            Some(run) if run.state == state => run.end = self.text.len(),
            _ => self.runs.push(Run { end: self.text.len(), state }),
        }
    }

    fn push_char(&mut self, c: char, mono: bool) {
        match c {
            '\n' => self.text.push('\n'),
            // Telegram makes a single blank of a tab; in code that would flatten the indentation.
            '\t' if mono => self.text.push_str("    "),
            '\r' | '\u{202A}'..='\u{202E}' | '\u{333}' | '\u{33F}' => {}
            '\u{2028}' | '\u{2029}' => self.text.push('\n'),
            '\0'..='\u{20}' => self.text.push(' '),
            '\u{30A}' => self.add_ring(),
            // Of a row of direction marks Telegram keeps the last alone.
            '\u{200E}' | '\u{200F}' => {
                if self.text.ends_with(['\u{200E}', '\u{200F}']) {
                    self.text.pop();
                }
                self.text.push(c);
            }
            _ => self.text.push(c),
        }
    }

    /// Telegram removes a combining ring: å written as two characters would turn into a.
    fn add_ring(&mut self) {
        let composed = match self.text.chars().next_back() {
            Some('a') => 'å',
            Some('A') => 'Å',
            Some('u') => 'ů',
            Some('U') => 'Ů',
            Some('w') => 'ẘ',
            Some('y') => 'ẙ',
            _ => return,
        };
        let end = self.text.len();
        self.text.pop();
        self.text.push(composed);
        // A letter that was written earlier grows within its own run.
        if let Some(run) = self.runs.last_mut().filter(|run| run.end == end) {
            run.end = self.text.len();
        }
    }

    /// Appends another text whose solids are numbered as this one's.
    pub(super) fn append(&mut self, other: &Text, styles: u8) {
        let mut start = 0;
        for run in &other.runs {
            let mut state = run.state;
            if !self.is_mono(state) {
                state.styles |= styles;
            }
            self.push(&other.text[start..run.end], state);
            start = run.end;
        }
    }

    pub(super) fn trim_end(&mut self) {
        let end = self.text.trim_end_matches([' ', '\n']).len();
        self.text.truncate(end);
        while self.runs.len() > 1 && self.runs[self.runs.len() - 2].end >= end {
            self.runs.pop();
        }
        match self.runs.last_mut() {
            Some(_) if end == 0 => self.runs.clear(),
            Some(run) => run.end = end,
            None => {}
        }
    }
}

/// Whether a reader would see anything. Wider than Telegram's own test, which refuses a message of such characters.
pub(super) fn is_visible(text: &str) -> bool {
    !text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}')
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}')
            || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFC}' | '\u{E0000}'..='\u{E0FFF}')
    })
}
