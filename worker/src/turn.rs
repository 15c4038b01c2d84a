//! One turn, from the update to the acknowledgement. Read this first: the bot's whole behaviour is here.
//!
//! ```text
//! load the conversation ▸ done lately? acknowledge ▸ answer stored? go on with its first unconfirmed part
//! else route ▸ ask Gemini ▸ store the answer ▸ send its parts, each remembered before the next ▸ settle
//! ```
//!
//! Every write is conditional on what was loaded. Whatever crashes, at any point, the next attempt goes on from what
//! the bucket holds: a stored answer is never asked for again, a confirmed part never sent again.

mod answer;
mod claim;
mod deliver;
mod farewell;

pub use farewell::tell_of_failure;

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::{ConversationKey, Envelope};
use tokio::sync::{OnceCell, Semaphore};

use crate::config::Allowed;
use crate::conversation::{Claim, Conversation, Conversations, Loaded, Pending, Piece, Turn};
use crate::failure::{self, Class, Failure};
use crate::gemini::Gemini;
use crate::router::{self, Me, Route};
use crate::telegram::{Target, Telegram};
use crate::update::{Message, Update};
use crate::{Invocation, words};

/// Files in memory at once: two of the largest that there are.
const FILES_MB: usize = 40;
/// A text's send is over by then. Somebody waits for one where the queue hands a message out too early, or where a worker
/// was killed.
const INLINE_WAIT_MS: u64 = 12_000;
/// How long an unwilling bucket is asked to take an answer that has been paid for; then it is asked for anew, later.
const STORE_PATIENCE: Duration = Duration::from_secs(5);
/// How many strangers in one group are remembered.
const REFUSED_MAX: usize = 100;

/// What a turn needs of the world; made once per process.
pub struct Bot {
    telegram: Telegram,
    gemini: Gemini,
    conversations: Conversations,
    allowed: Allowed,
    me: OnceCell<Me>,
    /// Room for the files of all conversations of a batch, in MB.
    files: Arc<Semaphore>,
}

/// How a turn ended. Each means that the update needs nothing more.
#[derive(Debug)]
pub enum Ended {
    /// On purpose without a word, for this reason.
    Silent(&'static str),
    /// It had been answered before.
    Repeated,
    /// Every part is with Telegram.
    Answered { parts: usize },
    /// Nobody is there any more to read it, in Telegram's words.
    Gone(String),
}

/// An answer, ready to be stored.
struct Answer {
    pieces: Vec<Piece>,
    /// `None`: the history does not keep it (notices, what Gemini blocked).
    turn: Option<Turn>,
    change: Change,
    /// The bytes of a picture just drawn: sent without being read back from the bucket.
    picture: Option<Vec<u8>>,
}

/// What storing an answer does to the conversation besides.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Nothing,
    Forget,
    /// This person may not talk to the bot, and is told so.
    Refuse(i64),
}

/// One update in one invocation.
struct Attempt<'a> {
    bot: &'a Bot,
    key: ConversationKey,
    update_id: u64,
    /// When the ingress had it, in ms since 1970.
    at_ms: u64,
    message: &'a Message,
    /// The replay that this attempt belongs to.
    replay: Option<&'a str>,
    invocation: &'a Invocation,
    /// When the turn is cut off.
    until: Instant,
}

/// `replay` names the operator's order, when the update comes from the dead-letter queue. The caller cuts the turn off
/// at `until`; no send is begun that could not be written down by then.
///
/// # Errors
/// When a later attempt may succeed: the message must stay on the queue.
pub async fn run(
    bot: &Bot,
    envelope: &Envelope<'_>,
    replay: Option<&str>,
    invocation: &Invocation,
    until: Instant,
) -> Result<Ended, Failure> {
    let update: Update = serde_json::from_str(envelope.update.get())
        .map_err(|error| Failure::new(Class::Undecodable, format!("update: {:?} error", error.classify())))?;
    let Some(message) = update.message else { return Ok(Ended::Silent("no message")) };
    let route = bot.route(&message).await?;
    if let Route::Silent(reason) = route {
        return Ok(Ended::Silent(reason));
    }
    let (key, update_id) = (envelope.conversation, envelope.update_id);
    let at_ms = envelope.received_at;
    let attempt = Attempt { bot, key, update_id, at_ms, message: &message, replay, invocation, until };
    let mut loaded = bot.conversations.load(key).await?;
    match attempt.go_on(&mut loaded, route).await {
        Err(failure) if failure.class == Class::Contended && loaded.conversation.is_done(update_id) => {
            attempt.follow(&loaded.conversation).await?;
            Ok(Ended::Repeated)
        }
        ended => ended,
    }
}

impl Bot {
    pub fn new(telegram: Telegram, gemini: Gemini, conversations: Conversations, allowed: Allowed) -> Self {
        let files = Arc::new(Semaphore::new(FILES_MB));
        Self { telegram, gemini, conversations, allowed, me: OnceCell::new(), files }
    }

    async fn route(&self, message: &Message) -> Result<Route, Failure> {
        if !router::needs_name(message) {
            return Ok(router::route(message, &Me::default()));
        }
        let me = self.me.get_or_try_init(|| self.telegram.get_me()).await.map_err(failure::judge_call)?;
        Ok(router::route(message, me))
    }
}

