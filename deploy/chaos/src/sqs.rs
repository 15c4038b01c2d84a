//! SQS on the wire (AWS JSON 1.0): what the functions call, on top of [`crate::queue`].

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::event::Event;
use crate::queue::Refusal;
use crate::world::{State, scaled_ms};

/// The update that a call is about, as far as the queue knows it.
pub fn update(state: &State, body: &Value) -> Option<u64> {
    let sealed = || serde_json::from_str::<Value>(body["MessageBody"].as_str()?).ok()?["update_id"].as_u64();
    let receipt = body["ReceiptHandle"].as_str().or_else(|| body["Entries"][0]["ReceiptHandle"].as_str());
    receipt.and_then(|receipt| state.queue.update_of(receipt)).or_else(sealed)
}

pub fn call(state: &mut State, action: &str, body: &Value) -> Response {
    match action {
        "SendMessage" => send(state, body),
        "DeleteMessage" => single(delete(state, body)),
        "ChangeMessageVisibility" => single(hide(state, body)),
        "DeleteMessageBatch" => each(state, body, delete),
        "ChangeMessageVisibilityBatch" => each(state, body, hide),
        "GetQueueAttributes" => {
            let policy = json!({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:updates-dlq.fifo",
                "maxReceiveCount": state.queue.max_receives});
            answer(StatusCode::OK, &json!({"Attributes": {"RedrivePolicy": policy.to_string()}}))
        }
        _ => error(StatusCode::BAD_REQUEST, "UnsupportedOperation"),
    }
}

fn send(state: &mut State, body: &Value) -> Response {
    let field = |name: &str| body[name].as_str().unwrap_or_default();
    let Some(update) = update(state, body) else { return error(StatusCode::BAD_REQUEST, "InvalidMessageContents") };
    let (group, dedup) = (field("MessageGroupId"), field("MessageDeduplicationId"));
    let (id, sequence) = state.queue.send(state.now_ms, group, dedup, update, field("MessageBody").to_owned());
    let sequence = format!("{sequence:020}");
    answer(StatusCode::OK, &json!({"MessageId": id, "SequenceNumber": sequence, "MD5OfMessageBody": ""}))
}

fn delete(state: &mut State, entry: &Value) -> Result<(), Refusal> {
    let update = state.queue.delete(state.now_ms, entry["ReceiptHandle"].as_str().unwrap_or_default())?;
    state.note(Event::Deleted { update });
    Ok(())
}

fn hide(state: &mut State, entry: &Value) -> Result<(), Refusal> {
    let receipt = entry["ReceiptHandle"].as_str().unwrap_or_default();
    let wait_s = entry["VisibilityTimeout"].as_u64().and_then(|wait_s| u32::try_from(wait_s).ok()).unwrap_or(0);
    let update = state.queue.hide(state.now_ms, receipt, state.now_ms + scaled_ms(wait_s.into()))?;
    state.note(Event::Hidden { update, wait_s });
    Ok(())
}

fn single(result: Result<(), Refusal>) -> Response {
    match result {
        Ok(()) => answer(StatusCode::OK, &json!({})),
        Err(Refusal::Expired) => error(StatusCode::BAD_REQUEST, "ReceiptHandleIsInvalid"),
    }
}

fn each(state: &mut State, body: &Value, one: fn(&mut State, &Value) -> Result<(), Refusal>) -> Response {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for entry in body["Entries"].as_array().into_iter().flatten() {
        match one(state, entry) {
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
