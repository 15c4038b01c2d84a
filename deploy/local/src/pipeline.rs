//! How full the queue and its dead-letter queue are, asked of SQS at most once a second however many look.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::QueueAttributeName;
use serde::Serialize;
use tokio::sync::Mutex;

/// As often as SQS is asked.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// An emulator that does not answer must not hold up the page.
const PATIENCE: Duration = Duration::from_secs(3);

/// What lies where. `error` says in words why the numbers are missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Depth {
    pub queued: Option<u64>,
    pub in_flight: Option<u64>,
    pub dlq: Option<u64>,
    pub error: Option<String>,
}

/// The two queues on an emulated SQS.
#[derive(Clone)]
pub struct Pipeline(Option<Arc<Queues>>);

struct Queues {
    sqs: Client,
    queue_url: String,
    dlq_url: String,
    latest: Mutex<Option<(Instant, Depth)>>,
}

impl Pipeline {
    /// `endpoint` is the emulator's plain-HTTP address; it gets credentials that are worth nothing.
    pub fn new(endpoint: &str, region: &str, queue_url: &str, dlq_url: &str) -> Self {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(endpoint)
            .region(Region::new(region.to_owned()))
            .credentials_provider(Credentials::new("test", "test", None, None, "local"))
            .build();
        Self(Some(Arc::new(Queues {
            sqs: Client::from_conf(config),
            queue_url: queue_url.to_owned(),
            dlq_url: dlq_url.to_owned(),
            latest: Mutex::new(None),
        })))
    }

    /// No queue to look at: the page says so.
    pub fn none() -> Self {
        Self(None)
    }

    pub async fn depth(&self) -> Depth {
        let Some(queues) = &self.0 else {
            return Depth { error: Some("There is no queue to look at.".to_owned()), ..Depth::default() };
        };
        let mut latest = queues.latest.lock().await;
        if let Some((asked, depth)) = latest.as_ref()
            && asked.elapsed() < FRESH_FOR
        {
            return depth.clone();
        }
        let depth = match tokio::time::timeout(PATIENCE, queues.ask()).await {
            Ok(Ok(depth)) => depth,
            Ok(Err(error)) => Depth { error: Some(error), ..Depth::default() },
            Err(_) => Depth { error: Some("SQS does not answer.".to_owned()), ..Depth::default() },
        };
        *latest = Some((Instant::now(), depth.clone()));
        depth
    }
}

impl Queues {
    async fn ask(&self) -> Result<Depth, String> {
        let (queue, dlq) = tokio::join!(self.counts(&self.queue_url), self.counts(&self.dlq_url));
        let ((queued, in_flight), (dead, being_replayed)) = (queue?, dlq?);
        Ok(Depth { queued: Some(queued), in_flight: Some(in_flight), dlq: Some(dead + being_replayed), error: None })
    }

    /// Visible and not visible.
    async fn counts(&self, queue_url: &str) -> Result<(u64, u64), String> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let asked = self.sqs.get_queue_attributes().queue_url(queue_url).set_attribute_names(Some(names.to_vec()));
        let answer = asked.send().await.map_err(|error| format!("SQS: {}", DisplayErrorContext(&error)))?;
        let count = |name: &QueueAttributeName| {
            answer.attributes().and_then(|all| all.get(name)?.parse().ok()).unwrap_or_default()
        };
        Ok((count(&names[0]), count(&names[1])))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::extract::Request;

    use super::*;
    use crate::serve::Server;

    async fn sqs(asked: Arc<AtomicUsize>) -> Server {
        let answer = move |request: Request| async move {
            asked.fetch_add(1, Ordering::Relaxed);
            let body = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
            let dead = String::from_utf8_lossy(&body).contains("dlq");
            let (visible, hidden) = if dead { (3, 1) } else { (7, 2) };
            format!(
                r#"{{"Attributes":{{"ApproximateNumberOfMessages":"{visible}","ApproximateNumberOfMessagesNotVisible":"{hidden}"}}}}"#
            )
        };
        Server::start(0, Router::new().fallback(answer)).await.unwrap()
    }

    #[tokio::test]
    async fn both_queues_are_counted_and_asked_once_for_many_viewers() {
        let asked = Arc::new(AtomicUsize::new(0));
        let server = sqs(asked.clone()).await;
        let url = |name: &str| format!("{}/000000000000/{name}", server.url());
        let pipeline = Pipeline::new(&server.url(), "us-east-1", &url("updates.fifo"), &url("updates-dlq.fifo"));
        let (first, second) = tokio::join!(pipeline.depth(), pipeline.depth());
        assert_eq!(first, Depth { queued: Some(7), in_flight: Some(2), dlq: Some(4), error: None });
        assert_eq!(second, first);
        assert_eq!(asked.load(Ordering::Relaxed), 2, "one question for each queue");
    }

    #[tokio::test]
    async fn without_a_queue_the_reason_is_told() {
        assert_eq!(Pipeline::none().depth().await.error.as_deref(), Some("There is no queue to look at."));
    }
}
