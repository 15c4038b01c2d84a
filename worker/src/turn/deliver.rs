//! Sends what is stored, part by part, and remembers each before the next goes out.
//!
//! A send is counted in the bucket before it is made, so that a crash in between is known as what it is: a send whose
//! outcome nobody knows. Such a part is sent once more. After that the update goes to the dead-letter queue, where the
//! operator may order one more send: neither is the part repeated on and on, nor taken for delivered.

use std::time::Duration;

use tracing::warn;

use super::{Attempt, Ended, contended};
use crate::conversation::{Claim, Conversation, Loaded, Pending, Piece};
use crate::failure::{self, Class, Failure, Verdict};
use crate::telegram::{CALL_TIMEOUT, FILE_TIMEOUT, Target};
use crate::words;

/// Sends of one part with an unknown outcome: the first, and one repetition.
const UNCONFIRMED_MAX: u32 = 2;

impl Attempt<'_> {
    /// `counted`: the first send is in the bucket's count already, with this invocation's claim.
    /// `picture` holds the bytes of a picture that this invocation has just drawn.
    pub(super) async fn deliver(
        &self,
        loaded: &mut Loaded,
        mut counted: bool,
        picture: Option<Vec<u8>>,
    ) -> Result<Ended, Failure> {
        let (mut waited, mut chat_id) = (false, self.key.chat_id);
        loop {
            let Some(pending) = loaded.conversation.pending(self.update_id) else { return Ok(Ended::Repeated) };
            let (parts, next, mut unconfirmed) = (pending.pieces.len(), pending.next, pending.unconfirmed);
            let reply_to = (next == 0).then_some(pending.reply_to);
            let Some(piece) = pending.pieces.get(next).cloned() else {
                break self.settle(loaded, parts, chat_id).await;
            };
            // What is known should this send surely not happen.
            let mut unsent = (0, pending.ordered.clone());
            if !counted {
                unsent.0 = unconfirmed;
                unconfirmed = self.one_more(pending)?;
                self.claim_send(loaded, (next, unsent.0), unconfirmed).await?;
            } else if pending.claim.until_ms < shared::now_ms() + Self::timeout(pending).as_secs() * 1_000 {
                // A bucket that took its time has used up the claim.
                self.claim_send(loaded, (next, unconfirmed), unconfirmed).await?;
            }
            match self.send(&piece, reply_to, &mut chat_id, picture.as_deref()).await {
                Ok(()) if next + 1 == parts => break self.settle(loaded, parts, chat_id).await,
                Ok(()) => {}
                Err(Verdict::Gone(why)) => return self.give_up(loaded, why).await,
                Err(Verdict::Retry(failure)) => {
                    let Some(wait) = failure.short_wait().filter(|_| !waited) else {
                        return Err(self.let_go(loaded, unsent, failure).await);
                    };
                    waited = true;
                    tokio::time::sleep(wait).await;
                    // The same send again, under a claim of its own.
                    self.claim_send(loaded, (next, unconfirmed), unconfirmed).await?;
                    counted = true;
                    continue;
                }
                Err(_) => {
                    let failure = Failure::new(Class::Unexpected, "Telegram refuses the part in every form");
                    return Err(self.let_go(loaded, unsent, failure).await);
                }
            }
            // One write confirms this part and counts the send of the next.
            self.confirm(loaded, |conversation| {
                let pending = self.mine(conversation)?;
                (pending.next, pending.unconfirmed) = (next + 1, 1);
                pending.claim = self.claim(pending);
                Ok(())
            })
            .await?;
            counted = true;
        }
    }

    /// Signs for the send of the next part: nobody else sends while it may last.
    pub(super) fn claim(&self, pending: &Pending) -> Claim {
        // A second more: other machines have other clocks.
        let until_ms = shared::now_ms() + Self::timeout(pending).as_secs() * 1_000 + 1_000;
        Claim { by: self.invocation.request_id.clone(), until_ms }
    }

    /// How long the send of the next part may take.
    fn timeout(pending: &Pending) -> Duration {
        match pending.pieces.get(pending.next) {
            Some(Piece::Photo { .. }) => FILE_TIMEOUT,
            Some(Piece::Text(_)) | None => CALL_TIMEOUT,
        }
    }

    /// The count of sends with one more: the first, its one repetition, and then one for each replay.
    fn one_more(&self, pending: &Pending) -> Result<u32, Failure> {
        match pending.unconfirmed {
            count if count < UNCONFIRMED_MAX => Ok(count + 1),
            _ if self.replay.is_some() && self.replay != pending.ordered.as_deref() => Ok(UNCONFIRMED_MAX),
            _ => Err(Failure::new(Class::UnknownOutcome, "sent twice, and nobody knows whether it arrived")),
        }
    }

    /// Counts the send of a part that has been counted so often, and signs for it.
    async fn claim_send(&self, loaded: &mut Loaded, before: (usize, u32), unconfirmed: u32) -> Result<(), Failure> {
        self.change(loaded, |conversation| {
            let pending = self.own(conversation)?;
            // Another invocation may have sent since it was loaded: that send counts too.
            let ours = pending.claim.by == self.invocation.request_id;
            if !ours && (pending.next, pending.unconfirmed) != before {
                return Err(contended(0));
            }
            (pending.unconfirmed, pending.claim) = (unconfirmed, self.claim(pending));
            if let Some(replay) = self.replay {
                pending.ordered = Some(replay.to_owned());
            }
            Ok(())
        })
        .await
    }

    /// The pending answer, if no other invocation is at it.
    fn own<'c>(&self, conversation: &'c mut Conversation) -> Result<&'c mut Pending, Failure> {
        match conversation.pending(self.update_id) {
            Some(pending) if pending.claim.left_ms(&self.invocation.request_id) == 0 => Ok(pending),
            Some(pending) => Err(contended(pending.claim.left_ms(&self.invocation.request_id))),
            None => Err(contended(0)),
        }
    }

    /// The pending answer, if this invocation still has it: nobody's progress is overwritten.
    fn mine<'c>(&self, conversation: &'c mut Conversation) -> Result<&'c mut Pending, Failure> {
        match conversation.pending(self.update_id) {
            Some(pending) if pending.claim.by == self.invocation.request_id => Ok(pending),
            Some(pending) => Err(contended(pending.claim.left_ms(&self.invocation.request_id))),
            None => Err(contended(0)),
        }
    }

    /// What has happened must be written down: while there is time, an unwilling bucket is asked again. Unwilling is
    /// also one that refuses every write as a conflict, while nobody else has the answer.
    async fn confirm(
        &self,
        loaded: &mut Loaded,
        change: impl Fn(&mut Conversation) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        const AGAIN: Duration = Duration::from_millis(500);
        loop {
            match self.change(loaded, &change).await {
                Err(failure) if Self::unwilling(&failure) && self.invocation.left() > AGAIN * 10 => {
                    tokio::time::sleep(AGAIN).await;
                }
                changed => return changed,
            }
        }
    }

    /// The bucket's fault, or a race lost; but not that another invocation has the answer, which comes with a wait.
    fn unwilling(failure: &Failure) -> bool {
        failure.class == Class::Transient || failure.class == Class::Contended && failure.wait_s.is_none()
    }

    /// One part, in the form in which Telegram takes it; each form is tried once.
    async fn send(
        &self,
        piece: &Piece,
        reply_to: Option<i64>,
        chat_id: &mut i64,
        picture: Option<&[u8]>,
    ) -> Result<(), Verdict> {
        let mut target = Target { conversation: self.key, reply_to };
        let (mut plain, mut words_only) = (false, false);
        loop {
            target.conversation.chat_id = *chat_id;
            match self.send_once(piece, target, plain, words_only, picture).await {
                Err(Verdict::Plain) if !plain => plain = true,
                Err(Verdict::NoPicture) if !words_only => words_only = true,
                Err(Verdict::Moved(new)) if *chat_id != new => (*chat_id, target.reply_to) = (new, None),
                Err(Verdict::Detached) if target.reply_to.is_some() || target.conversation.thread_id.is_some() => {
                    (target.reply_to, target.conversation.thread_id) = (None, None);
                }
                sent => return sent,
            }
        }
    }

    async fn send_once(
        &self,
        piece: &Piece,
        target: Target,
        plain: bool,
        words_only: bool,
        picture: Option<&[u8]>,
    ) -> Result<(), Verdict> {
        let telegram = &self.bot.telegram;
        let (stored, caption) = match piece {
            Piece::Text(part) => {
                let sent = if plain {
                    telegram.send_message(target, &part.plain()).await
                } else {
                    telegram.send_message(target, part).await
                };
                return sent.map_err(failure::judge_send);
            }
            Piece::Photo { picture, caption } => (picture, caption.as_ref()),
        };
        let bytes = match picture {
            Some(bytes) => Some(bytes.to_vec()),
            None => {
                let loaded = self.bot.conversations.load_picture(stored).await;
                loaded.map_err(|error| Verdict::Retry(Failure::from(error)))?
            }
        };
        let Some(bytes) = bytes.filter(|_| !words_only) else {
            let notice = super::answer::words(words::PICTURE_REFUSED);
            return telegram.send_message(target, &notice).await.map_err(failure::judge_send);
        };
        let caption = caption.map(|part| if plain { part.plain() } else { part.clone() });
        telegram.send_photo(target, &stored.mime, bytes, caption.as_ref()).await.map_err(failure::judge_send)
    }

    /// All is sent. A chat that was found under another id takes its history along.
    async fn settle(&self, loaded: &mut Loaded, parts: usize, chat_id: i64) -> Result<Ended, Failure> {
        self.confirm(loaded, |conversation| {
            if !conversation.is_done(self.update_id) {
                self.own(conversation)?;
                conversation.settle(self.update_id);
            }
            if chat_id != self.key.chat_id {
                conversation.moved_to = Some(chat_id);
            }
            Ok(())
        })
        .await?;
        self.follow(&loaded.conversation).await?;
        Ok(Ended::Answered { parts })
    }

    /// What nobody has read is no history.
    async fn give_up(&self, loaded: &mut Loaded, why: String) -> Result<Ended, Failure> {
        self.confirm(loaded, |conversation| {
            if !conversation.is_done(self.update_id) {
                self.own(conversation)?.turn = None;
                conversation.settle(self.update_id);
            }
            Ok(())
        })
        .await?;
        Ok(Ended::Gone(why))
    }

    /// Lets go of the answer before the attempt fails: what was surely not sent is not counted.
    /// If even this cannot be written, the count errs on the side of not repeating.
    async fn let_go(&self, loaded: &mut Loaded, unsent: (u32, Option<String>), failure: Failure) -> Failure {
        let known = failure.class != Class::UnknownOutcome;
        let written = self.confirm(loaded, |conversation| {
            let pending = self.mine(conversation)?;
            if known {
                (pending.unconfirmed, pending.ordered) = unsent.clone();
            }
            pending.claim = Claim::default();
            Ok(())
        });
        if let Err(error) = written.await {
            warn!(error = error.error, "could not let go of the answer");
        }
        failure
    }
}
