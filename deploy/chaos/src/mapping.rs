//! The event source mapping of one worker: receives, invokes, and deletes what was not reported as failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use local::lambda::{Function, FunctionError};
use serde_json::{Value, json};

use crate::door::Door;
use crate::event::Event;
use crate::queue::Message;
use crate::world::{State, WORKER_TIMEOUT, World};

/// Between two looks at an empty queue.
const PAUSE: Duration = Duration::from_millis(25);

pub async fn run(world: Arc<World>, function: Arc<Function>, door: Arc<Door>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let batch = world.lock().receive(&door.name);
        if batch.is_empty() {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        door.alive();
        match function.invoke(event(&batch), WORKER_TIMEOUT).await {
            Ok(answer) => done(&world, &batch, &answer),
            Err(error) => crashed(&world, &door, &batch, &error),
        }
        world.note(Event::Returned { worker: door.name.clone() });
    }
}

fn event(batch: &[Message]) -> Value {
    let records: Vec<_> = batch.iter().map(record).collect();
    json!({"Records": records})
}

fn record(message: &Message) -> Value {
    json!({
        "messageId": message.id, "receiptHandle": message.receipt, "body": message.body, "messageAttributes": {},
        "attributes": {
            "ApproximateReceiveCount": message.received.to_string(),
            "SentTimestamp": message.sent_ms.to_string(),
            "ApproximateFirstReceiveTimestamp": message.first_received_ms.to_string(),
            "SenderId": "AIDAIENQZJOLO23YVJ4VO", "SequenceNumber": "0",
            "MessageGroupId": message.group, "MessageDeduplicationId": message.dedup,
        },
        "md5OfBody": "00000000000000000000000000000000", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:updates.fifo"
    })
}

fn done(world: &World, batch: &[Message], answer: &Value) {
    let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
    let failed: Vec<_> = failures.filter_map(|failure| failure["itemIdentifier"].as_str()).collect();
    let mut state = world.lock();
    let now_ms = state.now_ms;
    for message in batch {
        if failed.contains(&message.id.as_str()) {
            bring_back(&mut state, message);
        } else if let Ok(update) = state.queue.delete(now_ms, &message.receipt) {
            state.note(Event::Deleted { update });
        }
    }
}

fn crashed(world: &World, door: &Door, batch: &[Message], error: &FunctionError) {
    let mut state = world.lock();
    match error {
        FunctionError::TimedOut(_) => state.note(Event::Killed { worker: door.name.clone(), why: "out of time" }),
        FunctionError::Reported(_) => {
            state.note(Event::Killed { worker: door.name.clone(), why: "an error of its own" })
        }
        FunctionError::Ended(_) | FunctionError::Init(_) => {}
    }
    for message in batch {
        bring_back(&mut state, message);
    }
}

/// What nobody has said when to show again comes back after the visibility time-out. Once the invocation is over it is
/// shortened, so that a run ends: a dead worker's claim on the send of a text lasts 11 s, and another one waits up to 12
/// in place.
fn bring_back(state: &mut State, message: &Message) {
    const LEFT_MS: u64 = 3_000;
    let now_ms = state.now_ms;
    state.queue.hide_if_unchanged(now_ms, message, now_ms + LEFT_MS);
}
