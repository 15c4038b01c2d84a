//! Judges a run by its record alone: a pure function over what the services saw.
//!
//! It knows what people wrote, what they were sent, what Gemini was asked, what the bucket took and what the queue
//! did. It knows the form of a conversation's object, and nothing else of the functions' code.

mod facts;
mod history;
mod objects;
mod rules;
#[cfg(test)]
mod tests;

use crate::event::Entry;
use facts::Facts;

/// What must hold, and did not.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    pub rule: Rule,
    /// 0 when a whole conversation is meant.
    pub update: u64,
    pub conversation: String,
    pub why: String,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Rule {
    Lost,
    TwoEnds,
    Stuck,
    OutOfOrder,
    RepeatedConfirmed,
    RepeatedTwice,
    MixedAnswers,
    AskedAgain,
    SpokeUnasked,
    ApologisedTwice,
    History,
    Remembered,
    NotKept,
    NotMoved,
    NotSetAside,
}

/// The figures of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub sent: usize,
    pub answered: usize,
    pub declined: usize,
    pub dead: usize,
    pub lost: usize,
    /// Parts sent again after Telegram had confirmed them.
    pub repeated: usize,
    /// Parts sent again since nobody knew, and how many such sends there were.
    pub repeated_unknown: usize,
    pub unknown: usize,
    pub out_of_order: usize,
    /// Those of which a corrupted object took the memory.
    pub forgotten: usize,
    /// Answers of Gemini: all, those that came to more than one for an update, and those asked for after one was stored.
    pub charges: usize,
    pub charged_again: usize,
    pub charged_after_stored: usize,
    pub replayed: usize,
    pub failed_calls: usize,
    pub kills: usize,
}

pub struct Verdict {
    pub figures: Figures,
    pub broken: Vec<Broken>,
}

pub fn check(log: &[Entry]) -> Verdict {
    let facts = Facts::read(log);
    let mut broken = rules::all(&facts);
    broken.extend(history::all(log, &facts));
    broken.extend(objects::all(log, &facts));
    let mut figures = facts.figures();
    let count = |rule| broken.iter().filter(|broken| broken.rule == rule).count();
    figures.lost = count(Rule::Lost);
    figures.out_of_order = count(Rule::OutOfOrder);
    figures.repeated = count(Rule::RepeatedConfirmed);
    Verdict { figures, broken }
}
