//! The queue as the world has it: what the ingress puts there, and what the event source mapping does with it.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::Message;
use local::lambda::event;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{TIMEOUT, World};

impl World {
    /// What the ingress would do with everything that Telegram has for the bot. Returns the updates.
    pub(crate) async fn deliver(&self) -> Vec<Value> {
        #[derive(serde::Deserialize)]
        struct Updates<'a> {
            #[serde(borrow)]
            result: Vec<&'a RawValue>,
        }
        let mut delivered = Vec::new();
        loop {
            let body = self.call_telegram("getUpdates", &json!({ "offset": next_id(&delivered) })).await;
            let updates: Updates<'_> = serde_json::from_str(&body).unwrap();
            if updates.result.is_empty() {
                return delivered;
            }
            for raw in updates.result {
                let update: Value = serde_json::from_str(raw.get()).unwrap();
                let message = &update["message"];
                let conversation = match message["message_thread_id"].as_i64() {
                    Some(thread_id) if message["is_topic_message"] == true => {
                        format!("{}:{thread_id}", message["chat"]["id"])
                    }
                    _ => message["chat"]["id"].to_string(),
                };
                self.enqueue(&update["update_id"].to_string(), &conversation, raw.get()).await;
                delivered.push(update);
            }
        }
    }

    /// Puts an update on the queue as the ingress does.
    pub(crate) async fn enqueue(&self, update_id: &str, conversation: &str, raw: &str) {
        self.queue.send(conversation, update_id, &envelope(update_id, conversation, raw)).await.unwrap();
    }

    /// One batch. Returns the messages that stay, as the ids of their updates.
    pub(crate) async fn work(&self) -> Vec<u64> {
        let batch = self.queue.receive().await.unwrap();
        assert!(!batch.is_empty(), "there is nothing to do");
        self.work_on(&batch).await.iter().map(update_id).collect()
    }

    /// As the event source mapping does it: what the function does not report as failed is deleted.
    pub(crate) async fn work_on(&self, batch: &[Message]) -> Vec<Message> {
        self.work_within(TIMEOUT, batch).await
    }

    /// In an invocation that Lambda ends after `timeout`.
    pub(crate) async fn work_within(&self, timeout: Duration, batch: &[Message]) -> Vec<Message> {
        let answer = self.worker.invoke(event::sqs_event(batch), timeout).await.unwrap();
        let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
        let failed: Vec<&str> = failures.map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect();
        let (kept, done): (Vec<_>, Vec<_>) =
            batch.iter().cloned().partition(|message| failed.contains(&message.message_id().unwrap()));
        for message in &done {
            // The worker has deleted it by itself, unless it could not.
            drop(self.queue.delete(message).await);
        }
        kept
    }

    /// Works until the queue is empty: what waits for another attempt is seen again after a few seconds.
    pub(crate) async fn wait_for_work(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.queue.depth().await.unwrap() != (0, 0) {
            assert!(Instant::now() < deadline, "the queue does not get empty");
            match self.queue.receive().await.unwrap() {
                nothing if nothing.is_empty() => tokio::time::sleep(Duration::from_millis(100)).await,
                batch => drop(self.work_on(&batch).await),
            }
        }
    }

    /// Attempt after attempt until the queue is empty, without the waits that the worker has set between them.
    pub(crate) async fn exhaust(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.queue.depth().await.unwrap() != (0, 0) {
            assert!(Instant::now() < deadline, "the queue does not get empty");
            let batch = self.queue.receive().await.unwrap();
            if !batch.is_empty() {
                self.release(&self.work_on(&batch).await).await;
            }
        }
    }

    /// Shows messages again at once, whatever the worker has set.
    pub(crate) async fn release(&self, kept: &[Message]) {
        for message in kept {
            self.queue.release(message).await.unwrap();
        }
    }

    /// When the worker wanted messages to be seen again, in s, as it told the queue.
    pub(crate) fn waits_s(&self) -> Vec<u64> {
        let calls = self.door.calls().into_iter().filter(|call| call.operation == "ChangeMessageVisibility");
        calls.map(|call| call.body["VisibilityTimeout"].as_u64().unwrap()).collect()
    }

    /// The operator's replay: what lies in the dead-letter queue goes back to the queue.
    pub(crate) async fn replay(&self) {
        for message in self.dlq.drain().await.unwrap() {
            let event = event::sqs_event(std::slice::from_ref(&message));
            let group = event["Records"][0]["attributes"]["MessageGroupId"].as_str().unwrap().to_owned();
            let id = message.message_id().unwrap();
            self.queue.send(&group, &format!("replay-{id}"), message.body().unwrap()).await.unwrap();
        }
    }
}

/// The queue contract, version 1, written by hand: a change of it is noticed here. Later updates were received later.
pub(crate) fn envelope(update_id: &str, conversation: &str, raw: &str) -> String {
    let raw = raw.trim().replace('\u{fffe}', r"\ufffe").replace('\u{ffff}', r"\uffff");
    let received_at = 1_795_348_800_000 + update_id.parse::<u64>().map_or(0, |id| id % 1_000_000);
    format!(
        r#"{{"version":1,"update_id":{update_id},"conversation":"{conversation}","received_at":{received_at},"update":{raw}}}"#
    )
}

/// 0 if the body is no envelope.
fn update_id(message: &Message) -> u64 {
    let envelope: Value = serde_json::from_str(message.body().unwrap()).unwrap_or_default();
    envelope["update_id"].as_u64().unwrap_or_default()
}

fn next_id(updates: &[Value]) -> u64 {
    updates.last().and_then(|update| update["update_id"].as_u64()).map_or(0, |id| id + 1)
}
