//! What a sweep through the dead-letter queue has found and done.

use std::collections::HashSet;

use crate::letter::Letter;
use crate::reasons::Reason;

#[derive(Debug, Default)]
pub struct Outcome {
    /// Chosen and still there: looked at, or it came back, or something was in the way.
    pub chosen: Vec<(Letter, Option<Reason>)>,
    /// Sent or dropped.
    pub done: Vec<Letter>,
    pub skipped: usize,
    pub failures: Vec<(Letter, String)>,
    /// Sent in this run and here again: it failed once more, or lay here twice.
    pub came_back: usize,
    /// Behind those that stay, as SQS counts.
    pub not_seen: u64,
    /// In the hands of another run, or of one that was killed.
    pub held_elsewhere: u64,
    pub declined: bool,
    pub interrupted: bool,
    /// What ended the run before its time.
    pub problem: Option<String>,
}

impl Outcome {
    pub fn was_sent(&self, letter: &Letter) -> bool {
        let same = |done: &&Letter| done.group == letter.group && done.update_id() == letter.update_id();
        letter.update_id().is_some() && self.done.iter().any(|done| same(&done))
    }
}

/// How many conversations these letters are of.
pub fn conversations<'a>(letters: impl Iterator<Item = &'a Letter>) -> usize {
    letters.map(|letter| letter.group.as_str()).collect::<HashSet<_>>().len()
}
