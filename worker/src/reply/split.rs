//! Cuts a formatted text into parts that Telegram takes whole: short enough, few enough entities, never invisible.
//! Each part looks at no more than two parts' length ahead, so the work is linear in the text.

use super::text::{Run, Solid, State, Text, is_visible};
use super::{Part, entities};

/// Where a part may end, the better the later in this list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cut {
    Anywhere,
    Blank,
    Sentence,
    Line,
    Paragraph,
}

const CUTS: [Cut; 5] = [Cut::Paragraph, Cut::Line, Cut::Sentence, Cut::Blank, Cut::Anywhere];

pub(super) fn parts(text: &Text, longest_units: usize) -> Vec<Part> {
    let end = text.text.trim_end_matches([' ', '\n']).len();
    let mut parts = Vec::new();
    let (mut at, mut run) = (0, 0);
    loop {
        at = skip_blanks(text, at, end, &mut run);
        if at >= end {
            return parts;
        }
        let cut = cut(text, at, end, run, longest_units);
        let words = text.text[at..cut].trim_end_matches([' ', '\n']);
        if is_visible(words) {
            let runs = &text.runs[run..];
            let touched = runs.partition_point(|run| run.end < at + words.len()) + 1;
            let entities = entities::of(text, &runs[..touched.min(runs.len())], at..at + words.len());
            parts.push(Part { text: words.to_owned(), entities });
        }
        at = cut;
    }
}

/// Telegram cuts blanks at the start, but not those of an entity there: code goes on with its indentation.
fn skip_blanks(text: &Text, mut at: usize, end: usize, run: &mut usize) -> usize {
    while at < end {
        while text.runs[*run].end <= at {
            *run += 1;
        }
        let Run { end: run_end, state } = text.runs[*run];
        match text.text.as_bytes()[at] {
            b'\n' => at += 1,
            b' ' if !text.is_mono(state) => at += 1,
            // Blanks alone are no entity, and nothing would keep them.
            b' ' if text.text[at..run_end].trim_start().is_empty() => at = run_end,
            _ => break,
        }
    }
    at
}

/// The end of the part that begins at `start`.
fn cut(text: &Text, start: usize, end: usize, run: usize, longest_units: usize) -> usize {
    let mut scan = Scan::new(text, start, run);
    while scan.at < end && scan.step(longest_units) {}
    if scan.at >= end {
        return end;
    }
    let filled = scan.units;
    if let Some((block, units)) = scan.block_start().filter(|&(_, units)| units * 3 >= filled)
        && scan.block_fits(longest_units)
    {
        debug_assert!(block > start && units > 0);
        return block;
    }
    // The best kind of place in the latter half; failing that, in the latter three quarters; failing that, anywhere.
    for share in [2, 4] {
        for kind in CUTS {
            if let Some((at, units)) = scan.last[kind as usize].filter(|&(_, units)| units * share >= filled) {
                debug_assert!(at > start && units > 0);
                return at;
            }
        }
    }
    scan.at
}

/// Goes through one part, character by character, and remembers where it might end.
struct Scan<'a> {
    text: &'a Text,
    at: usize,
    run: usize,
    units: usize,
    entities: usize,
    /// The state of the character before.
    state: State,
    before: Option<char>,
    /// Flags are pairs of regional indicators: whether one is open.
    half_flag: bool,
    /// The last place of each kind, and the units up to it.
    last: [Option<(usize, usize)>; 5],
    /// Where the block of code begins that is being gone through, and the units up to it.
    block: Option<(usize, usize)>,
}

impl<'a> Scan<'a> {
    fn new(text: &'a Text, at: usize, run: usize) -> Scan<'a> {
        let state = State::default();
        Scan {
            text,
            at,
            run,
            units: 0,
            entities: 0,
            state,
            before: None,
            half_flag: false,
            last: [None; 5],
            block: None,
        }
    }

    /// Takes one more character into the part; false if it does not fit.
    fn step(&mut self, longest_units: usize) -> bool {
        let text = self.text;
        let Some(c) = text.text[self.at..].chars().next() else { return false };
        while text.runs[self.run].end <= self.at {
            self.run += 1;
        }
        let state = text.runs[self.run].state;
        let entities = self.entities + if state == self.state { 0 } else { entities::cost(self.state, state) };
        if let Some(before) = self.before {
            self.remember_cut(before, c);
        }
        if self.units + c.len_utf16() > longest_units || entities > entities::MOST_ENTITIES {
            return false;
        }
        if state.solid != self.state.solid {
            let is_block = matches!(text.solid(state), Some(Solid::Pre { .. }));
            self.block = is_block.then_some((self.at, self.units));
        }
        self.half_flag = is_regional(c) && !self.half_flag;
        (self.state, self.entities, self.before) = (state, entities, Some(c));
        self.at += c.len_utf8();
        self.units += c.len_utf16();
        true
    }

    fn remember_cut(&mut self, before: char, next: char) {
        if is_joined(before, next) || self.half_flag && is_regional(next) {
            return;
        }
        let here = Some((self.at, self.units));
        self.last[Cut::Anywhere as usize] = here;
        let kind = match before {
            '\n' if next == '\n' => Cut::Paragraph,
            '\n' => Cut::Line,
            ' ' if self.text.text[..self.at - 1].ends_with(['.', '!', '?', '…', ':', ';']) => Cut::Sentence,
            '。' | '！' | '？' => Cut::Sentence,
            ' ' => Cut::Blank,
            _ => return,
        };
        self.last[kind as usize] = here;
    }

    /// Where the code block begins that does not fit into this part as a whole, unless the part begins with it.
    fn block_start(&self) -> Option<(usize, usize)> {
        self.block.filter(|&(_, units)| units > 0)
    }

    /// Whether that block fits into a part of its own.
    fn block_fits(&self, longest_units: usize) -> bool {
        let Some((start, _)) = self.block else { return false };
        let end = self.text.runs[self.run].end;
        // Code is one run: no styles within it. A longer one in bytes than any part's is not even counted.
        end - start <= 3 * longest_units
            && self.text.text[start..end].chars().map(char::len_utf16).sum::<usize>() <= longest_units
    }
}

fn is_regional(c: char) -> bool {
    matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
}

/// Characters that make one sign together: marks on a letter, variants and skin tones, families of emoji. An approach
/// to Unicode's grapheme clusters without their tables; Hangul written in single letters may be cut.
fn is_joined(before: char, next: char) -> bool {
    before == '\u{200D}'
        || matches!(next, '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}')
        || matches!(next, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}')
        || matches!(next, '\u{FE20}'..='\u{FE2F}' | '\u{900}'..='\u{903}' | '\u{93A}'..='\u{94F}' | '\u{E31}' | '\u{E34}'..='\u{E3A}')
        || matches!(next, '\u{591}'..='\u{5BD}' | '\u{610}'..='\u{61A}' | '\u{64B}'..='\u{65F}' | '\u{E47}'..='\u{E4E}')
}
