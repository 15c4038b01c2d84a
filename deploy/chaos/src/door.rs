//! Where one function meets the services: every outside call of its process comes here, has its effect, or the fault
//! that the plan has for it. So a process can be killed between any two effects.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use local::fault::broken;
use local::lambda::Function;
use local::serve::Server;
use serde_json::Value;
use tokio::sync::Notify;

use crate::call::{Call, conversation};
use crate::event::{Event, Outcome};
use crate::mark::marks;
use crate::plan::Fault;
use crate::world::{LONG_TURN, State, World};
use crate::{bucket, gemini, sqs, telegram};

/// Longer than any caller waits in a run.
const HANG: Duration = Duration::from_secs(60);
/// Between two looks whether another worker has a message too.
const PAUSE: Duration = Duration::from_millis(10);
/// How much longer a long turn takes than until another worker has its message: several times what a turn takes.
const LATE_MS: u64 = 400;

pub struct Door {
    pub name: String,
    world: Arc<World>,
    /// Whose calls these are; without one they are the operator's.
    function: OnceLock<Arc<Function>>,
    /// The operator's command shall be killed.
    pub killed: Notify,
    /// The process was killed; what still arrives was sent by the dead.
    dead: AtomicBool,
}

impl Door {
    pub async fn open(name: String, world: Arc<World>) -> std::io::Result<(Arc<Self>, Server)> {
        let (function, killed, dead) = Default::default();
        let door = Arc::new(Self { name, world, function, killed, dead });
        let server = Server::start(0, Router::new().fallback(serve).with_state(Arc::clone(&door))).await?;
        Ok((door, server))
    }

    /// Whose calls these are.
    pub fn belongs_to(&self, function: Arc<Function>) {
        drop(self.function.set(function));
    }

    /// A process, perhaps a new one, begins an invocation.
    pub fn alive(&self) {
        self.dead.store(false, Ordering::SeqCst);
    }

    async fn kill(&self, why: &'static str) {
        self.dead.store(true, Ordering::SeqCst);
        self.world.note(Event::Killed { worker: self.name.clone(), why });
        match self.function.get() {
            Some(function) => function.kill().await,
            None => {
                self.killed.notify_one();
                // It hears nothing more.
                tokio::time::sleep(HANG).await;
            }
        }
    }

