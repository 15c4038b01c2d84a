//! Sends what is stored, part by part, and remembers each before the next goes out.
//!
//! A send is counted in the bucket before it is made, so that a crash in between is known as what it is: a send whose
//! outcome nobody knows. Such a part is sent once more; after that it counts as delivered.

use std::time::Duration;

use tracing::warn;

use super::{Attempt, Ended, contended};
use crate::conversation::{Claim, Conversation, Loaded, Pending, Piece};
use crate::failure::{self, Class, Failure, Sent};
use crate::telegram::{self, Target};

/// Sends of one part with an unknown outcome: the first, and one repetition.
const UNCONFIRMED_MAX: u32 = 2;

impl Attempt<'_> {
    /// `picture` holds the bytes of a picture that this invocation has just drawn.
    pub(super) async fn deliver(&self, mut loaded: Loaded, picture: Option<Vec<u8>>) -> Result<Ended, Failure> {
        // Just stored by this invocation: the first send is counted already.
        let mut counted =
            loaded.conversation.pending(self.update_id).is_some_and(|pending| pending.claim == *self.claim);
        loop {
            let Some(pending) = loaded.conversation.pending(self.update_id) else { return Ok(Ended::Repeated) };
            let (parts, next, unconfirmed) = (pending.pieces.len(), pending.next, pending.unconfirmed);
            let Some(piece) = pending.pieces.get(next).cloned() else {
                return self.settle(&mut loaded, parts).await;
            };
            if !counted && unconfirmed < UNCONFIRMED_MAX {
                self.claim_send(&mut loaded, unconfirmed + 1).await?;
                counted = true;
            } else if !counted {
                warn!(part = next, "sent twice with an unknown outcome: counts as delivered");
            }
            if counted {
                let reply_to = (next == 0).then_some(pending_reply_to(&mut loaded, self.update_id)).flatten();
                match self.send(&piece, reply_to, picture.as_deref()).await {
                    Ok(()) => {}
                    Err(Sent::Gone(why)) => return self.give_up(&mut loaded, why).await,
                    Err(Sent::Retry(failure)) => return Err(self.let_go(&mut loaded, failure).await),
                    Err(Sent::Plain | Sent::Moved(_)) => {
                        let failure = Failure::new(Class::Unexpected, "Telegram refuses the part in every form");
                        return Err(self.let_go(&mut loaded, failure).await);
                    }
                }
            }
            if next + 1 == parts {
                return self.settle(&mut loaded, parts).await;
            }
            // One write confirms this part and counts the send of the next.
            self.change(&mut loaded, |conversation| {
                let pending = self.own(conversation)?;
                (pending.next, pending.unconfirmed, pending.claim) = (next + 1, 1, self.claim.clone());
                Ok(())
            })
            .await?;
            counted = true;
        }
    }

    /// Counts a send before it is made, and signs for it.
    async fn claim_send(&self, loaded: &mut Loaded, unconfirmed: u32) -> Result<(), Failure> {
        self.change(loaded, |conversation| {
            let pending = self.own(conversation)?;
            (pending.unconfirmed, pending.claim) = (unconfirmed, self.claim.clone());
            Ok(())
        })
        .await
    }

    /// The pending answer, if no other invocation is at it.
    fn own<'c>(&self, conversation: &'c mut Conversation) -> Result<&'c mut Pending, Failure> {
        match conversation.pending(self.update_id) {
            Some(pending) if pending.claim.by == self.claim.by || pending.claim.until_ms <= crate::now_ms() => {
                Ok(pending)
            }
            Some(pending) => Err(contended(pending)),
            None => Err(Failure::new(Class::Contended, "settled by another worker")),
        }
    }

    async fn send(&self, piece: &Piece, reply_to: Option<i64>, picture: Option<&[u8]>) -> Result<(), Sent> {
        let mut target = Target { conversation: self.key, reply_to };
        let (mut plain, mut moved, mut waited) = (false, false, false);
        loop {
            let sent = self.send_once(piece, target, plain, picture).await;
            match sent {
                Err(Sent::Plain) if !plain => plain = true,
                Err(Sent::Moved(chat_id)) if !moved => {
                    (moved, target.conversation.chat_id, target.reply_to) = (true, chat_id, None);
                }
                Err(Sent::Retry(failure)) if !waited && failure.short_wait().is_some() => {
                    waited = true;
                    tokio::time::sleep(failure.short_wait().unwrap_or(Duration::ZERO)).await;
                }
                sent => return sent,
            }
        }
    }

    async fn send_once(&self, piece: &Piece, target: Target, plain: bool, picture: Option<&[u8]>) -> Result<(), Sent> {
        let telegram = &self.bot.telegram;
        let sent: Result<(), telegram::Error> = match piece {
            Piece::Text(part) if plain => telegram.send_message(target, &part.plain()).await,
            Piece::Text(part) => telegram.send_message(target, part).await,
            Piece::Photo { picture: stored, caption } => {
                let bytes = match picture {
                    Some(bytes) => bytes.to_vec(),
                    None => {
                        let loaded = self.bot.conversations.load_picture(stored).await;
                        let bytes = loaded.map_err(|error| Sent::Retry(Failure::from(error)))?;
                        bytes.ok_or_else(|| Sent::Gone("the picture has expired".to_owned()))?
                    }
                };
                let caption = caption.as_ref().map(|part| if plain { part.plain() } else { part.clone() });
                telegram.send_photo(target, &stored.mime, bytes, caption.as_ref()).await
            }
        };
        sent.map_err(failure::judge_send)
    }

    async fn settle(&self, loaded: &mut Loaded, parts: usize) -> Result<Ended, Failure> {
        self.change(loaded, |conversation| {
            if !conversation.is_done(self.update_id) {
                self.own(conversation)?;
                conversation.settle(self.update_id);
            }
            Ok(())
        })
        .await?;
        Ok(Ended::Answered { parts })
    }

    /// What nobody has read is no history.
    async fn give_up(&self, loaded: &mut Loaded, why: String) -> Result<Ended, Failure> {
        self.change(loaded, |conversation| {
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
    async fn let_go(&self, loaded: &mut Loaded, failure: Failure) -> Failure {
        let known = failure.class != Class::UnknownOutcome;
        let before = loaded.conversation.pending(self.update_id).map_or(0, |pending| pending.unconfirmed);
        let written = self
            .change(loaded, |conversation| {
                let pending = self.own(conversation)?;
                pending.unconfirmed = if known { before.saturating_sub(1) } else { before };
                pending.claim = Claim::default();
                Ok(())
            })
            .await;
        if let Err(error) = written {
            warn!(error = error.error, "could not let go of the answer");
        }
        failure
    }
}

fn pending_reply_to(loaded: &mut Loaded, update_id: u64) -> Option<i64> {
    loaded.conversation.pending(update_id).map(|pending| pending.reply_to)
}
