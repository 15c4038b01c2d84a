//! Marks in texts, by which a record knows what it sees: whose question, which answer to it, which part of that.
//!
//! A question holds `ask-12.`; each paragraph of an answer begins with `u12-c1-p2-3:`, the second of three paragraphs
//! of what Gemini said when it was asked for the first time about update 12.

/// One paragraph of one answer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mark {
    pub update: u64,
    /// Which of Gemini's calls for this update.
    pub call: u32,
    pub paragraph: u32,
    pub paragraphs: u32,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "u{}-c{}-p{}-{}:", self.update, self.call, self.paragraph, self.paragraphs)
    }
}

pub fn question(update: u64) -> String {
    format!("ask-{update}.")
}

/// The update whose question is in this text.
pub fn asked(text: &str) -> Option<u64> {
    let (_, rest) = text.rsplit_once("ask-")?;
    rest.split_once('.')?.0.parse().ok()
}

/// All marks in a text, in their order.
pub fn marks(text: &str) -> Vec<Mark> {
    text.match_indices('u').filter_map(|(at, _)| mark(text.get(at + 1..)?)).collect()
}

fn mark(rest: &str) -> Option<Mark> {
    let (update, rest) = number(rest)?;
    let (call, rest) = number(rest.strip_prefix("-c")?)?;
    let (paragraph, rest) = number(rest.strip_prefix("-p")?)?;
    let (paragraphs, rest) = number(rest.strip_prefix('-')?)?;
    rest.starts_with(':').then_some(Mark {
        update,
        call: u32::try_from(call).ok()?,
        paragraph: u32::try_from(paragraph).ok()?,
        paragraphs: u32::try_from(paragraphs).ok()?,
    })
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text.get(..end)?.parse().ok()?, text.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_again_wherever_they_stand() {
        let first = Mark { update: 12, call: 1, paragraph: 1, paragraphs: 2 };
        let second = Mark { paragraph: 2, ..first };
        assert_eq!(marks(&format!("{{\"text\":\"{first} you\\n{second} u\"}}")), [first, second]);
        assert_eq!(marks("u12-c1-p1-x: u u1 u1-c2:"), []);
        assert_eq!(asked(&format!("Ada: {} and so on.", question(7))), Some(7));
        assert_eq!(asked("hello"), None);
    }
}