    async fn answer(&self, call: Call) -> Response {
        let fault = self.fault(&call);
        let dead = self.dead.load(Ordering::SeqCst);
        match fault {
            Some(Fault::KillBefore) => {
                self.miss(&call);
                self.kill("before").await;
                broken()
            }
            Some(Fault::KillAfter) => {
                drop(self.perform(call, false));
                self.kill("after").await;
                broken()
            }
            Some(Fault::BreakBefore) => {
                self.miss(&call);
                broken()
            }
            Some(Fault::BreakAfter) => {
                drop(self.perform(call, false));
                broken()
            }
            Some(Fault::HangBefore) => {
                self.miss(&call);
                tokio::time::sleep(HANG).await;
                broken()
            }
            Some(Fault::HangAfter) => {
                drop(self.perform(call, false));
                tokio::time::sleep(HANG).await;
                broken()
            }
            Some(Fault::Malformed) => {
                // A refusal stays one: only an effect is told in words that nobody can read.
                let heard = !dead && moved(&self.world.lock(), &call).is_some();
                let done = self.perform(call, heard);
                if done.status().is_success() { (StatusCode::OK, r#"{"ok":tru"#).into_response() } else { done }
            }
            Some(Fault::Refuse) => self.refuse(&call, None, dead),
            Some(Fault::Wait(wait_s)) => self.refuse(&call, Some(wait_s), dead),
            None => {
                self.linger(&call).await;
                self.perform(call, !dead)
            }
        }
    }

    /// Gemini takes its time when a turn shall outlast its message's visibility.
    async fn linger(&self, call: &Call) {
        let Call::Gemini { body } = call else { return };
        let update = gemini::read(body).map(|question| question.update);
        let Some(update) = update else { return };
        if !self.world.lock().lingers(update) {
            return;
        }
        let until = Instant::now() + LONG_TURN;
        while self.world.lock().lingers(update) && Instant::now() < until {
            tokio::time::sleep(PAUSE).await;
        }
        // The other one may have ended its turn by then, or still be at it.
        let late_ms = self.world.lock().plan.dice(&format!("late {update}")).below(LATE_MS);
        tokio::time::sleep(Duration::from_millis(late_ms)).await;
    }

    fn fault(&self, call: &Call) -> Option<Fault> {
        let mut state = self.world.lock();
        let (service, key) = call.key(&state);
        let fault = state.plan.next(service, &key)?;
        state.note(Event::Failed { worker: self.name.clone(), call: format!("{service:?} {key}"), fault });
        Some(fault)
    }

    /// The call has no effect, and the caller cannot know.
    fn miss(&self, call: &Call) {
        self.sent(&mut self.world.lock(), call, Outcome::Unknown { effect: false });
    }

    fn refuse(&self, call: &Call, wait_s: Option<u32>, dead: bool) -> Response {
        let outcome = if dead { Outcome::Unknown { effect: false } } else { Outcome::Refused };
        self.sent(&mut self.world.lock(), call, outcome);
        match call {
            Call::Telegram { .. } => telegram::refused(wait_s),
            Call::Gemini { .. } => gemini::refused(wait_s),
            // Only a write with a condition can meet another one.
            Call::Put { headers, .. } if has_condition(headers) => {
                bucket::error(StatusCode::CONFLICT, "ConditionalRequestConflict")
            }
            Call::Get { .. } | Call::Put { .. } | Call::Copy { .. } => {
                bucket::error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown")
            }
            Call::Sqs { .. } => sqs::unavailable(),
        }
    }

    /// `heard`: the answer reaches the one who called.
    fn perform(&self, call: Call, heard: bool) -> Response {
        let mut state = self.world.lock();
        if let Some(to) = moved(&state, &call) {
            let outcome = if heard { Outcome::Refused } else { Outcome::Unknown { effect: false } };
            self.sent(&mut state, &call, outcome);
            return telegram::moved(to);
        }
        let outcome = if heard { Outcome::Confirmed } else { Outcome::Unknown { effect: true } };
        self.sent(&mut state, &call, outcome);
        match call {
            Call::Telegram { method, .. } => telegram::done(&method, state.log.len()),
            Call::Gemini { body } => self.ask(&mut state, &body, heard),
            Call::Get { key } => {
                if let Some(conversation) = conversation(&key) {
                    state.note(Event::Loaded { worker: self.name.clone(), conversation });
                }
                state.bucket.get(&key)
            }
            Call::Put { key, headers, bytes } => match state.bucket.put(&key, &headers, bytes.clone()) {
                Ok(stored) => {
                    self.stored(&mut state, &key, &String::from_utf8_lossy(&bytes));
                    stored
                }
                Err(refused) => *refused,
            },
            Call::Copy { from, to } => {
                if let Some(conversation) = conversation(&from).filter(|_| state.bucket.is_corrupt(&from)) {
                    state.note(Event::SetAside { conversation });
                }
                state.bucket.copy(&from, &to)
            }
            Call::Sqs { action, body } => sqs::call(&mut state, self.function.get().is_none(), &action, &body),
        }
    }

    fn stored(&self, state: &mut State, key: &str, object: &str) {
        let Some(conversation) = conversation(key) else { return };
        let json: Value = serde_json::from_str(object).unwrap_or_default();
        let failed = json["failed"].as_array().into_iter().flatten();
        let failed = failed.filter_map(|failed| failed["update_id"].as_u64()).collect();
        let (worker, answers) = (self.name.clone(), marks(object));
        state.note(Event::Stored { worker, conversation: conversation.clone(), answers, failed });
        if state.corrupts(&conversation) {
            state.bucket.corrupt(key);
            state.note(Event::Corrupted { conversation });
        }
    }

    fn ask(&self, state: &mut State, body: &Value, heard: bool) -> Response {
        let Some(question) = gemini::read(body) else { return gemini::refused(None) };
        if question.text.contains(gemini::FAILING) {
            return gemini::refused(None);
        }
        let (update, worker, orders) = (question.update, self.name.clone(), question.orders());
        let call = state.asked.entry(update).or_default();
        *call += u32::from(!orders);
        let call = *call;
        let (roles, seen) = (question.roles.clone(), question.seen.clone());
        state.note(Event::Asked { worker, update, call, orders, roles, seen, heard });
        if question.text.contains(gemini::BLOCKED) { gemini::blocked() } else { gemini::answer(&question, call) }
    }

    /// Records a message to a person.
    fn sent(&self, state: &mut State, call: &Call, outcome: Outcome) {
        let Call::Telegram { method, body } = call else { return };
        let Some((update, words)) = telegram::read(body).filter(|_| telegram::is_message(method)) else { return };
        state.note(Event::Sent { worker: self.name.clone(), update, words, outcome });
    }
}

/// Where the chat has gone that this message is for.
fn moved(state: &State, call: &Call) -> Option<i64> {
    let Call::Telegram { method, body } = call else { return None };
    let chat_id = body["chat_id"].as_i64().filter(|_| telegram::is_message(method))?;
    state.moved.get(&chat_id).copied()
}

fn has_condition(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_MATCH) || headers.contains_key(header::IF_NONE_MATCH)
}

async fn serve(Shared(door): Shared<Arc<Door>>, request: Request) -> Response {
    let what = format!("{} {}", request.method(), request.uri().path());
    match Call::read(request).await {
        Some(call) => door.answer(call).await,
        None => (StatusCode::NOT_IMPLEMENTED, what).into_response(),
    }
}
