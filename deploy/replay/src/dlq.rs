//! The dead-letter queue: messages are held while they are looked at, and let go or deleted afterwards.

use anyhow::{Context, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName,
    QueueAttributeName,
};

use crate::age;
use crate::letter::Letter;

/// How long a message is held, in s. Long enough for a slow batch; after a `kill -9` nobody sees the messages for so long.
pub const HOLD_S: u32 = 120;
/// What is held is held anew when less than this is left, in ms.
const RENEW_MS: u64 = 60_000;
/// SQS's own limit for every call with a batch.
const BATCH: usize = 10;

pub struct Dlq {
    client: Client,
    url: String,
}

/// As SQS says, which is approximate.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    pub waiting: u64,
    pub in_flight: u64,
}

impl Dlq {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Up to ten messages, held from now on; empty when there are none that SQS would hand out. Not to be cancelled:
    /// what is on its way would be held by nobody.
    pub async fn receive(&self) -> Result<Vec<Letter>> {
        let receive = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
        // Waiting asks all of SQS's servers; without it, some, and none of these may have a message.
        let receive = receive.wait_time_seconds(1).visibility_timeout(HOLD_S.cast_signed());
        let held_until_ms = hold_end();
        let received = receive.message_system_attribute_names(MessageSystemAttributeName::All).send().await;
        let messages = received.map_err(short).context("reading the dead-letter queue")?.messages.unwrap_or_default();
        Ok(messages.into_iter().map(|message| Letter::read(message, held_until_ms)).collect())
    }

    pub async fn depth(&self) -> Result<Depth> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let get = self.client.get_queue_attributes().queue_url(&self.url).set_attribute_names(Some(names.to_vec()));
        let found = get.send().await.map_err(short).context("asking for the depth of the dead-letter queue")?;
        let found = found.attributes.unwrap_or_default();
        let number = |name| found.get(&name).and_then(|text| text.parse().ok()).unwrap_or_default();
        let [waiting, in_flight] = names;
        Ok(Depth { waiting: number(waiting), in_flight: number(in_flight) })
    }

    /// Goes on holding what would soon be let go.
    pub async fn renew(&self, held: &mut [Letter]) {
        let soon = age::now_ms() + RENEW_MS;
        let mut due: Vec<&mut Letter> = held.iter_mut().filter(|letter| letter.held_until_ms < soon).collect();
        for batch in due.chunks_mut(BATCH) {
            let held_until_ms = hold_end();
            self.change_visibility(batch.iter().map(|letter| letter.handle.clone()), HOLD_S).await;
            batch.iter_mut().for_each(|letter| letter.held_until_ms = held_until_ms);
        }
    }

    /// Visible again at once for everybody.
    pub async fn release(&self, held: &[Letter]) {
        // The newest first: the first of a conversation comes last, so that nobody sees its second one before it.
        let newest_first: Vec<&Letter> = held.iter().rev().collect();
        for batch in newest_first.chunks(BATCH) {
            self.change_visibility(batch.iter().map(|letter| letter.handle.clone()), 0).await;
        }
    }

    /// Failures are no matter: the visibility ends by itself.
    async fn change_visibility(&self, handles: impl Iterator<Item = String>, visibility_s: u32) {
        let entries = handles.enumerate().filter_map(|(index, handle)| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
            entry.receipt_handle(handle).visibility_timeout(visibility_s.cast_signed()).build().ok()
        });
        let change = self.client.change_message_visibility_batch().queue_url(&self.url);
        drop(change.set_entries(Some(entries.collect())).send().await);
    }

    /// What could not be deleted, and why. One that is gone already is none of them.
    ///
    /// # Errors
    /// When SQS refused or did not answer: none, or all of them, may be deleted.
    pub async fn delete(&self, letters: &[Letter]) -> Result<Vec<(String, String)>> {
        let mut kept = Vec::new();
        for batch in letters.chunks(BATCH) {
            let entries = batch.iter().enumerate().filter_map(|(index, letter)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
                entry.receipt_handle(&letter.handle).build().ok()
            });
            let delete = self.client.delete_message_batch().queue_url(&self.url);
            let deleted = delete.set_entries(Some(entries.collect())).send().await;
            for failed in deleted.map_err(short).context("deleting from the dead-letter queue")?.failed {
                let letter = failed.id.parse().ok().and_then(|index: usize| batch.get(index));
                // Another run had it meanwhile and is done with it, or will be.
                if let Some(letter) = letter.filter(|_| failed.code != "ReceiptHandleIsInvalid") {
                    kept.push((letter.message_id.clone(), failed.code));
                }
            }
        }
        Ok(kept)
    }
}

fn hold_end() -> u64 {
    age::now_ms() + u64::from(HOLD_S) * 1000
}

/// The SDK's error with all its causes, on one line.
pub fn short<E: std::error::Error + Send + Sync + 'static>(error: E) -> anyhow::Error {
    anyhow::anyhow!("{}", DisplayErrorContext(error))
}
