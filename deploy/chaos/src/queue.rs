//! A FIFO queue as SQS has it: groups in order and withheld while one of them is in flight, deduplication for five
//! minutes, receive counts, redrive, and receipt handles that expire. No I/O and no clock of its own.

use std::collections::{BTreeMap, HashMap, VecDeque};

#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    pub update: u64,
    pub group: String,
    pub dedup: String,
    pub body: String,
    pub sent_ms: u64,
    pub received: u32,
    pub first_received_ms: u64,
    pub receipt: String,
    /// In flight until then.
    pub hidden_until_ms: u64,
}

#[derive(Debug, PartialEq)]
pub enum Refusal {
    /// The handle is of an earlier receipt, or the message is not in flight any more.
    Expired,
}

/// What a receive brings: the batch, and what belongs into the dead-letter queue instead.
#[derive(Default)]
pub struct Received {
    pub batch: Vec<Message>,
    pub given_up: Vec<Message>,
}

/// What a send brings. A duplicate is accepted and forgotten.
pub struct Sent {
    pub id: String,
    pub sequence: u64,
    pub is_duplicate: bool,
}

pub struct Queue {
    pub dedup_ms: u64,
    pub max_receives: u32,
    groups: BTreeMap<String, VecDeque<Message>>,
    dedups: HashMap<String, u64>,
    count: u64,
}

impl Queue {
    pub fn new(dedup_ms: u64, max_receives: u32) -> Self {
        let (groups, dedups) = Default::default();
        Self { dedup_ms, max_receives, groups, dedups, count: 0 }
    }

    pub fn send(&mut self, now_ms: u64, group: &str, dedup: &str, update: u64, body: String) -> Sent {
        self.count += 1;
        let (id, sequence) = (format!("{:08x}-0000-4000-8000-000000000000", self.count), self.count);
        // The template's scope: a deduplication id counts within its group.
        let known = self.dedups.entry(format!("{group}/{dedup}")).or_default();
        if *known > now_ms {
            return Sent { id, sequence, is_duplicate: true };
        }
        *known = now_ms + self.dedup_ms;
        self.adopt(Message {
            id: id.clone(),
            update,
            group: group.to_owned(),
            dedup: dedup.to_owned(),
            body,
            sent_ms: now_ms,
            received: 0,
            first_received_ms: 0,
            receipt: String::new(),
            hidden_until_ms: 0,
        });
        Sent { id, sequence, is_duplicate: false }
    }

    /// Takes over what another queue has given up: the same message, with its id and its receive count.
    pub fn adopt(&mut self, message: Message) {
        let message = Message { hidden_until_ms: 0, ..message };
        self.groups.entry(message.group.clone()).or_default().push_back(message);
    }

    /// Up to ten messages, hidden until then, beginning at the group `offset`, `take` of each.
    pub fn receive(&mut self, now_ms: u64, until_ms: u64, offset: usize, mut take: impl FnMut() -> usize) -> Received {
        let mut received = Received::default();
        let free = |messages: &VecDeque<Message>| messages.iter().all(|message| message.hidden_until_ms <= now_ms);
        let ready: Vec<_> = self.groups.iter().filter(|(_, list)| free(list)).map(|(group, _)| group.clone()).collect();
        let offset = offset % ready.len().max(1);
        for group in ready.iter().skip(offset).chain(ready.iter().take(offset)) {
            let room = 10 - received.batch.len();
            if room == 0 {
                break;
            }
            self.take((now_ms, until_ms), group, take().clamp(1, room), &mut received);
        }
        self.groups.retain(|_, messages| !messages.is_empty());
        received
    }

    fn take(&mut self, (now_ms, until_ms): (u64, u64), group: &str, count: usize, received: &mut Received) {
        let Some(messages) = self.groups.get_mut(group) else { return };
        while messages.front().is_some_and(|first| first.received >= self.max_receives) {
            let Some(dead) = messages.pop_front() else { return };
            received.given_up.push(dead);
        }
        let fits = |message: &Message| message.received < self.max_receives;
        for message in messages.iter_mut().take(count).take_while(|message| fits(message)) {
            self.count += 1;
            message.received += 1;
            message.receipt = format!("receipt-{}", self.count);
            message.hidden_until_ms = until_ms;
            if message.first_received_ms == 0 {
                message.first_received_ms = now_ms;
            }
            received.batch.push(message.clone());
        }
    }

    /// Returns the update of the message that is gone.
    pub fn delete(&mut self, now_ms: u64, receipt: &str) -> Result<u64, Refusal> {
        let (group, update) = self.in_flight(now_ms, receipt).map(|message| (message.group.clone(), message.update))?;
        if let Some(messages) = self.groups.get_mut(&group) {
            messages.retain(|message| message.receipt != receipt);
        }
        Ok(update)
    }

    /// Hides it until then; returns its update.
    pub fn hide(&mut self, now_ms: u64, receipt: &str, until_ms: u64) -> Result<u64, Refusal> {
        let message = self.in_flight(now_ms, receipt)?;
        message.hidden_until_ms = until_ms;
        Ok(message.update)
    }

