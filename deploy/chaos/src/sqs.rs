//! SQS on the wire (AWS JSON 1.0): what the functions and the operator's command call, on top of [`crate::queue`].

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::event::Event;
use crate::queue::{Message, Queue, Refusal};
use crate::world::{State, waited_ms};

pub const UPDATES: &str = "000000000000/updates.fifo";
pub const DEAD: &str = "000000000000/updates-dlq.fifo";

/// The update that a call is about, as far as the queue knows it.
pub fn update(state: &State, body: &Value) -> Option<u64> {
    let sealed = || serde_json::from_str::<Value>(body["MessageBody"].as_str()?).ok()?["update_id"].as_u64();
    let receipt = body["ReceiptHandle"].as_str().or_else(|| body["Entries"][0]["ReceiptHandle"].as_str());
    let queue = if is_dead(body) { &state.dead } else { &state.queue };
    receipt.and_then(|receipt| queue.update_of(receipt)).or_else(sealed)
}

/// `replays`: what this caller sends was in the dead-letter queue before.
pub fn call(state: &mut State, replays: bool, action: &str, body: &Value) -> Response {
    let dead = is_dead(body);
    match action {
        "SendMessage" => send(state, replays, body),
        "DeleteMessage" => single(delete(state, dead, body)),
        "ChangeMessageVisibility" => single(hide(state, dead, body)),
        "DeleteMessageBatch" => each(body, |entry| delete(state, dead, entry)),
        "ChangeMessageVisibilityBatch" => each(body, |entry| hide(state, dead, entry)),
        "ReceiveMessage" if dead => receive(state, body),
        "GetQueueAttributes" => answer(StatusCode::OK, &attributes(state, dead)),
        _ => error(StatusCode::BAD_REQUEST, "UnsupportedOperation"),
    }
}

fn is_dead(body: &Value) -> bool {
    body["QueueUrl"].as_str().is_some_and(|url| url.ends_with(DEAD))
}

fn queue(state: &mut State, dead: bool) -> &mut Queue {
    if dead { &mut state.dead } else { &mut state.queue }
}

fn send(state: &mut State, replays: bool, body: &Value) -> Response {
    let field = |name: &str| body[name].as_str().unwrap_or_default();
    let Some(update) = update(state, body) else { return error(StatusCode::BAD_REQUEST, "InvalidMessageContents") };
    let (group, dedup) = (field("MessageGroupId"), field("MessageDeduplicationId"));
    let sent = state.queue.send(state.now_ms, group, dedup, update, field("MessageBody").to_owned());
    if replays && !sent.is_duplicate {
        state.note(Event::Replayed { update });
    }
    let sequence = format!("{:020}", sent.sequence);
    answer(StatusCode::OK, &json!({"MessageId": sent.id, "SequenceNumber": sequence, "MD5OfMessageBody": ""}))
}

/// From the dead-letter queue, whose holds are real time: its reader counts them by its own clock.
fn receive(state: &mut State, body: &Value) -> Response {
    let hold_s = body["VisibilityTimeout"].as_u64().unwrap_or(30);
    let now_ms = state.now_ms;
    let received = state.dead.receive(now_ms, now_ms + hold_s * 1_000, 0, || 10);
    let messages: Vec<_> = received.batch.iter().map(message).collect();
    answer(StatusCode::OK, &json!({"Messages": messages}))
}

fn message(message: &Message) -> Value {
    json!({"MessageId": message.id, "ReceiptHandle": message.receipt, "MD5OfBody": "", "Body": message.body,
    "Attributes": {
        "ApproximateReceiveCount": message.received.to_string(),
        "SentTimestamp": message.sent_ms.to_string(),
        "ApproximateFirstReceiveTimestamp": message.first_received_ms.to_string(),
        "MessageGroupId": message.group, "MessageDeduplicationId": message.dedup, "SequenceNumber": "0",
    }})
}

fn attributes(state: &mut State, dead: bool) -> Value {
    let now_ms = state.now_ms;
    let policy = json!({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:updates-dlq.fifo",
        "maxReceiveCount": state.queue.max_receives});
    let (waiting, in_flight) = queue(state, dead).depth(now_ms);
    let mut attributes = json!({"ApproximateNumberOfMessages": waiting.to_string(),
        "ApproximateNumberOfMessagesNotVisible": in_flight.to_string()});
    if !dead {
        attributes["RedrivePolicy"] = policy.to_string().into();
    }
    json!({"Attributes": attributes})
}

fn delete(state: &mut State, dead: bool, entry: &Value) -> Result<(), Refusal> {
    let now_ms = state.now_ms;
    let update = queue(state, dead).delete(now_ms, entry["ReceiptHandle"].as_str().unwrap_or_default())?;
    if !dead {
        state.note(Event::Deleted { update });
    }
    Ok(())
}

fn hide(state: &mut State, dead: bool, entry: &Value) -> Result<(), Refusal> {
    let receipt = entry["ReceiptHandle"].as_str().unwrap_or_default();
    let wait_s = entry["VisibilityTimeout"].as_u64().and_then(|wait_s| u32::try_from(wait_s).ok()).unwrap_or(0);
    let now_ms = state.now_ms;
    let until_ms = now_ms + if dead { u64::from(wait_s) * 1_000 } else { waited_ms(wait_s.into()) };
    let update = queue(state, dead).hide(now_ms, receipt, until_ms)?;
    if !dead {
        state.note(Event::Hidden { update, wait_s });
    }
    Ok(())
}

fn single(result: Result<(), Refusal>) -> Response {
    match result {
        Ok(()) => answer(StatusCode::OK, &json!({})),
        Err(Refusal::Expired) => error(StatusCode::BAD_REQUEST, "ReceiptHandleIsInvalid"),
    }
}

fn each(body: &Value, mut one: impl FnMut(&Value) -> Result<(), Refusal>) -> Response {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for entry in body["Entries"].as_array().into_iter().flatten() {
        match one(entry) {
            Ok(()) => done.push(json!({"Id": entry["Id"]})),
            Err(Refusal::Expired) => {
                failed.push(json!({"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid", "SenderFault": true}));
            }
        }
    }
    answer(StatusCode::OK, &json!({"Successful": done, "Failed": failed}))
}

pub fn unavailable() -> Response {
    error(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
}

fn error(status: StatusCode, code: &str) -> Response {
    answer(status, &json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": code}))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body.to_string()).into_response()
}
