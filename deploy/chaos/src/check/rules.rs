//! What must hold for each update, and between the updates of a conversation.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Send, Update};
use super::{Broken, Rule};
use crate::event::{Kind, Outcome, Words};

/// The first send of a part, and one repetition.
const SENDS_MAX: usize = 2;

pub(super) fn all(facts: &Facts) -> Vec<Broken> {
    let one = |(id, update): (&u64, &Update)| {
        // Repetitions need a memory.
        let memory = [sends(update), one_answer(update), asked(update), apologies(update), late_apology(update)];
        let memory = memory.into_iter().filter(|_| !update.forgotten);
        let broken = |(rule, why)| Broken { rule, update: *id, conversation: update.conversation.clone(), why };
        let always = [ends(update), words(update), parts_in_order(update)];
        always.into_iter().chain(memory).flatten().map(broken).collect::<Vec<_>>()
    };
    facts.updates.iter().flat_map(one).chain(order(facts)).collect()
}

type Found = Option<(Rule, String)>;

/// Exactly one of answered and declined; poison is in the dead-letter queue, and nothing else once it was replayed
/// without faults.
fn ends(update: &Update) -> Found {
    let poison = update.kind == Kind::Poison;
    match (update.is_answered(), update.left_dead, update.left_waiting) {
        (_, _, true) => Some((Rule::Lost, "it is still on the queue".to_owned())),
        (true, true, _) => Some((Rule::TwoEnds, "answered, and in the dead-letter queue".to_owned())),
        (false, true, _) if !poison => {
            Some((Rule::Stuck, "no replay brings it out of the dead-letter queue".to_owned()))
        }
        (false, false, _) => {
            let unknown = update.sends.iter().filter(|send| matches!(send.outcome, Outcome::Unknown { .. })).count();
            Some((
                Rule::Lost,
                format!("neither answered nor in the dead-letter queue; {unknown} sends of unknown outcome"),
            ))
        }
        (true, false, _) | (false, true, _) => None,
    }
}

/// Nothing after it was confirmed; once more when nobody knows, and once more with each replay, which is the operator's
/// order to do so.
fn sends(update: &Update) -> Found {
    update.parts().into_values().find_map(|sends| {
        let confirmed = sends.iter().position(|send| send.outcome == Outcome::Confirmed);
        if let Some(at) = confirmed.filter(|at| at + 1 < sends.len()) {
            return Some((Rule::RepeatedConfirmed, format!("{:?} sent again after send {at}", sends[at].words)));
        }
        let ordered = |at: usize| update.replays.iter().filter(|replay| **replay < at).count();
        let too_many = |(n, send): (usize, &&Send)| n + 1 > SENDS_MAX + ordered(send.at);
        let found = sends.iter().enumerate().any(too_many);
        found.then(|| (Rule::RepeatedTwice, format!("{:?} sent {} times", sends[0].words, sends.len())))
    })
}

/// A person never reads parts of two answers to one question.
fn one_answer(update: &Update) -> Found {
    let arrived = update.sends.iter().filter(|send| send.outcome.had_effect());
    let calls: BTreeSet<_> = arrived
        .flat_map(|send| match &send.words {
            Words::Answer(marks) => marks.iter().map(|mark| mark.call).collect(),
            Words::Notice | Words::Apology => Vec::new(),
        })
        .collect();
    (calls.len() > 1).then(|| (Rule::MixedAnswers, format!("parts of the answers {calls:?}")))
}

fn asked(update: &Update) -> Found {
    let count = update.charged_after_stored;
    (count > 0).then(|| (Rule::AskedAgain, format!("Gemini was asked {count} times after an answer was stored")))
}

/// A word to each person once that it went wrong, and again only by an attempt that could not know of the first time.
fn apologies(update: &Update) -> Found {
    let mut arrived = update.sends.iter().filter(|send| send.outcome.had_effect() && send.words == Words::Apology);
    let first = arrived.next()?;
    let knew = |send: &Send| send.began > first.at && update.failure_stored_at.is_some_and(|at| at < send.began);
    arrived.any(knew).then(|| (Rule::ApologisedTwice, "and the conversation remembered the first time".to_owned()))
}

/// Who has the whole answer, and whose worker knows it, hears nothing of a failure any more.
fn late_apology(update: &Update) -> Found {
    let marks = |send: &Send| match &send.words {
        Words::Answer(marks) if send.outcome == Outcome::Confirmed => marks.clone(),
        _ => Vec::new(),
    };
    let confirmed = |until: usize| -> BTreeSet<_> {
        update.sends.iter().filter(|send| send.at < until).flat_map(marks).map(|mark| mark.paragraph).collect()
    };
    let paragraphs = update.sends.iter().flat_map(marks).map(|mark| mark.paragraphs).next()?;
    let late = |send: &Send| {
        send.words == Words::Apology && send.outcome.had_effect() && confirmed(send.began).len() == paragraphs as usize
    };
    update.sends.iter().any(late).then(|| (Rule::SpokeUnasked, "an apology after the answer".to_owned()))
}

/// A part of an answer never arrives before an earlier one.
fn parts_in_order(update: &Update) -> Found {
    let arrived = update.sends.iter().filter(|send| send.outcome.had_effect());
    let mut read = BTreeSet::new();
    for mark in arrived.flat_map(|send| match &send.words {
        Words::Answer(marks) => marks.clone(),
        Words::Notice | Words::Apology => Vec::new(),
    }) {
        if (1..mark.paragraph).any(|earlier| !read.contains(&earlier)) {
            return Some((Rule::OutOfOrder, format!("{mark} arrived before an earlier part")));
        }
        read.insert(mark.paragraph);
    }
    None
}

fn words(update: &Update) -> Found {
    let spoke = update
        .sends
        .iter()
        .filter(|send| send.outcome.had_effect())
        .any(|send| update.kind == Kind::Silent || send.words == Words::Notice && update.kind == Kind::Ask);
    spoke.then(|| (Rule::SpokeUnasked, "words that nobody asked for".to_owned()))
}

/// Nothing for an update arrives before all parts of the earlier ones have. What was in the dead-letter queue has left
/// the order, by design.
fn order(facts: &Facts) -> Vec<Broken> {
    let mut last: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    let mut broken = Vec::new();
    for (id, update) in facts.updates.iter().filter(|(_, update)| !update.given_up) {
        let arrivals = arrivals(update);
        let (Some(first), Some(whole)) = (arrivals.first(), arrivals.last()) else { continue };
        if let Some((earlier, at)) = last.get(update.conversation.as_str())
            && at > first
        {
            let (conversation, why) = (update.conversation.clone(), format!("answered before {earlier}"));
            broken.push(Broken { rule: Rule::OutOfOrder, update: *id, conversation, why });
        }
        last.insert(&update.conversation, (*id, *whole));
    }
    broken
}

/// Where in the record each part arrived for the first time, in that order.
fn arrivals(update: &Update) -> Vec<usize> {
    let arrived = |sends: Vec<&Send>| sends.iter().find(|send| send.outcome.had_effect()).map(|send| send.at);
    let mut arrivals: Vec<_> = update.parts().into_values().filter_map(arrived).collect();
    arrivals.sort_unstable();
    arrivals
}
