//! To the updates queue, one conversation's messages strictly one after another.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::age;
use crate::letter::Letter;
use crate::progress::Progress;
use crate::stop::Stop;

/// What is held for less than this is not sent any more, in ms: its turn could come after somebody else's.
const MARGIN_MS: u64 = 5_000;

pub struct Outbox {
    client: Client,
    url: String,
    pace: Option<Pace>,
}

/// How far a conversation came: so many of its messages are on the updates queue, and why not the next one.
pub struct Sent {
    pub count: usize,
    pub error: Option<String>,
}

impl Outbox {
    pub fn new(client: Client, url: String, rate: Option<u32>) -> Self {
        Self { client, url, pace: rate.map(Pace::new) }
    }

    /// Stops at the first one that cannot be sent: those behind it would overtake it.
    pub async fn send_in_order(&self, letters: &[Letter], stop: &Stop, progress: &Progress) -> Sent {
        for (count, letter) in letters.iter().enumerate() {
            if let Some(pace) = &self.pace {
                stop.or(pace.turn()).await;
            }
            if stop.is_asked() {
                return Sent { count, error: None };
            }
            if letter.held_until_ms < age::now_ms() + MARGIN_MS {
                return Sent { count, error: Some("not sent: it was held for too long".to_owned()) };
            }
            if let Err(error) = self.send(letter).await {
                return Sent { count, error: Some(error) };
            }
            progress.add(1);
        }
        Sent { count: letters.len(), error: None }
    }

    async fn send(&self, letter: &Letter) -> Result<(), String> {
        let send = self.client.send_message().queue_url(&self.url).message_body(&letter.body);
        let send = send.message_group_id(&letter.group).message_deduplication_id(deduplication_id(letter));
        let sent = send.send().await;
        sent.map(drop).map_err(|error| {
            let code = error.code().unwrap_or("no answer").to_owned();
            let says = error.message().unwrap_or_default().to_owned();
            format!("not sent: {code} {says}").trim_end().to_owned()
        })
    }
}

/// Made of the message's id in the dead-letter queue, which is what it must tell apart:
///
/// - It never equals the update id that the ingress sent with, nor the id of an earlier replay of this update: coming
///   back to the dead-letter queue, an update is another message with another id. So SQS's window of five minutes
///   swallows no replay.
/// - Two runs that hold the same message after each other (the first one was killed between sending and deleting, or
///   was asleep until its hold ended) send the same id: the window makes one message of them, and outside of it the
///   worker knows what it has answered. Random ids would do, but cost a second look at each of these.
///
/// Hence what SQS swallows was accepted before, with the same body: deleting it afterwards loses nothing.
fn deduplication_id(letter: &Letter) -> String {
    match letter.update_id() {
        Some(update_id) => format!("{update_id}-replay-{}", letter.message_id),
        None => format!("replay-{}", letter.message_id),
    }
}

/// One turn at a time, evenly.
struct Pace {
    gap: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    fn new(per_second: u32) -> Self {
        Self { gap: Duration::from_secs(1) / per_second.max(1), next: Mutex::new(Instant::now()) }
    }

    async fn turn(&self) {
        let at = {
            let mut next = self.next.lock().await;
            let at = (*next).max(Instant::now());
            *next = at + self.gap;
            at
        };
        tokio::time::sleep_until(at).await;
    }
}
