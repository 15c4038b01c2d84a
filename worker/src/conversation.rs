//! A conversation as it lies in the bucket: one JSON object, bounded, replaced whole and only if nobody else did.
//!
//! Answers that are not fully delivered lie inside the object, not beside it: storing one, marking a part as sent and
//! closing the turn are then one conditional write each, and no two objects can disagree.

mod store;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::Failed;

pub use store::{Conversations, Error, Loaded};

use crate::reply::Part;

pub const VERSION: u32 = 1;

/// How many answered updates are remembered. Telegram delivers a chat's updates one after another and SQS repeats
/// within minutes, so a few would do; replays come up to 14 days later, but what lies in the dead-letter queue is hardly
/// ever answered already. Each is read and written with every message.
const DONE_MAX: usize = 100;
/// How many answers may wait for their delivery. One more is not asked for: the oldest must not be forgotten.
const PENDING_MAX: usize = 50;
/// And in bytes: pictures' words and signatures are long, and the whole object is read and written with each message.
const PENDING_MAX_BYTES: usize = 4 * 1024 * 1024;
/// The dead-letter queue keeps a message for 14 days, and a replay begins them anew.
const PENDING_MAX_AGE_MS: u64 = 30 * 24 * 3_600_000;
/// What of the past is sent with each question, in tokens as Gemini counted them: some 40 long exchanges.
const HISTORY_MAX_TOKENS: u32 = 24_000;
/// The same in bytes, for what has few tokens and many bytes (signatures, emoji, other scripts).
const HISTORY_MAX_BYTES: usize = 256 * 1024;
/// And in turns: each is read, sent and written anew with every message, and what is older says little.
const HISTORY_MAX_TURNS: usize = 40;

#[derive(Debug, Deserialize, Serialize)]
pub struct Conversation {
    pub version: u32,
    /// Oldest first; each begins with the user and ends with the model.
    #[serde(default)]
    pub turns: Vec<Turn>,
    /// Ids of the updates that need nothing more, the latest last.
    #[serde(default)]
    pub done: VecDeque<u64>,
    /// Answers that are not fully delivered. Several: one may wait in the dead-letter queue while the talk goes on.
    #[serde(default)]
    pub pending: Vec<Pending>,
    /// Ids of those who may not talk to the bot and have been told so: once is enough.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub refused: VecDeque<i64>,
    /// When the latest `/new` was written, in ms since 1970. Not its update id: after a quiet week Telegram begins anew
    /// anywhere.
    #[serde(default)]
    pub forgotten_ms: u64,
    /// The group's new id, where its history has to follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<i64>,
    /// Updates that went to the dead-letter queue, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Failed>,
}

impl Default for Conversation {
    fn default() -> Self {
        Self {
            version: VERSION,
            turns: Vec::new(),
            done: VecDeque::new(),
            pending: Vec::new(),
            refused: VecDeque::new(),
            forgotten_ms: 0,
            moved_to: None,
            failed: Vec::new(),
        }
    }
}

/// A question and its answer, as Gemini is shown them again.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Turn {
    pub update_id: u64,
    /// When the ingress had it, in ms since 1970.
    #[serde(default)]
    pub at_ms: u64,
    pub tokens: u32,
    /// Gemini's own `contents`, the model's byte for byte as they came.
    pub contents: Vec<Box<RawValue>>,
    /// The object with the picture that was drawn; never base64 in here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<Picture>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Picture {
    pub key: String,
    pub mime: String,
}

/// An answer on its way, and how far it has come.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Pending {
    pub update_id: u64,
    /// The message that the first piece quotes.
    pub reply_to: i64,
    pub pieces: Vec<Piece>,
    /// When it was stored, in ms since 1970.
    #[serde(default = "shared::now_ms")]
    pub at_ms: u64,
    /// The first piece that Telegram has not confirmed.
    pub next: usize,
    /// Sends of that piece whose outcome nobody knows, counted before each send: a crash leaves the count right.
    pub unconfirmed: u32,
    /// The operator's latest replay that ordered one send more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<String>,
    pub claim: Claim,
    /// What becomes history when all is sent; notices leave none.
    pub turn: Option<Turn>,
}