impl Attempt<'_> {
    async fn go_on(&self, loaded: &mut Loaded, route: Route) -> Result<Ended, Failure> {
        if let Route::Migrated(chat_id) = route {
            // Written down first: whatever is settled from now on follows too.
            let moved = |conversation: &mut Conversation| {
                conversation.moved_to = Some(chat_id);
                Ok(())
            };
            self.change(loaded, moved).await?;
            self.follow(&loaded.conversation).await?;
            return Ok(Ended::Silent("the group became a supergroup"));
        }
        loop {
            if loaded.conversation.is_done(self.update_id) {
                self.follow(&loaded.conversation).await?;
                return Ok(Ended::Repeated);
            }
            let Some(pending) = loaded.conversation.pending(self.update_id) else { break };
            match pending.claim.left_ms(&self.invocation.request_id) {
                0 => return self.deliver(loaded, false, None).await,
                // The send of an invocation that was killed, or of one that is still at it.
                left_ms if left_ms <= INLINE_WAIT_MS => tokio::time::sleep(Duration::from_millis(left_ms)).await,
                left_ms => return Err(contended(left_ms)),
            }
            *loaded = self.bot.conversations.load(self.key).await?;
        }
        let writer = self.message.from.as_ref().map_or(self.key.chat_id, |from| from.id);
        if !loaded.conversation.has_room() {
            return Err(Failure::new(
                Class::Unexpected,
                "too many answers of this conversation wait for their delivery",
            ));
        }
        let answer = if self.bot.allowed.has(self.key.chat_id, Some(writer)) {
            self.answer(&loaded.conversation, route).await?
        } else if loaded.conversation.refused.contains(&writer) {
            return Ok(Ended::Silent("not allowed, and told so before"));
        } else {
            let text = words::refused(writer, self.key.chat_id);
            Answer { change: Change::Refuse(writer), ..answer::notice(&text) }
        };
        self.store(loaded, &answer).await?;
        self.deliver(loaded, true, answer.picture).await
    }

    /// The fence: of two workers on one update only one stores its answer; the other one comes back later.
    /// The first send is counted here, before it is made.
    async fn store(&self, loaded: &mut Loaded, answer: &Answer) -> Result<(), Failure> {
        self.insist(loaded, STORE_PATIENCE, |conversation| {
            if conversation.is_done(self.update_id) {
                return Err(contended(0));
            }
            if let Some(pending) = conversation.pending(self.update_id) {
                let left_ms = pending.claim.left_ms(&self.invocation.request_id);
                if pending.claim.by != self.invocation.request_id {
                    return Err(contended(left_ms));
                }
                // Ours: the write had its effect, and its answer got lost; meanwhile time has passed.
                pending.claim = self.claim(pending);
                return Ok(());
            }
            match answer.change {
                Change::Nothing => {}
                Change::Forget => conversation.forget(self.at_ms),
                Change::Refuse(writer) => {
                    conversation.refused.push_back(writer);
                    while conversation.refused.len() > REFUSED_MAX {
                        conversation.refused.pop_front();
                    }
                }
            }
            let mut pending = Pending {
                update_id: self.update_id,
                reply_to: self.message.message_id,
                pieces: answer.pieces.clone(),
                at_ms: shared::now_ms(),
                next: 0,
                unconfirmed: 1,
                ordered: None,
                claim: Claim::default(),
                turn: answer.turn.clone(),
            };
            pending.claim = self.claim(&pending);
            conversation.store(pending);
            Ok(())
        })
        .await
    }

    /// Changes the conversation and saves it; when somebody else wrote meanwhile, loads it again and decides anew.
    /// So `change` may run several times, also on an object that holds its effect already.
    async fn change(
        &self,
        loaded: &mut Loaded,
        change: impl Fn(&mut Conversation) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.bot.conversations.change(self.key, loaded, change).await
    }

    fn target(&self) -> Target {
        Target { conversation: self.key, reply_to: Some(self.message.message_id) }
    }

    /// A turn that was settled under the old id, and ended before the history had followed, comes back for this alone.
    /// The history follows a group to its new id; the old object stays until it expires.
    async fn follow(&self, old: &Conversation) -> Result<(), Failure> {
        let Some(chat_id) = old.moved_to.filter(|_| !old.turns.is_empty() || old.forgotten_ms > 0) else {
            return Ok(());
        };
        let new = ConversationKey { chat_id, thread_id: None };
        let mut loaded = self.bot.conversations.load(new).await?;
        let adopt = |conversation: &mut Conversation| {
            conversation.adopt(old);
            Ok(())
        };
        self.bot.conversations.change(new, &mut loaded, adopt).await
    }
}

/// Another invocation has this update, or died while it had: nothing before its send is over.
fn contended(left_ms: u64) -> Failure {
    let wait_s = u32::try_from(left_ms.div_ceil(1_000)).unwrap_or(u32::MAX);
    Failure { wait_s: Some(wait_s), ..Failure::new(Class::Contended, "another invocation has this update") }
}
