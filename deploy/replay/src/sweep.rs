//! Goes through the dead-letter queue, batch by batch: what is meant is listed, sent back or dropped, the rest is held
//! until the end and then let go. SQS keeps back a conversation while one of its messages is in somebody's hands, and
//! hands out ten at once, of one conversation or of several. So at the end each that has something held is let go by
//! itself and looked at again, as long as something of it goes. What lies behind ten that stay is counted.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;

use crate::args::Selection;
use crate::dlq::Dlq;
use crate::letter::Letter;
use crate::outbox::{Outbox, Sent};
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::question;
use crate::reasons::Reasons;
use crate::stop::Stop;

pub enum Act {
    Look,
    /// As `Look`, up to the first one.
    Find,
    Send(Outbox),
    Drop {
        ask: bool,
    },
}

pub struct Sweep {
    pub dlq: Dlq,
    pub selection: Selection,
    pub act: Act,
    /// Read for every letter, if they are there.
    pub reasons: Option<Reasons>,
    pub stop: Stop,
    pub progress: Progress,
    /// In our hands until the end.
    pub held: Vec<Letter>,
    pub outcome: Outcome,
}

impl Sweep {
    /// Whatever happens, what was held is let go before this returns.
    pub async fn run(mut self) -> Outcome {
        if let Err(error) = self.go_through().await {
            self.outcome.problem = Some(format!("{error:#}"));
        }
        self.outcome.interrupted = self.stop.is_asked();
        // While everything is in our hands, what waits is what could not be seen.
        if let Ok(depth) = self.dlq.depth().await {
            self.outcome.not_seen = depth.waiting;
            self.outcome.held_elsewhere = depth.in_flight.saturating_sub(self.held.len() as u64);
        }
        self.dlq.release(&self.held).await;
        self.progress.clear();
        let Self { held, mut outcome, reasons, .. } = self;
        let (chosen, others): (Vec<Letter>, Vec<Letter>) = held.into_iter().partition(|letter| letter.chosen);
        outcome.came_back = others.iter().filter(|letter| outcome.was_sent(letter)).count();
        outcome.skipped = others.len() - outcome.came_back;
        let why = |letter: Letter| {
            let reason = reasons.as_ref().map(|reasons| reasons.of(&letter));
            (letter, reason)
        };
        outcome.chosen = chosen.into_iter().map(why).collect();
        outcome
    }

