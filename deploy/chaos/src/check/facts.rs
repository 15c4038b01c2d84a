//! The record, sorted by update.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Figures;
use crate::event::{Entry, Event, Kind, Outcome, Words};

#[derive(Default)]
pub(super) struct Facts {
    pub(super) updates: BTreeMap<u64, Update>,
    /// Conversations whose object is corrupt, and nobody has begun it anew yet.
    corrupt: BTreeSet<String>,
    failed_calls: usize,
    kills: usize,
}

pub(super) struct Update {
    pub(super) kind: Kind,
    pub(super) conversation: String,
    pub(super) sends: Vec<Send>,
    /// Answers of Gemini that are for a person, and orders for a picture.
    pub(super) charges: usize,
    pub(super) orders: usize,
    pub(super) charged_after_stored: usize,
    /// It was in the dead-letter queue, now or before.
    pub(super) given_up: bool,
    /// Where in the record.
    pub(super) replays: Vec<usize>,
    pub(super) left_waiting: bool,
    pub(super) left_dead: bool,
    /// A worker had it before its conversation's object was lost: what was known of it then is gone.
    pub(super) forgotten: bool,
    /// Where in the record an answer was stored for the first time, and that its last attempt failed.
    stored_at: Option<usize>,
    pub(super) failure_stored_at: Option<usize>,
    received: bool,
}

/// A message to a person, in the order of the record.
#[derive(Clone, Debug)]
pub(super) struct Send {
    pub(super) at: usize,
    /// Where its attempt began.
    pub(super) began: usize,
    pub(super) words: Words,
    /// [`Outcome::Confirmed`] only if its worker lived to remember it.
    pub(super) outcome: Outcome,
}

impl Facts {
    pub(super) fn read(log: &[Entry]) -> Self {
        let mut facts = Self::default();
        for entry in log {
            if let Event::Accepted { update, conversation, kind } = &entry.event {
                facts.updates.entry(*update).or_insert_with(|| Update::new(*kind, conversation));
            }
        }
        let mut workers: HashMap<&str, Worker<'_>> = HashMap::new();
        for (at, entry) in log.iter().enumerate() {
            facts.follow(at, &entry.event, &mut workers);
        }
        facts
    }

    fn follow<'l>(&mut self, at: usize, event: &'l Event, workers: &mut HashMap<&'l str, Worker<'l>>) {
        match event {
            Event::Sent { worker, update, words, outcome } => {
                let Some(facts) = self.update(*update) else { return };
                let worker = workers.entry(worker).or_default();
                if *outcome == Outcome::Confirmed {
                    worker.fresh.push((*update, facts.sends.len()));
                }
                let began = worker.began.get(update).copied().unwrap_or_default();
                facts.sends.push(Send { at, began, words: words.clone(), outcome: *outcome });
            }
            Event::Received { worker, update, .. } => {
                workers.entry(worker).or_default().began.insert(*update, at);
                self.with(*update, |facts| facts.received = true);
            }
            Event::Loaded { worker, conversation } => {
                workers.entry(worker).or_default().loaded.insert(conversation, at);
            }
            Event::Stored { worker, conversation, answers, failed } => {
                let worker = workers.entry(worker).or_default();
                worker.fresh.retain(|(update, _)| self.conversation(*update) != Some(conversation));
                if self.corrupt.remove(conversation) {
                    self.forget(conversation);
                }
                for mark in answers {
                    self.with(mark.update, |facts| facts.stored_at = facts.stored_at.or(Some(at)));
                }
                for update in failed {
                    self.with(*update, |facts| facts.failure_stored_at = facts.failure_stored_at.or(Some(at)));
                }
            }
            Event::Corrupted { conversation } => {
                self.corrupt.insert(conversation.clone());
            }
            Event::Killed { worker, .. } => {
                self.kills += 1;
                for (update, index) in std::mem::take(&mut workers.entry(worker).or_default().fresh) {
                    if let Some(send) = self.update(update).and_then(|facts| facts.sends.get_mut(index)) {
                        send.outcome = Outcome::Unknown { effect: true };
                    }
                }
            }
            Event::Asked { worker, update, orders, .. } => {
                let worker = workers.entry(worker).or_default();
                let Some(facts) = self.update(*update) else { return };
                *(if *orders { &mut facts.orders } else { &mut facts.charges }) += 1;
                // Who loaded before it was stored could not know.
                let loaded = worker.loaded.get(facts.conversation.as_str());
                let knew = facts.stored_at.is_some_and(|stored| loaded.is_none_or(|loaded| *loaded > stored));
                facts.charged_after_stored += usize::from(knew);
            }
            Event::Failed { .. } => self.failed_calls += 1,
            Event::GivenUp { update } => self.with(*update, |facts| facts.given_up = true),
            Event::Replayed { update } => self.with(*update, |facts| facts.replays.push(at)),
            Event::LeftWaiting { update } => self.with(*update, |facts| facts.left_waiting = true),
            Event::LeftDead { update } => self.with(*update, |facts| facts.left_dead = true),
            Event::Accepted { .. }
            | Event::Duplicated { .. }
            | Event::Returned { .. }
            | Event::SetAside { .. }
            | Event::Moved { .. }
            | Event::Hidden { .. }
            | Event::Deleted { .. }
            | Event::LeftObject { .. } => {}
        }
    }

    fn update(&mut self, update: u64) -> Option<&mut Update> {
        self.updates.get_mut(&update)
    }

    fn with(&mut self, update: u64, change: impl FnOnce(&mut Update)) {
        if let Some(facts) = self.update(update) {
            change(facts);
        }
    }

    /// The conversation begins anew.
    fn forget(&mut self, conversation: &str) {
        let mine = |facts: &&mut Update| facts.conversation == conversation && facts.received;
        self.updates.values_mut().filter(mine).for_each(|facts| facts.forgotten = true);
    }

    fn conversation(&self, update: u64) -> Option<&String> {
        self.updates.get(&update).map(|facts| &facts.conversation)
    }

    pub(super) fn figures(&self) -> Figures {
        let all = || self.updates.values();
        let count = |is: fn(&Update) -> bool| all().filter(|update| is(update)).count();
        let repeated = |update: &Update| update.parts().values().map(|sends| sends.len() - 1).sum::<usize>();
        let unknown = |send: &&Send| matches!(send.outcome, Outcome::Unknown { .. });
        Figures {
            sent: self.updates.len(),
            answered: count(|update| update.kind == Kind::Ask && update.is_answered() && !update.left_dead),
            declined: count(|update| {
                matches!(update.kind, Kind::Notice | Kind::Forget | Kind::Silent)
                    && update.is_answered()
                    && !update.left_dead
            }),
            dead: count(|update| update.left_dead),
            repeated_unknown: all().map(repeated).sum(),
            unknown: all().map(|update| update.sends.iter().filter(unknown).count()).sum(),
            forgotten: count(|update| update.forgotten),
            charges: all().map(|update| update.charges + update.orders).sum(),
            charged_again: all().map(|update| update.charges.saturating_sub(1) + update.orders.saturating_sub(1)).sum(),
            charged_after_stored: all()
                .filter(|update| !update.forgotten)
                .map(|update| update.charged_after_stored)
                .sum(),
            replayed: all().map(|update| update.replays.len()).sum(),
            failed_calls: self.failed_calls,
            kills: self.kills,
            ..Figures::default()
        }
    }
}

