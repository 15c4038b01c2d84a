//! Telegram's side of the webhook: one conversation's updates one after another, each again until it is taken, and
//! some of them twice.

use std::sync::Arc;
use std::time::Duration;

use local::lambda::Function;
use local::lambda::event::url_event;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::door::Door;
use crate::event::{Event, Kind};
use crate::script::{How, Line};
use crate::world::{World, scaled_ms};

pub const SECRET: &str = "a-webhook-secret-of-no-worth";
/// SHA-256 of it, in hex.
pub const SECRET_SHA256: &str = "e21d509b4b5e16bced3a156580817e1e40372c38af9365949a92e59afb09309f";
/// The template gives the ingress ten seconds.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Telegram waits a little before it tries again, and repeats for a day.
const AGAIN_S: u64 = 5;
const LATE_S: u64 = 320;

/// The ingress functions, of which each does one thing at a time.
pub struct Webhook {
    free: tokio::sync::Mutex<mpsc::UnboundedReceiver<Ingress>>,
    back: mpsc::UnboundedSender<Ingress>,
    world: Arc<World>,
}

pub type Ingress = (Arc<Function>, Arc<Door>);

impl Webhook {
    pub fn new(world: Arc<World>, all: Vec<Ingress>) -> Self {
        let (back, free) = mpsc::unbounded_channel();
        all.into_iter().for_each(|ingress| drop(back.send(ingress)));
        Self { free: tokio::sync::Mutex::new(free), back, world }
    }

    /// All of a conversation. Returns when the queue has the last of it, duplicates too.
    pub async fn talk(&self, lines: Vec<Line>) {
        let mut late = Vec::new();
        for line in &lines {
            let (update, conversation, kind) = (line.update, line.conversation.clone(), line.kind);
            if let Some((from, to)) = line.moves {
                let mut state = self.world.lock();
                state.moved.insert(from, to);
                state.note(Event::Moved { from: from.to_string(), to: to.to_string() });
            }
            match &line.how {
                How::Foreign(body) => self.put(line, body.clone()),
                How::Update(json) => {
                    self.deliver(json).await;
                    let again = |what: &str| self.world.lock().plan.chance(&format!("{what} {update}"), 0.03);
                    if again("at once again") {
                        self.deliver(json).await;
                        self.world.note(Event::Duplicated { update, late: false });
                    }
                    if kind != Kind::Poison && again("late again") {
                        late.push((update, json));
                    }
                }
            }
            self.world.note(Event::Accepted { update, conversation, kind });
        }
        if late.is_empty() {
            return;
        }
        // SQS has forgotten them by then.
        tokio::time::sleep(Duration::from_millis(scaled_ms(LATE_S))).await;
        for (update, json) in late {
            self.deliver(json).await;
            self.world.note(Event::Duplicated { update, late: true });
        }
    }

    /// Until the ingress says 200.
    async fn deliver(&self, update: &Value) {
        let headers = [("X-Telegram-Bot-Api-Secret-Token", SECRET)];
        let event = url_event("POST", &headers, update.to_string().as_bytes(), false);
        loop {
            let Some(ingress) = self.free.lock().await.recv().await else { return };
            ingress.1.alive();
            let answer = ingress.0.invoke(event.clone(), TIMEOUT).await;
            drop(self.back.send(ingress));
            if answer.is_ok_and(|answer| answer["statusCode"] == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(scaled_ms(AGAIN_S))).await;
        }
    }

    fn put(&self, line: &Line, body: String) {
        let mut state = self.world.lock();
        let now_ms = state.now_ms;
        state.queue.send(now_ms, &line.conversation, &line.update.to_string(), line.update, body);
    }
}

/// What no ingress ever wrote.
pub fn foreign(update: u64) -> String {
    format!("this is no envelope, but number {update}")
}
