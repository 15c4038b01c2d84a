//! The webhook: check the secret ▸ seal the envelope ▸ send ▸ 200.
//!
//! In comes what Telegram posts to the function URL; out goes one message on the queue, or none, and a status that
//! Telegram understands. 200 says that the queue has the update, or that the bot never answers its kind.
//! Anything else makes Telegram deliver it again.

mod secret;
mod update;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::send_message::SendMessageError;
use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
use lambda_http::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};
use shared::{Envelope, envelope};
use tracing::{error, info};

pub use secret::Secrets;

/// SQS takes no more in one message (1 MiB, quota of 2025).
const MESSAGE_MAX_BYTES: usize = 1_048_576;
const TOO_LARGE: &str = "larger than a queue message";

/// How long Telegram shall wait when the queue refuses: long enough for a throttle to pass, short for the person.
const RETRY_AFTER_S: &str = "5";

/// All attempts together stay under the function's 10 s, so that Telegram always gets an answer.
pub fn sqs_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8))
        .build()
}

/// Everything that the function holds: no token, no key, nobody's name.
pub struct Ingress {
    sqs: aws_sdk_sqs::Client,
    queue_url: String,
    secrets: Secrets,
}

impl Ingress {
    pub fn new(sqs: aws_sdk_sqs::Client, queue_url: String, secrets: Secrets) -> Self {
        Self { sqs, queue_url, secrets }
    }

    /// One delivery. The secret is checked before a byte of the body is read.
    pub async fn answer(&self, request: Request) -> Response<Body> {
        let body: &[u8] = request.body();
        let refuse = |status, problem| refuse(status, problem, body.len());
        if request.method() != Method::POST {
            return with(refuse(StatusCode::METHOD_NOT_ALLOWED, "only POST"), header::ALLOW, "POST");
        }
        let token = request.headers().get("x-telegram-bot-api-secret-token");
        if !token.is_some_and(|token| self.secrets.accept(token.as_bytes())) {
            return refuse(StatusCode::UNAUTHORIZED, "wrong or missing secret token");
        }
        if body.len() > MESSAGE_MAX_BYTES {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE);
        }
        let update = match update::read(body) {
            Ok(update) => update,
            Err(problem) => return refuse(StatusCode::BAD_REQUEST, problem),
        };
        let Some(conversation) = update.conversation else {
            info!(update_id = update.id, Ignored = 1, "ignored: a kind that the bot never answers");
            return answer(StatusCode::OK, "ignored");
        };
        let envelope = Envelope {
            version: envelope::VERSION,
            update_id: update.id,
            conversation,
            received_at: shared::now_ms(),
            update: update.raw,
        };
        let trace = request.lambda_context_ref().and_then(|context| context.xray_trace_id.clone());
        self.enqueue(&envelope, trace).await
    }

    async fn enqueue(&self, envelope: &Envelope<'_>, trace: Option<String>) -> Response<Body> {
        let body = envelope.seal();
        let (update_id, bytes) = (envelope.update_id, body.len());
        if bytes > MESSAGE_MAX_BYTES {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE, bytes);
        }
        let conversation = envelope.conversation.hashed();
        let sent = self
            .sqs
            .send_message()
            .queue_url(&self.queue_url)
            .message_group_id(envelope.conversation.to_string())
            .message_deduplication_id(update_id.to_string())
            .set_message_system_attributes(trace.and_then(trace_header))
            .message_body(body)
            .send()
            .await;
        match sent {
            Ok(_) => {
                info!(update_id, conversation, bytes, Accepted = 1, "queued");
                answer(StatusCode::OK, "queued")
            }
            Err(failure) => {
                error!(update_id, conversation, error = said(&failure), "the queue refused");
                with(answer(StatusCode::SERVICE_UNAVAILABLE, "try again"), header::RETRY_AFTER, RETRY_AFTER_S)
            }
        }
    }
}

fn answer(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

/// Whoever sent it: Telegram sees the status, the operator the line.
fn refuse(status: StatusCode, problem: &'static str, bytes: usize) -> Response<Body> {
    info!(problem, bytes, Refused = 1, "refused");
    answer(status, problem)
}

fn with(mut response: Response<Body>, name: HeaderName, value: &'static str) -> Response<Body> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

/// The trace that Lambda began for this delivery goes on in the worker.
fn trace_header(trace: String) -> Option<HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>> {
    let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build().ok()?;
    Some(HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)]))
}

/// What SQS said, by its code. The SDK's own description holds whole answers, and those hold what was sent.
fn said(failure: &SdkError<SendMessageError>) -> &str {
    match failure {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "no connection",
        other => other.code().unwrap_or("an answer that cannot be read"),
    }
}