/// What a worker did since it was started.
#[derive(Default)]
struct Worker<'l> {
    /// Confirmed sends that no write has remembered yet.
    fresh: Vec<(u64, usize)>,
    loaded: HashMap<&'l str, usize>,
    /// Where it was handed each update last.
    began: HashMap<u64, usize>,
}

impl Update {
    fn new(kind: Kind, conversation: &str) -> Self {
        Self {
            kind,
            conversation: conversation.to_owned(),
            sends: Vec::new(),
            charges: 0,
            orders: 0,
            charged_after_stored: 0,
            given_up: false,
            replays: Vec::new(),
            left_waiting: false,
            left_dead: false,
            forgotten: false,
            stored_at: None,
            failure_stored_at: None,
            received: false,
        }
    }

    /// Everything that it asked for has arrived.
    pub(super) fn is_answered(&self) -> bool {
        let mut arrived = self.sends.iter().filter(|send| send.outcome.had_effect());
        match self.kind {
            Kind::Silent => !self.left_waiting,
            Kind::Notice | Kind::Forget => arrived.any(|send| send.words == Words::Notice),
            Kind::Poison => false,
            Kind::Ask => {
                let marks = arrived.filter_map(|send| match &send.words {
                    Words::Answer(marks) => Some(marks),
                    Words::Notice | Words::Apology => None,
                });
                let marks: BTreeSet<_> = marks.flatten().copied().collect();
                marks.iter().any(|mark| {
                    (1..=mark.paragraphs).all(|paragraph| {
                        marks.iter().any(|other| other.call == mark.call && other.paragraph == paragraph)
                    })
                })
            }
        }
    }

    /// The sends of each part that may have arrived, apologies aside. The same part of another answer is the same part:
    /// the person reads it twice.
    pub(super) fn parts(&self) -> BTreeMap<Vec<u32>, Vec<&Send>> {
        let mut parts: BTreeMap<Vec<u32>, Vec<&Send>> = BTreeMap::new();
        for send in self.sends.iter().filter(|send| send.outcome != Outcome::Refused && send.words != Words::Apology) {
            let paragraphs = match &send.words {
                Words::Answer(marks) => marks.iter().map(|mark| mark.paragraph).collect(),
                Words::Notice | Words::Apology => Vec::new(),
            };
            parts.entry(paragraphs).or_default().push(send);
        }
        parts
    }
}
