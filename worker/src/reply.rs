//! Makes an answer read in Telegram as Gemini wrote it: Markdown in, parts of plain text with `entities` out.
//! No `parse_mode`: nothing has to be escaped, and lengths are those that a reader sees. Pure and linear in the input.
//! The way through: `latex` shields formulas, `markdown` reads, `text` cleans, `split` cuts, `entities` marks each part.

mod blocks;
mod definitions;
mod entities;
mod inline;
mod latex;
mod links;
mod markdown;
mod split;
mod table;
#[cfg(test)]
mod tests;
mod text;

use serde::{Deserialize, Serialize};

pub use entities::{Entity, Kind};

/// Telegram's longest message, counted by us in UTF-16 units: its own count (code points) is never larger. Such a text
/// has at most 12,288 bytes in UTF-8, so that the Bot API's other limit, 32,768 bytes, is never reached.
const MESSAGE_UNITS: usize = 4096;
/// The longest caption of a photo, counted alike.
const CAPTION_UNITS: usize = 1024;

/// One message of a reply: stored as it is, and sent as it is in `sendMessage`. A notice of ours has no entities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity>,
}

impl Part {
    /// The same words without formatting: what is sent after Telegram refused the entities.
    pub fn plain(&self) -> Part {
        Part { text: self.text.clone(), entities: Vec::new() }
    }
}

/// The messages of an answer, in order; none if nothing in it can be seen, which Telegram would refuse.
pub fn render(markdown: &str) -> Vec<Part> {
    split::parts(&markdown::read(markdown), MESSAGE_UNITS)
}

/// The caption of a picture and the messages that follow it.
///
/// Words that do not fit whole in the caption follow as messages, and the picture has none: a sentence or a list torn
/// between a narrow caption and the message below reads worse than a picture with its text under it.
pub fn render_caption(markdown: &str) -> (Option<Part>, Vec<Part>) {
    let formatted = markdown::read(markdown);
    let mut parts = split::parts(&formatted, CAPTION_UNITS);
    match parts.len() {
        0 | 1 => (parts.pop(), Vec::new()),
        _ => (None, split::parts(&formatted, MESSAGE_UNITS)),
    }
}
