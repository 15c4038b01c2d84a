//! Everything that the simulated services know, behind one lock: so their records have one order.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::bucket::Bucket;
use crate::event::{Entry, Event};
use crate::plan::Plan;
use crate::queue::{Message, Queue};

/// What the services call a second passes in a fortieth of one. Only what is asked of the queue is shortened so;
/// deadlines and waits inside a function are real.
pub const SCALE: u64 = 40;
/// The worker begins no turn with less than 13 s.
pub const WORKER_TIMEOUT: Duration = Duration::from_secs(16);
/// The template's figures.
const VISIBILITY_S: u64 = 720;
const DEDUP_S: u64 = 300;
const MAX_RECEIVES: u32 = 5;

pub fn scaled_ms(seconds: u64) -> u64 {
    seconds * 1000 / SCALE
}

pub struct World {
    began: Instant,
    state: Mutex<State>,
}

pub struct State {
    pub log: Vec<Entry>,
    pub plan: Plan,
    pub queue: Queue,
    pub bucket: Bucket,
    /// How often Gemini answered for an update.
    pub asked: HashMap<u64, u32>,
    /// Of all invocations that had this update.
    deadlines: HashMap<u64, Vec<u64>>,
    pub now_ms: u64,
}

impl World {
    pub fn new(plan: Plan, forgetful: bool) -> Self {
        let state = State {
            log: Vec::new(),
            plan,
            queue: Queue::new(scaled_ms(VISIBILITY_S), scaled_ms(DEDUP_S), MAX_RECEIVES),
            bucket: Bucket::new(forgetful),
            asked: HashMap::new(),
            deadlines: HashMap::new(),
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
        let received = self.queue.receive(self.now_ms, offset, || 1 + dice.below(4) as usize);
        for update in received.given_up {
            self.note(Event::GivenUp { update });
        }
        let deadline_ms = self.now_ms + u64::try_from(WORKER_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
        for message in &received.batch {
            let (update, count) = (message.update, message.received);
            self.note(Event::Received { update, worker: worker.to_owned(), count });
            self.deadlines.entry(update).or_default().push(deadline_ms);
            if self.plan.chance(&format!("expires {update} {count}"), 0.01) {
                let soon_ms = self.now_ms + self.plan.dice(&format!("expires in {update}")).below(200);
                drop(self.queue.hide(self.now_ms, &message.receipt, soon_ms));
            }
        }
        received.batch
    }

    /// When to show a message that shall be shown after `wait_s`: soon, by the scaled clock; but who waits for the
    /// deadline of another invocation, which is real, waits for real.
    pub fn shown_at_ms(&self, update: u64, wait_s: u32) -> u64 {
        let wait_s = u64::from(wait_s);
        let asked_ms = self.now_ms + wait_s * 1000;
        let earlier = self.deadlines.get(&update).map_or(&[][..], |all| all.split_last().map_or(&[], |(_, rest)| rest));
        // A second more than what is left, rounded up; and the time that the call took.
        let meant = |deadline_ms: &&u64| (900..2_600).contains(&asked_ms.saturating_sub(**deadline_ms));
        earlier.iter().find(meant).copied().unwrap_or(self.now_ms + scaled_ms(wait_s))
    }
}
