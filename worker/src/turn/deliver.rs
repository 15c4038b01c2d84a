//! Sends what is stored, part by part, and remembers each before the next goes out.

use std::time::{Duration, Instant};

use super::{Attempt, Ended};
use crate::conversation::{Conversation, Loaded, Piece};
use crate::failure::{self, Class, Failure, Verdict};
use crate::telegram::Target;
use crate::words;

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
        // What is known of the part should its send surely not happen.
        let mut unsent = None;
        loop {
            let Some(pending) = loaded.conversation.pending(self.update_id) else { return Ok(Ended::Repeated) };
            let (parts, next, unconfirmed) = (pending.pieces.len(), pending.next, pending.unconfirmed);
            let reply_to = (next == 0).then_some(pending.reply_to);
            let Some(piece) = pending.pieces.get(next).cloned() else {
                break self.settle(loaded, parts, chat_id).await;
            };
            let counts = (if counted { 0 } else { unconfirmed }, pending.ordered.clone());
            let unsent_now = unsent.get_or_insert(counts).clone();
            if let Err(failure) = self.sign(loaded, counted).await {
                return Err(self.let_go(loaded, unsent_now, failure).await);
            }
            let sending = self.send(&piece, reply_to, &mut chat_id, picture.as_deref());
            let sent = tokio::time::timeout(self.patience(loaded), sending).await;
            match sent.unwrap_or_else(|_elapsed| Err(out_of_time())) {
                Ok(()) if next + 1 == parts => break self.settle(loaded, parts, chat_id).await,
                Ok(()) => {}
                Err(Verdict::Gone(why)) => return self.give_up(loaded, why).await,
                Err(Verdict::Retry(failure)) => {
                    let Some(wait) = failure.short_wait().filter(|_| !waited) else {
                        return Err(self.let_go(loaded, unsent_now, failure).await);
                    };
                    waited = true;
                    tokio::time::sleep(wait).await;
                    // The same send again, counted already.
                    counted = true;
                    continue;
                }
                Err(_) => {
                    let failure = Failure::new(Class::Unexpected, "Telegram refuses the part in every form");
                    return Err(self.let_go(loaded, unsent_now, failure).await);
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
            (counted, unsent) = (true, None);
        }
    }

    /// What has happened must be written down: while there is time, an unwilling bucket is asked again.
    pub(super) async fn confirm(
        &self,
        loaded: &mut Loaded,
        change: impl Fn(&mut Conversation) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.insist(loaded, Duration::MAX, change).await
    }

    /// Asks an unwilling bucket again, for so long. Unwilling is also one that refuses every write as a conflict, while
    /// nobody else has the answer.
    pub(super) async fn insist(
        &self,
        loaded: &mut Loaded,
        patience: Duration,
        change: impl Fn(&mut Conversation) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        const AGAIN: Duration = Duration::from_millis(500);
        let began = Instant::now();
        loop {
            match self.change(loaded, &change).await {
                Err(failure)
                    if Self::unwilling(&failure)
                        && began.elapsed() < patience
                        && self.invocation.left() > AGAIN * 10 =>
                {
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
}

fn out_of_time() -> Verdict {
    Verdict::Retry(Failure::new(Class::UnknownOutcome, "no time left to wait for Telegram's answer"))
}
