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
mod deliver;
mod farewell;

pub use farewell::tell_of_failure;

use shared::{ConversationKey, Envelope};
use tokio::sync::OnceCell;

use crate::config::Allowed;
use crate::conversation::{Claim, Conversation, Conversations, Loaded, Pending, Piece, Turn};
use crate::failure::{self, Class, Failure};
use crate::gemini::Gemini;
use crate::router::{self, Me, Route};
use crate::telegram::{Target, Telegram};
use crate::update::{Message, Update};
use crate::{conversation, words};

/// What a turn needs of the world; made once per process.
pub struct Bot {
    pub telegram: Telegram,
    pub gemini: Gemini,
    pub conversations: Conversations,
    pub allowed: Allowed,
    pub me: OnceCell<Me>,
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
    RefusalTold,
}

/// One update in one invocation.
struct Attempt<'a> {
    bot: &'a Bot,
    key: ConversationKey,
    update_id: u64,
    message: &'a Message,
    /// What this invocation signs with while it sends.
    claim: &'a Claim,
}

/// # Errors
/// When a later attempt may succeed: the message must stay on the queue.
pub async fn run(bot: &Bot, envelope: &Envelope<'_>, claim: &Claim) -> Result<Ended, Failure> {
    let update: Update = serde_json::from_str(envelope.update.get())
        .map_err(|error| Failure::new(Class::Undecodable, format!("update: {:?} error", error.classify())))?;
    let Some(message) = update.message else { return Ok(Ended::Silent("no message")) };
    let route = bot.route(&message).await?;
    if let Route::Silent(reason) = route {
        return Ok(Ended::Silent(reason));
    }
    let attempt = Attempt { bot, key: envelope.conversation, update_id: envelope.update_id, message: &message, claim };
    if let Route::Migrated(chat_id) = route {
        return attempt.migrate(chat_id).await;
    }

    let mut loaded = bot.conversations.load(attempt.key).await?;
    if loaded.conversation.is_done(attempt.update_id) {
        return Ok(Ended::Repeated);
    }
    if loaded.conversation.pending(attempt.update_id).is_some() {
        return attempt.deliver(loaded, None).await;
    }
    let allowed = bot.allowed.has(message.chat.id, message.from.as_ref().map(|from| from.id));
    if !allowed && loaded.conversation.refusal_told {
        return Ok(Ended::Silent("not allowed, and told so before"));
    }
    let answer = if allowed { attempt.answer(&loaded.conversation, route).await? } else { attempt.refusal() };
    attempt.store(&mut loaded, &answer).await?;
    attempt.deliver(loaded, answer.picture).await
}

impl Bot {
    async fn route(&self, message: &Message) -> Result<Route, Failure> {
        if !router::needs_name(message) {
            return Ok(router::route(message, &Me::default()));
        }
        let me = self.me.get_or_try_init(|| self.telegram.get_me()).await.map_err(failure::judge_call)?;
        Ok(router::route(message, me))
    }
}

impl Attempt<'_> {
    /// The fence: of two workers on one update only one stores its answer; the other one comes back later.
    /// The first send is counted here, before it is made.
    async fn store(&self, loaded: &mut Loaded, answer: &Answer) -> Result<(), Failure> {
        self.change(loaded, |conversation| {
            if conversation.is_done(self.update_id) {
                return Err(Failure::new(Class::Contended, "answered by another worker"));
            }
            if let Some(pending) = conversation.pending(self.update_id) {
                // Ours: the write had its effect, and its answer got lost.
                return if pending.claim == *self.claim { Ok(()) } else { Err(contended(pending)) };
            }
            match answer.change {
                Change::Nothing => {}
                Change::Forget => conversation.turns.clear(),
                Change::RefusalTold => conversation.refusal_told = true,
            }
            conversation.pending.push(Pending {
                update_id: self.update_id,
                reply_to: self.message.message_id,
                pieces: answer.pieces.clone(),
                next: 0,
                unconfirmed: 1,
                claim: self.claim.clone(),
                turn: answer.turn.clone(),
            });
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
        const TRIES: usize = 4;
        for _ in 0..TRIES {
            change(&mut loaded.conversation)?;
            match self.bot.conversations.save(self.key, loaded).await {
                Err(conversation::Error::Lost) => *loaded = self.bot.conversations.load(self.key).await?,
                saved => return Ok(saved?),
            }
        }
        Err(Failure::new(Class::Contended, "the conversation keeps changing"))
    }

    fn target(&self) -> Target {
        Target { conversation: self.key, reply_to: Some(self.message.message_id) }
    }

    fn refusal(&self) -> Answer {
        let text = words::refused(self.key.chat_id, self.message.is_private());
        Answer { change: Change::RefusalTold, ..answer::notice(&text) }
    }

    /// The history follows the group to its new id. The old object stays until it expires.
    async fn migrate(&self, chat_id: i64) -> Result<Ended, Failure> {
        let conversations = &self.bot.conversations;
        let old = conversations.load(self.key).await?;
        let new = ConversationKey { chat_id, thread_id: None };
        let mut loaded = conversations.load(new).await?;
        if loaded.conversation.turns.is_empty() && !old.conversation.turns.is_empty() {
            loaded.conversation.turns = old.conversation.turns;
            conversations.save(new, &mut loaded).await?;
        }
        Ok(Ended::Silent("the group became a supergroup"))
    }
}

/// Another invocation is sending this answer, or died while it was: nothing before its deadline has passed.
fn contended(pending: &Pending) -> Failure {
    let left_ms = pending.claim.until_ms.saturating_sub(crate::now_ms());
    let wait_s = u32::try_from(left_ms.div_ceil(1000)).unwrap_or(u32::MAX);
    Failure { wait_s: Some(wait_s), ..Failure::new(Class::Contended, "another invocation has this update") }
}
