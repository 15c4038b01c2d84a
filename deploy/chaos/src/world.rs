//! Everything that the simulated services know, behind one lock: so their records have one order.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::bucket::Bucket;
use crate::event::{Entry, Event};
use crate::plan::Plan;
use crate::queue::{Message, Queue};

/// What the queue calls a second passes in a fortieth of one. Deadlines and waits inside a function are real.
const SCALE: u64 = 40;
/// Longer than a claim on a text's send, which is 11 s: it can be waited for in place.
pub const WORKER_TIMEOUT: Duration = Duration::from_secs(30);
/// 33 s in real time, longer than an invocation.
const VISIBILITY_S: u64 = 1_320;
const DEDUP_S: u64 = 300;
/// Fewer than the template's, so that more comes to the dead-letter queue, and no backoff is as long as a claim.
const MAX_RECEIVES: u32 = 4;
/// A turn whose message is shown again too soon takes until another worker has it too, or so long if none is free.
pub const LONG_TURN: Duration = Duration::from_secs(5);

pub fn scaled_ms(seconds: u64) -> u64 {
    seconds * 1000 / SCALE
}

/// How long a message stays hidden when the worker asks for so many seconds. A claim on a send is counted by the
/// worker's own clock, which is real, so whoever waits for the end of one that is too long to be waited for in place
/// (more than 12 s, at most 41, and a second or two more) waits in real time.
pub fn waited_ms(seconds: u64) -> u64 {
    if (13..=43).contains(&seconds) { seconds * 1000 } else { scaled_ms(seconds) }
}

pub struct World {
    began: Instant,
    state: Mutex<State>,
}

pub struct State {
    pub log: Vec<Entry>,
    pub plan: Plan,
    pub queue: Queue,
    /// The dead-letter queue.
    pub dead: Queue,
    pub bucket: Bucket,
    /// How often Gemini answered for an update.
    pub asked: HashMap<u64, u32>,
    /// Groups that have another id now, by their old one.
    pub moved: HashMap<i64, i64>,
    /// How many more writes the object of a conversation takes before it is corrupted.
    pub corruptions: HashMap<String, u32>,
    pub now_ms: u64,
}

impl World {
    pub fn new(plan: Plan, forgetful: bool, corruptions: HashMap<String, u32>) -> Self {
        let state = State {
            log: Vec::new(),
            plan,
            queue: Queue::new(scaled_ms(DEDUP_S), MAX_RECEIVES),
            dead: Queue::new(scaled_ms(DEDUP_S), u32::MAX),
            bucket: Bucket::new(forgetful),
            asked: HashMap::new(),
            moved: HashMap::new(),
            corruptions,
            now_ms: 0,
        };
        Self { began: Instant::now(), state: Mutex::new(state) }
    }

    /// The state, at its present time.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        state
    }

    pub fn note(&self, event: Event) {
        self.lock().note(event);
    }
}

impl State {
    pub fn note(&mut self, event: Event) {
        self.log.push(Entry { at_ms: self.now_ms, event });
    }

    /// A batch for a worker. Some of it is shown again too soon, as if the turn took longer than it may.
    pub fn receive(&mut self, worker: &str) -> Vec<Message> {
        let mut dice = self.plan.dice(&format!("batch {}", self.log.len()));
        let offset = dice.below(1 << 20) as usize;
        let until_ms = self.now_ms + scaled_ms(VISIBILITY_S);
        let received = self.queue.receive(self.now_ms, until_ms, offset, || 1 + dice.below(4) as usize);
        for message in received.given_up {
            self.note(Event::GivenUp { update: message.update });
            self.dead.adopt(message);
        }
        for message in &received.batch {
            let (update, count) = (message.update, message.received);
            self.note(Event::Received { update, worker: worker.to_owned(), count });
        }
        for long in &received.batch {
            if long.received > 1 || !self.is_long(long.update) {
                continue;
            }
            let soon_ms = self.now_ms + self.plan.dice(&format!("expires in {}", long.update)).below(200);
            // One receive has one time-out, and a conversation is withheld while any of it is in flight.
            for message in received.batch.iter().filter(|message| message.group == long.group) {
                drop(self.queue.hide(self.now_ms, &message.receipt, soon_ms));
            }
        }
        received.batch
    }

    /// Whether the first turn of this update takes longer than its message stays hidden.
    fn is_long(&self, update: u64) -> bool {
        self.plan.chance(&format!("long {update}"), 0.05)
    }

    /// It is at its first turn, and shall not end before another worker has it too.
    pub fn lingers(&self, update: u64) -> bool {
        self.is_long(update) && self.queue.is_at_first_receipt(update)
    }

    /// After a write to it: whether the object of this conversation breaks now.
    pub fn corrupts(&mut self, conversation: &str) -> bool {
        let Some(left) = self.corruptions.get_mut(conversation) else { return false };
        *left = left.saturating_sub(1);
        let now = *left == 0;
        if now {
            self.corruptions.remove(conversation);
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker has two messages of a conversation, of which the second is a long one's; unless by this seed it was
    /// given one alone.
    fn both_received(seed: u64) -> Option<(World, u64)> {
        let world = World::new(Plan::new(seed, 0.2, 0.0, &[]), false, HashMap::new());
        let mut state = world.lock();
        let short = (1..).find(|update| !state.is_long(*update))?;
        let long = (1..).find(|update| state.is_long(*update))?;
        for update in [short, long] {
            state.queue.send(0, "fox", &update.to_string(), update, String::new());
        }
        let both = state.receive("worker-1").len() == 2;
        drop(state);
        both.then_some((world, long))
    }

    #[test]
    fn what_is_shown_too_soon_comes_to_another_worker_though_it_was_received_with_others_of_its_conversation() {
        let (world, long) = (1..).find_map(both_received).unwrap();
        let mut state = world.lock();
        assert!(state.lingers(long));
        state.now_ms += 200;
        assert_eq!(state.receive("worker-2").len(), 2);
        assert!(!state.lingers(long));
    }
}
