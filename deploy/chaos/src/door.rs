//! Where one function meets the services: every outside call of its process comes here, has its effect, or the fault
//! that the plan has for it. So a process can be killed between any two effects.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use local::fault::broken;
use local::lambda::Function;
use local::serve::Server;
use serde_json::Value;

use crate::event::{Event, Outcome};
use crate::mark::marks;
use crate::plan::{Fault, Service};
use crate::world::{State, World};
use crate::{bucket, gemini, sqs, telegram};

pub struct Door {
    pub name: String,
    world: Arc<World>,
    function: OnceLock<Arc<Function>>,
    /// The process was killed; what still arrives was sent by the dead.
    dead: AtomicBool,
}

/// An outside call, by the service that it goes to.
enum Call {
    Telegram { method: String, body: Value },
    Gemini { body: Value },
    Get { key: String },
    Put { key: String, headers: HeaderMap, bytes: Bytes },
    Sqs { action: String, body: Value },
}

impl Door {
    pub async fn open(name: String, world: Arc<World>) -> std::io::Result<(Arc<Self>, Server)> {
        let door = Arc::new(Self { name, world, function: OnceLock::new(), dead: AtomicBool::new(false) });
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
        if let Some(function) = self.function.get() {
            function.kill().await;
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
            Some(Fault::Malformed) => {
                let done = self.perform(call, false);
                // A refusal stays one: only an effect is told in words that nobody can read.
                if done.status().is_success() { (StatusCode::OK, r#"{"ok":tru"#).into_response() } else { done }
            }
            Some(Fault::Refuse) => self.refuse(&call, None, dead),
            Some(Fault::Wait(wait_s)) => self.refuse(&call, Some(wait_s), dead),
            None => self.perform(call, !dead),
        }
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
            Call::Get { .. } => bucket::error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            Call::Put { .. } => bucket::error(StatusCode::CONFLICT, "ConditionalRequestConflict"),
            Call::Sqs { .. } => sqs::unavailable(),
        }
    }

    /// `heard`: the answer reaches the one who called.
    fn perform(&self, call: Call, heard: bool) -> Response {
        let mut state = self.world.lock();
        let outcome = if heard { Outcome::Confirmed } else { Outcome::Unknown { effect: true } };
        self.sent(&mut state, &call, outcome);
        match call {
            Call::Telegram { method, .. } => telegram::done(&method, state.log.len()),
            Call::Gemini { body } => self.ask(&mut state, &body, heard),
            Call::Get { key } => {
                let (worker, conversation) = (self.name.clone(), conversation(&key));
                state.note(Event::Loaded { worker, conversation });
                state.bucket.get(&key)
            }
            Call::Put { key, headers, bytes } => match state.bucket.put(&key, &headers, bytes.clone()) {
                Ok(stored) => {
                    let answers = marks(&String::from_utf8_lossy(&bytes));
                    let (worker, conversation) = (self.name.clone(), conversation(&key));
                    state.note(Event::Stored { worker, conversation, answers });
                    stored
                }
                Err(refused) => *refused,
            },
            Call::Sqs { action, body } => sqs::call(&mut state, &action, &body),
        }
    }

    fn ask(&self, state: &mut State, body: &Value, heard: bool) -> Response {
        let Some(question) = gemini::read(body) else { return gemini::refused(None) };
        if question.text.contains(gemini::FAILING) {
            return gemini::refused(None);
        }
        let (update, worker) = (question.update, self.name.clone());
        let call = state.asked.entry(update).or_default();
        *call += 1;
        let call = *call;
        let (roles, seen) = (question.roles.clone(), question.seen.clone());
        state.note(Event::Asked { worker, update, call, roles, seen, heard });
        if question.text.contains(gemini::BLOCKED) { gemini::blocked() } else { gemini::answer(&question, call) }
    }

    /// Records a message to a person.
    fn sent(&self, state: &mut State, call: &Call, outcome: Outcome) {
        let Call::Telegram { method, body } = call else { return };
        let Some((update, words)) = telegram::read(body).filter(|_| method == "sendMessage") else { return };
        state.note(Event::Sent { worker: self.name.clone(), update, words, outcome });
    }
}

impl Call {
    async fn read(request: Request) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.ok()?;
        let json = || serde_json::from_slice(&bytes).unwrap_or_default();
        let path = parts.uri.path();
        if let Some(target) = parts.headers.get("x-amz-target") {
            let action = target.to_str().ok()?.rsplit('.').next()?.to_owned();
            return Some(Self::Sqs { action, body: json() });
        }
        if let Some(method) = path.strip_prefix("/bot").and_then(|path| path.rsplit('/').next()) {
            return Some(Self::Telegram { method: method.to_owned(), body: json() });
        }
        if path.ends_with(":generateContent") {
            return Some(Self::Gemini { body: json() });
        }
        let key = path.strip_prefix("/bucket/")?.to_owned();
        match parts.method {
            Method::GET => Some(Self::Get { key }),
            Method::PUT => Some(Self::Put { key, headers: parts.headers, bytes }),
            _ => None,
        }
    }

    /// What the plan knows the call by: what is done, and for whom.
    fn key(&self, state: &State) -> (Service, String) {
        match self {
            Self::Telegram { method, body } => {
                let whom = telegram::read(body).map_or_else(|| body["chat_id"].to_string(), |(id, _)| id.to_string());
                (Service::Telegram, format!("{method} {whom}"))
            }
            Self::Gemini { body } => {
                let update = gemini::read(body).map(|question| question.update);
                (Service::Gemini, format!("ask {}", update.unwrap_or_default()))
            }
            Self::Get { key } => (Service::S3, format!("GET {key}")),
            Self::Put { key, .. } => (Service::S3, format!("PUT {key}")),
            Self::Sqs { action, body } => {
                (Service::Sqs, format!("{action} {}", sqs::update(state, body).unwrap_or_default()))
            }
        }
    }
}

async fn serve(Shared(door): Shared<Arc<Door>>, request: Request) -> Response {
    let what = format!("{} {}", request.method(), request.uri().path());
    match Call::read(request).await {
        Some(call) => door.answer(call).await,
        None => (StatusCode::NOT_IMPLEMENTED, what).into_response(),
    }
}

/// As the queue names it: an object's key has a folder for a chat's topics.
fn conversation(key: &str) -> String {
    key.trim_start_matches("conversations/").trim_end_matches(".json").replace('/', ":")
}