/// Who is sending a part: until that is over, nobody else does.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Claim {
    /// The invocation's request id.
    pub by: String,
    /// When the send has ended one way or another, in ms since 1970; 0 when it has let go.
    pub until_ms: u64,
}

impl Claim {
    /// How long somebody else may still be sending.
    pub fn left_ms(&self, request_id: &str) -> u64 {
        if self.by == request_id { 0 } else { self.until_ms.saturating_sub(shared::now_ms()) }
    }
}

impl Pending {
    fn is_over(&self, now_ms: u64) -> bool {
        self.at_ms + PENDING_MAX_AGE_MS <= now_ms
    }

    /// About: what is long in it.
    fn bytes(&self) -> usize {
        let words = self.pieces.iter().map(|piece| match piece {
            Piece::Text(part) => part.text.len(),
            Piece::Photo { caption, .. } => caption.as_ref().map_or(0, |part| part.text.len()),
        });
        words.sum::<usize>() + self.turn.as_ref().map_or(0, Turn::bytes)
    }
}

impl Turn {
    fn bytes(&self) -> usize {
        self.contents.iter().map(|content| content.get().len()).sum()
    }
}

/// One message to Telegram.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    Text(Part),
    Photo { picture: Picture, caption: Option<Part> },
}

impl Conversation {
    pub fn is_done(&self, update_id: u64) -> bool {
        self.done.contains(&update_id)
    }

    pub fn pending(&mut self, update_id: u64) -> Option<&mut Pending> {
        self.pending.iter_mut().find(|pending| pending.update_id == update_id)
    }

    /// Whether an answer more can be kept.
    pub fn has_room(&self) -> bool {
        let now_ms = shared::now_ms();
        let kept = self.pending.iter().filter(|pending| !pending.is_over(now_ms));
        let (count, bytes) = kept.fold((0, 0), |(count, bytes), pending| (count + 1, bytes + pending.bytes()));
        count < PENDING_MAX && bytes < PENDING_MAX_BYTES
    }

    /// Keeps an answer until it is delivered. Those of updates that somebody dropped from the dead-letter queue never
    /// are: in time they go.
    pub fn store(&mut self, pending: Pending) {
        self.pending.retain(|old| !old.is_over(pending.at_ms));
        self.pending.push(pending);
    }

    /// Forgets what was written until then, also what is still to be delivered or comes with a move. What was written
    /// after stays: a replayed `/new` may come late.
    pub fn forget(&mut self, at_ms: u64) {
        self.forgotten_ms = self.forgotten_ms.max(at_ms);
        self.turns.retain(|turn| turn.at_ms > at_ms);
        for pending in &mut self.pending {
            pending.turn.take_if(|turn| turn.at_ms <= at_ms);
        }
    }

    /// Puts the turns of the chat's former self before its own; what that was told to forget is forgotten here too.
    pub fn adopt(&mut self, old: &Self) {
        self.forgotten_ms = self.forgotten_ms.max(old.forgotten_ms);
        let mut turns = old.turns.clone();
        turns.retain(|turn| self.turns.iter().all(|own| own.update_id != turn.update_id));
        turns.append(&mut self.turns);
        self.turns = turns;
        self.bound();
    }

    /// The update needs nothing more: whatever was pending for it becomes history.
    pub fn settle(&mut self, update_id: u64) {
        if let Some(index) = self.pending.iter().position(|pending| pending.update_id == update_id) {
            self.turns.extend(self.pending.remove(index).turn);
            self.bound();
        }
        self.failed.retain(|failed| failed.update_id != update_id);
        self.done.push_back(update_id);
        while self.done.len() > DONE_MAX {
            self.done.pop_front();
        }
    }

    /// All that Gemini is shown of the past, and its tokens.
    pub fn history(&self) -> (Vec<&RawValue>, u32) {
        let contents = self.turns.iter().flat_map(|turn| turn.contents.iter().map(AsRef::as_ref)).collect();
        (contents, self.turns.iter().fold(0, |sum, turn| sum.saturating_add(turn.tokens)))
    }