    /// Hides what was received until then, if nobody has changed since then how long it is hidden.
    pub fn hide_if_unchanged(&mut self, now_ms: u64, received: &Message, until_ms: u64) {
        let found = self.in_flight(now_ms, &received.receipt).ok();
        if let Some(message) = found.filter(|message| message.hidden_until_ms == received.hidden_until_ms) {
            message.hidden_until_ms = until_ms;
        }
    }

    /// The update of a receipt, if it is still the latest.
    pub fn update_of(&self, receipt: &str) -> Option<u64> {
        self.groups.values().flatten().find(|message| message.receipt == receipt).map(|message| message.update)
    }

    pub fn is_at_first_receipt(&self, update: u64) -> bool {
        self.groups.values().flatten().any(|message| message.update == update && message.received == 1)
    }

    fn in_flight(&mut self, now_ms: u64, receipt: &str) -> Result<&mut Message, Refusal> {
        let all = self.groups.values_mut().flatten();
        let found = all.into_iter().find(|message| message.receipt == receipt && message.hidden_until_ms > now_ms);
        found.ok_or(Refusal::Expired)
    }

    pub fn is_empty(&self) -> bool {
        self.groups.values().all(VecDeque::is_empty)
    }

    pub fn waiting(&self) -> Vec<u64> {
        self.groups.values().flatten().map(|message| message.update).collect()
    }

    /// How many a receive could bring, and how many are in flight.
    pub fn depth(&self, now_ms: u64) -> (usize, usize) {
        let all = || self.groups.values().flatten();
        let in_flight = all().filter(|message| message.hidden_until_ms > now_ms).count();
        (all().count() - in_flight, in_flight)
    }

    /// Whoever held something is no more.
    pub fn show_all(&mut self) {
        self.groups.values_mut().flatten().for_each(|message| message.hidden_until_ms = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(updates: &[(u64, &str)]) -> Queue {
        let mut queue = Queue::new(300, 2);
        for (update, group) in updates {
            queue.send(0, group, &update.to_string(), *update, String::new());
        }
        queue
    }

    fn receive(queue: &mut Queue, now_ms: u64, take: usize) -> Vec<Message> {
        queue.receive(now_ms, now_ms + 100, 0, || take).batch
    }

    fn updates(batch: &[Message]) -> Vec<u64> {
        batch.iter().map(|message| message.update).collect()
    }

    #[test]
    fn a_group_is_withheld_while_one_of_it_is_in_flight() {
        let mut queue = queue(&[(1, "a"), (2, "a"), (3, "b")]);
        assert_eq!(updates(&receive(&mut queue, 1, 1)), [1, 3]);
        assert_eq!(updates(&receive(&mut queue, 50, 1)), [0; 0]);
        assert_eq!(updates(&receive(&mut queue, 101, 9)), [1, 2, 3]);
    }

    #[test]
    fn a_duplicate_is_forgotten_for_five_minutes_even_after_its_deletion() {
        let mut queue = queue(&[(1, "a")]);
        let batch = receive(&mut queue, 1, 1);
        assert_eq!(queue.delete(2, &batch[0].receipt), Ok(1));
        queue.send(299, "a", "1", 1, String::new());
        assert!(queue.is_empty());
        queue.send(300, "a", "1", 1, String::new());
        assert_eq!(queue.waiting(), [1]);
    }

    #[test]
    fn an_old_receipt_is_refused() {
        let mut queue = queue(&[(1, "a")]);
        let first = receive(&mut queue, 1, 1);
        assert_eq!(queue.delete(101, &first[0].receipt), Err(Refusal::Expired), "it is not in flight any more");
        let second = receive(&mut queue, 101, 1);
        assert_eq!(queue.hide(102, &first[0].receipt, 500), Err(Refusal::Expired));
        queue.hide_if_unchanged(102, &second[0], 150);
        assert_eq!(receive(&mut queue, 149, 1).len(), 0);
        assert_eq!(queue.hide(102, &second[0].receipt, 103), Ok(1));
        queue.hide_if_unchanged(102, &second[0], 150);
        assert_eq!(queue.delete(102, &second[0].receipt), Ok(1));
    }

    #[test]
    fn what_was_received_too_often_makes_way_for_the_next_of_its_group() {
        let mut queue = queue(&[(1, "a"), (2, "a")]);
        receive(&mut queue, 1, 1);
        receive(&mut queue, 101, 1);
        let received = queue.receive(201, 301, 0, || 1);
        assert_eq!((updates(&received.given_up), updates(&received.batch)), (vec![1], vec![2]));
    }

    #[test]
    fn what_another_queue_gave_up_can_be_received_at_once() {
        let mut queue = queue(&[(1, "a")]);
        let message = receive(&mut queue, 1, 1).remove(0);
        let mut dead = Queue::new(300, u32::MAX);
        dead.adopt(message);
        assert_eq!(dead.depth(2), (1, 0));
        assert_eq!((updates(&receive(&mut dead, 2, 1)), dead.depth(3)), (vec![1], (0, 1)));
        dead.show_all();
        assert_eq!(dead.depth(3), (1, 0));
    }
}