    async fn go_through(&mut self) -> Result<()> {
        let mut looked = HashMap::new();
        while !self.stop.is_asked() {
            self.dlq.renew(&mut self.held).await;
            let batch = self.dlq.receive().await?;
            if !batch.is_empty() {
                self.take(batch).await?;
            } else if !self.drops_more().await? && !self.looks_behind(&mut looked).await? {
                return Ok(());
            }
            if matches!(self.act, Act::Find) && self.held.iter().any(|letter| letter.chosen) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Lets go of one conversation, so that the next batch begins with it: all others are in our hands. Each once, and
    /// once more whenever something of it has gone; `looked` knows how much had. False when nobody is left.
    async fn looks_behind(&mut self, looked: &mut HashMap<String, usize>) -> Result<bool> {
        if !self.outcome.failures.is_empty() || self.dlq.depth().await?.waiting == 0 {
            return Ok(false);
        }
        let gone = |group: &String| self.outcome.done.iter().filter(|letter| letter.group == *group).count();
        let groups = self.held.iter().map(|letter| &letter.group);
        let Some((group, gone)) =
            groups.map(|group| (group, gone(group))).find(|(group, gone)| looked.get(*group) != Some(gone))
        else {
            return Ok(false);
        };
        let group = group.clone();
        let (free, held) = std::mem::take(&mut self.held).into_iter().partition(|letter| letter.group == group);
        self.held = held;
        self.dlq.release(&free).await;
        looked.insert(group, gone);
        Ok(true)
    }

    async fn take(&mut self, mut batch: Vec<Letter>) -> Result<()> {
        batch.retain(|letter| !self.seen_again(letter));
        self.choose(&mut batch).await;
        if self.stop.is_asked() {
            self.held.append(&mut batch);
            return Ok(());
        }
        let sends = matches!(self.act, Act::Send(_));
        let uses_body = |letter: &Letter| letter.chosen && matches!(self.act, Act::Find | Act::Send(_));
        for letter in batch.iter_mut().filter(|letter| !uses_body(letter)) {
            letter.body = String::new();
        }
        let (chosen, mut others): (Vec<Letter>, Vec<Letter>) = batch.into_iter().partition(|letter| letter.chosen);
        self.progress.add(others.len() + if sends { 0 } else { chosen.len() });
        self.held.append(&mut others);
        if chosen.is_empty() {
            return Ok(());
        }
        match &self.act {
            Act::Look | Act::Find | Act::Drop { ask: true } => self.held.extend(chosen),
            Act::Send(outbox) => {
                let sent = send(outbox, chosen, &self.stop, &self.progress).await;
                self.delete_sent(sent).await?;
            }
            Act::Drop { ask: false } => self.delete(chosen).await?,
        }
        Ok(())
    }

    /// Our hold on it ran out and SQS handed it out anew: from now on it goes by the new handle.
    fn seen_again(&mut self, letter: &Letter) -> bool {
        let known = self.held.iter_mut().find(|held| held.message_id == letter.message_id);
        known.is_some_and(|held| {
            held.handle.clone_from(&letter.handle);
            held.held_until_ms = letter.held_until_ms;
            true
        })
    }

    async fn choose(&mut self, batch: &mut [Letter]) {
        if let Some(reasons) = &mut self.reasons {
            reasons.look_up(batch).await;
        }
        for letter in batch {
            let unread = self.reasons.as_ref().and_then(|reasons| reasons.unread(letter));
            // Whoever selects by class must not take that for `unknown`.
            if let Some(error) = unread.filter(|_| self.selection.needs_reasons() && self.selection.fits(letter)) {
                self.outcome.failures.push((letter.clone(), error.to_owned()));
                continue;
            }
            let reason = self.reasons.as_ref().map(|reasons| reasons.of(letter));
            letter.chosen = self.selection.takes(letter, reason.as_ref());
            // Else a worker that cannot succeed and a replay that never ends would keep each other busy.
            if letter.chosen && matches!(self.act, Act::Send(_)) && self.outcome.was_sent(letter) {
                letter.chosen = false;
            }
        }
    }

    async fn delete_sent(&mut self, sent: Vec<(Vec<Letter>, Sent)>) -> Result<()> {
        let mut all_sent = Vec::new();
        for (mut letters, Sent { count, error }) in sent {
            let rest = letters.split_off(count);
            if let (Some(first), Some(error)) = (rest.first(), error) {
                self.outcome.failures.push((first.clone(), error));
            }
            // In our hands until the end, so that this run does not meet them again.
            self.held.extend(rest);
            all_sent.append(&mut letters);
        }
        self.delete(all_sent).await
    }

    async fn delete(&mut self, letters: Vec<Letter>) -> Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let kept = match self.dlq.delete(&letters).await {
            Ok(kept) => kept,
            Err(error) => {
                self.held.extend(letters);
                return Err(error);
            }
        };
        for mut letter in letters {
            letter.body = String::new();
            match kept.iter().find(|(message_id, _)| *message_id == letter.message_id) {
                None => self.outcome.done.push(letter),
                Some((_, why)) => {
                    self.outcome.failures.push((letter.clone(), format!("not deleted: {why}")));
                    self.held.push(letter);
                }
            }
        }
        Ok(())
    }

    /// Whether there may be more to ask about: what lay behind those that were dropped.
    async fn drops_more(&mut self) -> Result<bool> {
        if !matches!(self.act, Act::Drop { ask: true }) {
            return Ok(false);
        }
        let chosen: Vec<Letter> = self.held.iter().filter(|letter| letter.chosen).cloned().collect();
        if chosen.is_empty() {
            return Ok(false);
        }
        self.progress.clear();
        let rows: Vec<_> =
            chosen.iter().map(|letter| (letter, self.reasons.as_ref().map(|all| all.of(letter)))).collect();
        eprint!("{}", crate::report::table(&rows));
        match self.ask(&format!("Drop {} for good?", crate::report::messages(chosen.len()))).await {
            None => return Ok(false),
            Some(false) => {
                self.outcome.declined = true;
                return Ok(false);
            }
            Some(true) => {}
        }
        let (chosen, others) = std::mem::take(&mut self.held).into_iter().partition(|letter| letter.chosen);
        self.held = others;
        self.delete(chosen).await?;
        Ok(true)
    }

    /// Goes on holding while the person thinks; `None` when stopped.
    async fn ask(&mut self, question: &str) -> Option<bool> {
        let stop = self.stop.clone();
        let mut answer = std::pin::pin!(question::agreed(question));
        let mut tick = tokio::time::interval(Duration::from_secs(20));
        loop {
            tokio::select! {
                answer = stop.or(&mut answer) => return answer,
                _ = tick.tick() => self.dlq.renew(&mut self.held).await,
            }
        }
    }
}

/// Conversations side by side, each in order.
async fn send(outbox: &Outbox, letters: Vec<Letter>, stop: &Stop, progress: &Progress) -> Vec<(Vec<Letter>, Sent)> {
    let sending = by_group(letters).into_iter().map(|letters| async move {
        let sent = outbox.send_in_order(&letters, stop, progress).await;
        (letters, sent)
    });
    join_all(sending).await
}

/// Groups in the order of their first message.
fn by_group(letters: Vec<Letter>) -> Vec<Vec<Letter>> {
    let mut groups: Vec<Vec<Letter>> = Vec::new();
    for letter in letters {
        match groups.iter_mut().find(|group| group[0].group == letter.group) {
            Some(group) => group.push(letter),
            None => groups.push(vec![letter]),
        }
    }
    groups
}