    pub fn last_picture(&self) -> Option<&Picture> {
        self.turns.iter().rev().find_map(|turn| turn.picture.as_ref())
    }

    /// Drops what is forgotten, and the oldest turns, whole, once there is too much of them; the newest stays, however
    /// large. To three quarters at once: until there is too much again every question begins as the one before, and of
    /// such a beginning Gemini charges a tenth.
    fn bound(&mut self) {
        self.turns.retain(|turn| turn.at_ms >= self.forgotten_ms);
        let within = |quarters: usize| {
            let (mut tokens, mut bytes, mut turns) = (0_u32, 0, 0);
            self.turns.iter().rev().take_while(move |turn| {
                tokens = tokens.saturating_add(turn.tokens);
                bytes += turn.bytes();
                turns += 1;
                tokens as usize * 4 <= HISTORY_MAX_TOKENS as usize * quarters
                    && bytes * 4 <= HISTORY_MAX_BYTES * quarters
                    && turns * 4 <= HISTORY_MAX_TURNS * quarters
            })
        };
        if within(4).count() < self.turns.len() {
            let kept = within(3).count().max(1);
            self.turns.drain(..self.turns.len() - kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(update_id: u64, tokens: u32, bytes: usize) -> Turn {
        let content = serde_json::value::to_raw_value(&"x".repeat(bytes)).unwrap();
        Turn { update_id, at_ms: update_id, tokens, contents: vec![content], picture: None }
    }

    fn settled(turns: Vec<Turn>) -> Vec<u64> {
        let mut conversation = Conversation::default();
        for turn in turns {
            let update_id = turn.update_id;
            conversation.pending.push(Pending {
                update_id,
                reply_to: 1,
                pieces: Vec::new(),
                at_ms: 0,
                next: 0,
                unconfirmed: 0,
                ordered: None,
                claim: Claim::default(),
                turn: Some(turn),
            });
            conversation.settle(update_id);
        }
        conversation.turns.iter().map(|turn| turn.update_id).collect()
    }

    #[test]
    fn history_is_bounded_in_tokens_bytes_and_turns_and_keeps_the_newest() {
        assert_eq!(settled(vec![turn(1, 9_000, 1), turn(2, 9_000, 1), turn(3, 9_000, 1)]), [2, 3]);
        assert_eq!(settled(vec![turn(1, 1, 200_000), turn(2, 1, 100_000)]), [2]);
        assert_eq!(settled(vec![turn(1, 1, 1), turn(2, 99_000, 900_000)]), [2]);
        let many = |count| settled((1..=count).map(|id| turn(id, 1, 1)).collect());
        assert_eq!(many(40).len(), 40);
        assert_eq!(many(41), (12..=41).collect::<Vec<_>>(), "a quarter at once");
    }

    #[test]
    fn what_is_forgotten_stays_so_and_what_was_written_after_is_kept() {
        let mut conversation = Conversation { turns: [1, 2, 4].map(|id| turn(id, 1, 1)).into(), ..Default::default() };
        conversation.forget(3);
        conversation.forget(2);
        let old = Conversation { turns: [1, 2, 3, 5].map(|id| turn(id, 1, 1)).into(), ..Default::default() };
        conversation.adopt(&old);
        assert_eq!(conversation.turns.iter().map(|turn| turn.update_id).collect::<Vec<_>>(), [3, 5, 4]);
        conversation.adopt(&Conversation { forgotten_ms: 5, ..Default::default() });
        assert_eq!(conversation.turns.iter().map(|turn| turn.update_id).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn the_updates_done_lately_are_remembered_and_the_oldest_forgotten() {
        let mut conversation = Conversation::default();
        (0..=DONE_MAX as u64).for_each(|id| conversation.settle(id));
        assert!(!conversation.is_done(0) && conversation.is_done(1) && conversation.is_done(DONE_MAX as u64));
    }
}
