//! A world for one test: the real ingress, and a queue of its own.

pub(crate) mod bad;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use local::aws::{self, Queue};
use local::lambda::{Function, event};
use local::ministack::Ministack;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) const SECRET: &str = "Foxes-walk_at-Night_7";
/// Far more than any invocation needs.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) function: Function,
    pub(crate) queue: Queue,
    aws: Arc<Ministack>,
}

impl World {
    pub(crate) async fn start(name: &str) -> Self {
        Self::start_with(name, &sha256(SECRET)).await
    }

    pub(crate) async fn start_with(name: &str, hashes: &str) -> Self {
        let aws = aws::shared().await.unwrap();
        let queue = Queue::create(&aws.url(), &format!("{name}.fifo")).await.unwrap();
        let function = function(hashes, &queue.url, &aws.url()).await.unwrap();
        Self { function, queue, aws }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.aws.url()
    }

    /// Telegram delivers this body.
    pub(crate) async fn post(&self, body: &[u8]) -> u64 {
        self.status(request(&[("X-Telegram-Bot-Api-Secret-Token", SECRET)], body, false)).await
    }

    pub(crate) async fn status(&self, event: Value) -> u64 {
        self.answer(event).await["statusCode"].as_u64().unwrap()
    }

    pub(crate) async fn answer(&self, event: Value) -> Value {
        self.function.invoke(event, MINUTE).await.unwrap()
    }
}

pub(crate) async fn function(hashes: &str, queue_url: &str, endpoint: &str) -> anyhow::Result<Function> {
    let env = [("WEBHOOK_SECRET_SHA256", hashes), ("QUEUE_URL", queue_url), ("AWS_ENDPOINT_URL", endpoint)];
    Function::start(Path::new(env!("CARGO_BIN_EXE_ingress")), &env).await
}

pub(crate) fn request(headers: &[(&str, &str)], body: &[u8], base64: bool) -> Value {
    event::url_event("POST", headers, body, base64)
}

pub(crate) fn update_id(message: &aws_sdk_sqs::types::Message) -> u64 {
    let envelope: Value = serde_json::from_str(message.body().unwrap()).unwrap();
    envelope["update_id"].as_u64().unwrap()
}

/// In hex, as `WEBHOOK_SECRET_SHA256` has it.
pub(crate) fn sha256(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}
