//! The emulated AWS of a test program: one ministack for all its tests, and a queue of its own for each.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use tokio::sync::Mutex;

use crate::ministack::{Ministack, Options};

static RUNNING: Mutex<Weak<Ministack>> = Mutex::const_new(Weak::new());

/// The ministack of this program: the first test starts it, the last one ends it.
pub async fn shared() -> Result<Arc<Ministack>> {
    let mut running = RUNNING.lock().await;
    if let Some(ministack) = running.upgrade() {
        return Ok(ministack);
    }
    let venv = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.venv");
    let options = Options { venv, port: 0, state_dir: None, env: Vec::new() };
    let ministack = Arc::new(Ministack::start(options).await?);
    *running = Arc::downgrade(&ministack);
    Ok(ministack)
}

/// A FIFO queue with high throughput, as the template makes it.
pub struct Queue {
    pub url: String,
    client: Client,
}

impl Queue {
    /// Without a dead-letter queue. `endpoint`: of an emulated AWS. `name` is unique there and ends with `.fifo`.
    pub async fn create(endpoint: &str, name: &str) -> Result<Self> {
        Self::make(endpoint, name, None).await
    }

    /// The queue, and the one that its messages go to when they have been received `max_receive_count` times.
    pub async fn create_with_dlq(endpoint: &str, name: &str, max_receive_count: u32) -> Result<(Self, Self)> {
        let dlq = Self::make(endpoint, &format!("dlq-{name}"), None).await?;
        let get = dlq.client.get_queue_attributes().queue_url(&dlq.url).attribute_names(QueueAttributeName::QueueArn);
        let attributes = get.send().await?.attributes.unwrap_or_default();
        let arn = attributes.get(&QueueAttributeName::QueueArn).context("a queue without an ARN")?;
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{max_receive_count}}}"#);
        Ok((Self::make(endpoint, name, Some(policy)).await?, dlq))
    }

    async fn make(endpoint: &str, name: &str, redrive_policy: Option<String>) -> Result<Self> {
        let client = client(endpoint);
        let mut create = client
            .create_queue()
            .queue_name(name)
            .attributes(QueueAttributeName::FifoQueue, "true")
            .attributes(QueueAttributeName::DeduplicationScope, "messageGroup")
            .attributes(QueueAttributeName::FifoThroughputLimit, "perMessageGroupId")
            .attributes(QueueAttributeName::MaximumMessageSize, "1048576")
            .attributes(QueueAttributeName::VisibilityTimeout, "720");
        if let Some(policy) = redrive_policy {
            create = create.attributes(QueueAttributeName::RedrivePolicy, policy);
        }
        let made = create.send().await?;
        Ok(Self { url: made.queue_url.context("a queue without a URL")?, client })
    }

    pub async fn send(&self, group: &str, dedup: &str, body: &str) -> Result<()> {
        let send = self.client.send_message().queue_url(&self.url).message_body(body);
        send.message_group_id(group).message_deduplication_id(dedup).send().await?;
        Ok(())
    }

    /// A batch as an event source mapping would get it: up to ten, in flight from now on.
    pub async fn receive(&self) -> Result<Vec<Message>> {
        let receive = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let all = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        Ok(all.send().await?.messages.unwrap_or_default())
    }

    pub async fn delete(&self, message: &Message) -> Result<()> {
        let handle = message.receipt_handle().context("a message that was not received")?;
        self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await?;
        Ok(())
    }

    /// Visible again at once.
    pub async fn release(&self, message: &Message) -> Result<()> {
        let handle = message.receipt_handle().context("a message that was not received")?;
        let change = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(handle);
        change.visibility_timeout(0).send().await?;
        Ok(())
    }

    /// Takes everything that can be received now off the queue.
    pub async fn drain(&self) -> Result<Vec<Message>> {
        let mut all = Vec::new();
        loop {
            let batch = self.receive().await?;
            if batch.is_empty() {
                return Ok(all);
            }
            for message in &batch {
                self.delete(message).await?;
            }
            all.extend(batch);
        }
    }

    /// Messages that wait, and those in flight.
    pub async fn depth(&self) -> Result<(u64, u64)> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let get = self.client.get_queue_attributes().queue_url(&self.url);
        let found = get.set_attribute_names(Some(names.to_vec())).send().await?.attributes.unwrap_or_default();
        let number = |name| found.get(&name).and_then(|text| text.parse().ok()).context("no depth");
        let [waiting, in_flight] = names;
        Ok((number(waiting)?, number(in_flight)?))
    }
}

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .timeout_config(
            aws_sdk_sqs::config::timeout::TimeoutConfig::builder().operation_timeout(Duration::from_secs(20)).build(),
        )
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}
