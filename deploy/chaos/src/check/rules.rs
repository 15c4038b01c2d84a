//! What must hold for each update, and between the updates of a conversation.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Update};
use super::{Broken, Rule};
use crate::event::{Kind, Outcome, Words};

/// The first send of a part, and one repetition.
const SENDS_MAX: usize = 2;

pub(super) fn all(facts: &Facts) -> Vec<Broken> {
    let one = |(id, update): (&u64, &Update)| {
        let found = [ends(update), sends(update), one_answer(update), asked(update), words(update)];
        let broken = |(rule, why)| Broken { rule, update: *id, conversation: update.conversation.clone(), why };
        found.into_iter().flatten().map(broken).collect::<Vec<_>>()
    };
    facts.updates.iter().flat_map(one).chain(order(facts)).collect()
}

type Found = Option<(Rule, String)>;

/// Exactly one of answered, declined, in the dead-letter queue.
fn ends(update: &Update) -> Found {
    match (update.is_answered(), update.left_dead, update.left_waiting) {
        (_, _, true) => Some((Rule::Lost, "it is still on the queue".to_owned())),
        // Sent, but nobody could know: the dead-letter queue is where such an answer waits for the operator.
        (true, true, _) if !update.is_known() => None,
        (true, true, _) => Some((Rule::TwoEnds, "answered, and in the dead-letter queue".to_owned())),
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

/// Nothing after it was confirmed; once more when nobody knows.
fn sends(update: &Update) -> Found {
    update.parts().into_values().find_map(|sends| {
        let confirmed = sends.iter().position(|send| send.outcome == Outcome::Confirmed);
        if let Some(at) = confirmed.filter(|at| at + 1 < sends.len()) {
            return Some((Rule::RepeatedConfirmed, format!("{:?} sent again after send {at}", sends[at].words)));
        }
        // A replay is the operator's order to send once more.
        (sends.len() > SENDS_MAX + update.replays)
            .then(|| (Rule::RepeatedTwice, format!("{:?} sent {} times", sends[0].words, sends.len())))
    })
}

/// A person never reads parts of two answers to one question.
fn one_answer(update: &Update) -> Found {
    let arrived = update.sends.iter().filter(|send| send.outcome.had_effect());
    let calls: BTreeSet<_> = arrived
        .filter_map(|send| match &send.words {
            Words::Answer(marks) => marks.first().map(|mark| mark.call),
            Words::Notice | Words::Apology => None,
        })
        .collect();
    (calls.len() > 1).then(|| (Rule::MixedAnswers, format!("parts of the answers {calls:?}")))
}

fn asked(update: &Update) -> Found {
    let count = update.charged_after_stored;
    (count > 0).then(|| (Rule::AskedAgain, format!("Gemini was asked {count} times after an answer was stored")))
}

fn words(update: &Update) -> Found {
    let arrived = || update.sends.iter().filter(|send| send.outcome.had_effect());
    let apologies = arrived().filter(|send| send.words == Words::Apology).count();
    // A replay that fails may say so again.
    if apologies > 1 + update.replays {
        return Some((Rule::ApologisedTwice, format!("{apologies} times")));
    }
    let spoke =
        arrived().any(|send| update.kind == Kind::Silent || send.words == Words::Notice && update.kind == Kind::Ask);
    spoke.then(|| (Rule::SpokeUnasked, "words that nobody asked for".to_owned()))
}

/// By the first message that arrived for each. What was in the dead-letter queue has left the order, by design.
fn order(facts: &Facts) -> Vec<Broken> {
    let mut last: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    let mut broken = Vec::new();
    for (id, update) in facts.updates.iter().filter(|(_, update)| !update.given_up) {
        let arrived = |send: &&super::facts::Send| send.outcome.had_effect() && send.words != Words::Apology;
        let Some(first) = update.sends.iter().find(arrived) else { continue };
        if let Some((earlier, at)) = last.get(update.conversation.as_str())
            && *at > first.at
        {
            let (conversation, why) = (update.conversation.clone(), format!("answered before {earlier}"));
            broken.push(Broken { rule: Rule::OutOfOrder, update: *id, conversation, why });
        }
        last.insert(&update.conversation, (*id, first.at));
    }
    broken
}
