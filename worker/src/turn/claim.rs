//! Who may send the next part, how often it was sent, and for how long nobody else may.
//!
//! A send is counted in the bucket before it is made, so that a crash in between is known as what it is: a send whose
//! outcome nobody knows. Such a part is sent once more. After that the update goes to the dead-letter queue, where the
//! operator may order one more send: neither is the part repeated on and on, nor taken for delivered.

use std::time::{Duration, Instant};

use tracing::warn;

use super::{Attempt, contended};
use crate::conversation::{Claim, Conversation, Loaded, Pending, Piece};
use crate::failure::{Class, Failure};
use crate::telegram::{CALL_TIMEOUT, FILE_TIMEOUT};

/// Sends of one part with an unknown outcome: the first, and one repetition.
const UNCONFIRMED_MAX: u32 = 2;
/// Kept of the turn's time for writing down what became of a send; the bucket needs a tenth of it.
const WRITE: Duration = Duration::from_secs(1);
/// With less, a send is left to the next attempt. Most take a fifth of it.
const SEND_MIN: Duration = Duration::from_secs(1);
/// How much longer than its send a claim lasts: other machines have other clocks.
const CLOCKS_MS: u64 = 1_000;

impl Attempt<'_> {
    /// Counts the next send, unless it is, and signs for it, for as long as it may take.
    pub(super) async fn sign(&self, loaded: &mut Loaded, counted: bool) -> Result<(), Failure> {
        let Some(pending) = loaded.conversation.pending(self.update_id) else { return Err(contended(0)) };
        let before = (pending.next, pending.unconfirmed);
        if !counted {
            let unconfirmed = self.one_more(pending)?;
            self.claim_send(loaded, before, unconfirmed).await?;
        } else if pending.claim.until_ms < shared::now_ms() + Self::timeout(pending).as_secs() * 1_000 {
            // A wait, or a bucket that took its time, has used up the claim.
            self.claim_send(loaded, before, before.1).await?;
        }
        if self.patience(loaded) < SEND_MIN {
            return Err(Failure::new(Class::Transient, "no time left to send the next part"));
        }
        Ok(())
    }

    /// What the next send may take: the claim covers it, and its outcome can still be written down.
    pub(super) fn patience(&self, loaded: &mut Loaded) -> Duration {
        let claim = loaded.conversation.pending(self.update_id).map_or(0, |pending| pending.claim.until_ms);
        let claimed = Duration::from_millis(claim.saturating_sub(shared::now_ms() + CLOCKS_MS));
        self.until.saturating_duration_since(Instant::now()).saturating_sub(WRITE).min(claimed)
    }

    /// Signs for the send of the next part: nobody else sends while it may last.
    pub(super) fn claim(&self, pending: &Pending) -> Claim {
        let until_ms = shared::now_ms() + Self::timeout(pending).as_secs() * 1_000 + CLOCKS_MS;
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
    pub(super) fn own<'c>(&self, conversation: &'c mut Conversation) -> Result<&'c mut Pending, Failure> {
        match conversation.pending(self.update_id) {
            Some(pending) if pending.claim.left_ms(&self.invocation.request_id) == 0 => Ok(pending),
            Some(pending) => Err(contended(pending.claim.left_ms(&self.invocation.request_id))),
            None => Err(contended(0)),
        }
    }

    /// The pending answer, if this invocation still has it: nobody's progress is overwritten.
    pub(super) fn mine<'c>(&self, conversation: &'c mut Conversation) -> Result<&'c mut Pending, Failure> {
        match conversation.pending(self.update_id) {
            Some(pending) if pending.claim.by == self.invocation.request_id => Ok(pending),
            Some(pending) => Err(contended(pending.claim.left_ms(&self.invocation.request_id))),
            None => Err(contended(0)),
        }
    }

    /// Lets go of the answer before the attempt fails: what was surely not sent is not counted.
    /// If even this cannot be written, the count errs on the side of not repeating.
    pub(super) async fn let_go(&self, loaded: &mut Loaded, unsent: (u32, Option<String>), failure: Failure) -> Failure {
        if self.mine(&mut loaded.conversation).is_err() {
            return failure;
        }
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
