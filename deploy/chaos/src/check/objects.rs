//! What became of whole conversations: forgotten on request, moved to another id, begun anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::facts::Facts;
use super::{Broken, Rule};
use crate::event::{Entry, Event, Kind, Words};
use crate::mark::{Mark, marks};

/// So many of this run's exchanges every history holds, also of those with a picture; of more, the oldest may be gone.
const KEPT: usize = 30;

pub(super) fn all(log: &[Entry], facts: &Facts) -> Vec<Broken> {
    remembered(log).into_iter().chain(not_kept(log, facts)).chain(not_moved(log)).chain(not_set_aside(log)).collect()
}

/// What was answered is in the history at the end, unless it was forgotten on request, moved away or corrupted.
fn not_kept(log: &[Entry], facts: &Facts) -> Vec<Broken> {
    let lost: BTreeSet<_> = log.iter().filter_map(|entry| loses(&entry.event)).collect();
    let mut answered: BTreeMap<&String, BTreeSet<u64>> = BTreeMap::new();
    for (id, update) in &facts.updates {
        if update.kind == Kind::Ask && update.is_answered() && !update.left_dead {
            answered.entry(&update.conversation).or_default().insert(*id);
        }
    }
    let missing = |(conversation, answered): (&String, BTreeSet<u64>)| {
        let kept = left(log, conversation)?;
        let missing: Vec<_> = answered.difference(&kept).collect();
        let why = format!("{} answers are not in the history, {:?} among them", missing.len(), missing.first());
        let broken = Broken { rule: Rule::NotKept, update: 0, conversation: conversation.clone(), why };
        (missing.len() > answered.len().saturating_sub(KEPT)).then_some(broken)
    };
    answered.into_iter().filter(|(conversation, _)| !lost.contains(conversation)).filter_map(missing).collect()
}

fn loses(event: &Event) -> Option<&String> {
    match event {
        Event::Accepted { conversation, kind: Kind::Forget, .. } | Event::Corrupted { conversation } => {
            Some(conversation)
        }
        Event::Moved { from, .. } => Some(from),
        _ => None,
    }
}

/// After `/new` was answered, Gemini is shown nothing that was asked and stored before it.
fn remembered(log: &[Entry]) -> Vec<Broken> {
    let forgets: BTreeMap<u64, &String> = log.iter().filter_map(|entry| forget(&entry.event)).collect();
    let mut forgotten: HashMap<&String, (u64, usize)> = HashMap::new();
    let mut loaded: HashMap<(&String, &String), usize> = HashMap::new();
    let mut stored: HashMap<(u64, u32), usize> = HashMap::new();
    let mut broken = Vec::new();
    let conversations: HashMap<u64, &String> = log.iter().filter_map(|entry| accepted(&entry.event)).collect();
    for (at, entry) in log.iter().enumerate() {
        match &entry.event {
            // Its first words follow the write that forgets. A replay of an old one may come after a newer one.
            Event::Sent { update, words: Words::Notice, .. } => {
                let Some(conversation) = forgets.get(update) else { continue };
                let latest = forgotten.entry(conversation).or_insert((*update, at));
                if latest.0 < *update {
                    *latest = (*update, at);
                }
            }
            Event::Loaded { worker, conversation } => {
                loaded.insert((worker, conversation), at);
            }
            Event::Stored { answers, .. } => {
                for mark in answers {
                    stored.entry((mark.update, mark.call)).or_insert(at);
                }
            }
            Event::Asked { worker, update, seen, .. } => {
                let Some(conversation) = conversations.get(update) else { continue };
                let Some((order, since)) = forgotten.get(conversation) else { continue };
                let before = |mark: &&Mark| {
                    mark.update < *order && stored.get(&(mark.update, mark.call)).is_some_and(|at| at < since)
                };
                let knew = loaded.get(&(worker, conversation)).is_none_or(|loaded| loaded > since);
                if let Some(mark) = seen.iter().find(before).filter(|_| knew) {
                    let why = format!("shown to Gemini: {mark} of before {order}, which asked to forget it");
                    let conversation = (*conversation).clone();
                    broken.push(Broken { rule: Rule::Remembered, update: *update, conversation, why });
                }
            }
            _ => {}
        }
    }
    broken
}

/// The history of a group goes with it, unless the group has it forgotten.
fn not_moved(log: &[Entry]) -> Vec<Broken> {
    let forgets: BTreeSet<_> = log.iter().filter_map(|entry| forget(&entry.event)).map(|(_, of)| of).collect();
    let missing = |entry: &Entry| {
        let Event::Moved { from, to } = &entry.event else { return None };
        if forgets.contains(to) {
            return None;
        }
        let (old, new) = (left(log, from).unwrap_or_default(), left(log, to).unwrap_or_default());
        let missing: Vec<_> = old.difference(&new).collect();
        let may_be_gone = old.union(&new).count().saturating_sub(KEPT);
        let why = format!("{} answers of {from} are missing, {:?} among them", missing.len(), missing.first());
        let broken = Broken { rule: Rule::NotMoved, update: 0, conversation: to.clone(), why };
        (missing.len() > may_be_gone).then_some(broken)
    };
    log.iter().filter_map(missing).collect()
}

/// The updates whose answers the history of a conversation holds at the end.
fn left(log: &[Entry], wanted: &str) -> Option<BTreeSet<u64>> {
    let json = log.iter().find_map(|entry| match &entry.event {
        Event::LeftObject { conversation, json } if conversation == wanted => Some(json.as_str()),
        _ => None,
    })?;
    let object: Value = serde_json::from_str(json).unwrap_or_default();
    Some(marks(&object["turns"].to_string()).into_iter().map(|mark| mark.update).collect())
}

/// A corrupt object is only replaced when it has been copied.
fn not_set_aside(log: &[Entry]) -> Vec<Broken> {
    let (mut corrupt, mut broken) = (BTreeSet::new(), Vec::new());
    for entry in log {
        match &entry.event {
            Event::Corrupted { conversation } => {
                corrupt.insert(conversation);
            }
            Event::SetAside { conversation } => {
                corrupt.remove(conversation);
            }
            Event::Stored { conversation, .. } if corrupt.remove(conversation) => {
                let why = "a corrupt object was overwritten".to_owned();
                broken.push(Broken { rule: Rule::NotSetAside, update: 0, conversation: conversation.clone(), why });
            }
            _ => {}
        }
    }
    broken
}

fn accepted(event: &Event) -> Option<(u64, &String)> {
    match event {
        Event::Accepted { update, conversation, .. } => Some((*update, conversation)),
        _ => None,
    }
}

fn forget(event: &Event) -> Option<(u64, &String)> {
    match event {
        Event::Accepted { kind: Kind::Forget, .. } => accepted(event),
        _ => None,
    }
}
