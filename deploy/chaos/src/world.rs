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
/// Long enough to wait for the end of a dead worker's send, which is 16 s.
pub const WORKER_TIMEOUT: Duration = Duration::from_secs(40);
/// 45 s in real time, longer than an invocation; the rest as in the template.
const VISIBILITY_S: u64 = 1_800;
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
        for message in &received.batch {
            let (update, count) = (message.update, message.received);
            self.note(Event::Received { update, worker: worker.to_owned(), count });
            if self.plan.chance(&format!("expires {update} {count}"), 0.01) {
                let soon_ms = self.now_ms + self.plan.dice(&format!("expires in {update}")).below(200);
                drop(self.queue.hide(self.now_ms, &message.receipt, soon_ms));
            }
        }
        received.batch
    }
}
