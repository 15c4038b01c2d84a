//! What the worker does to the queue by itself: delete what is finished, set when the rest is seen again.

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use serde::Deserialize;
use tokio::sync::OnceCell;
use tracing::warn;

use crate::aws;

/// What is assumed where the queue cannot be asked: the template's. With less, a message would lose its place to those
/// behind it although it has attempts left.
const MAX_ATTEMPTS: u32 = 12;

pub struct Queue {
    sqs: Client,
    url: String,
    max_attempts: OnceCell<u32>,
}

impl Queue {
    pub fn new(sqs: Client, url: String) -> Self {
        Self { sqs, url, max_attempts: OnceCell::new() }
    }

    /// If it fails, Lambda deletes the message at the end of the batch, or it comes back and is found done.
    pub async fn delete(&self, message: &SqsMessage) {
        let delete = self.sqs.delete_message().queue_url(&self.url).set_receipt_handle(message.receipt_handle.clone());
        if let Err(error) = delete.send().await {
            warn!(error = aws::said(&error), "could not delete a finished message");
        }
    }

    /// If it fails, the message comes back after the queue's own visibility time-out.
    pub async fn show_after(&self, message: &SqsMessage, wait_s: u32) {
        let change = self.sqs.change_message_visibility().queue_url(&self.url);
        let change = change.set_receipt_handle(message.receipt_handle.clone());
        if let Err(error) = change.visibility_timeout(i32::try_from(wait_s).unwrap_or(i32::MAX)).send().await {
            warn!(error = aws::said(&error), "could not set when a message is seen again");
        }
    }

    /// `maxReceiveCount` of the queue's redrive policy, asked for only once something has failed.
    /// A queue without one hands out for ever: no attempt is the last.
    pub async fn max_attempts(&self) -> u32 {
        let ask = || async {
            let attributes = self.sqs.get_queue_attributes().queue_url(&self.url);
            let answer = attributes.attribute_names(QueueAttributeName::RedrivePolicy).send().await;
            answer.map(|answer| {
                answer.attributes.and_then(|all| redrive_after(all.get(&QueueAttributeName::RedrivePolicy)?))
            })
        };
        match self.max_attempts.get_or_try_init(|| async { ask().await.map(|count| count.unwrap_or(u32::MAX)) }).await {
            Ok(count) => *count,
            Err(error) => {
                warn!(error = aws::said(&error), "could not read the redrive policy");
                MAX_ATTEMPTS
            }
        }
    }
}

/// The count stands as a number or as a string, by who wrote the policy.
fn redrive_after(policy: &str) -> Option<u32> {
    #[derive(Deserialize)]
    struct Policy {
        #[serde(rename = "maxReceiveCount")]
        max_receive_count: serde_json::Value,
    }
    let policy: Policy = serde_json::from_str(policy).ok()?;
    let count = &policy.max_receive_count;
    count.as_u64().and_then(|count| u32::try_from(count).ok()).or_else(|| count.as_str()?.parse().ok())
}
