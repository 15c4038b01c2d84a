//! Calls that fail to order.

use local::fault::{Fault, Kind};
use serde_json::{Value, json};

use crate::ADA;
use crate::world::{PATIENCE, World};

fn order(world: &World, method: &str, kind: Kind) {
    world.telegram.faults().order(Fault { method: method.to_owned(), chat_id: None, skip: 0, times: 1, kind });
}

fn message() -> Value {
    json!({ "chat_id": ADA, "text": "hi" })
}

#[tokio::test]
async fn a_wait_is_told_twice_and_nothing_is_sent() {
    let world = World::start().await;
    order(&world, "sendMessage", Kind::TooManyRequests { retry_after_s: 7 });
    let refused = world.call("sendMessage", message()).await;
    refused.refused(429, "Too Many Requests: retry after 7");
    assert_eq!(refused.body["parameters"]["retry_after"], 7);
    assert_eq!(refused.retry_after.as_deref(), Some("7"));
    assert_eq!(world.chat(ADA).await["messages"], json!([]));
    world.call("sendMessage", message()).await.result();
    let seen: Vec<_> = world.telegram.calls().iter().map(|call| (call.status, call.effect)).collect();
    assert_eq!(seen, [(429, false), (200, true)]);
}

#[tokio::test]
async fn a_connection_breaks_before_or_after_the_effect() {
    let world = World::start().await;
    order(&world, "sendMessage", Kind::BreakBefore);
    assert!(world.try_call("sendMessage", message()).await.is_err());
    assert_eq!(world.chat(ADA).await["messages"], json!([]));
    order(&world, "sendMessage", Kind::BreakAfter);
    assert!(world.try_call("sendMessage", message()).await.is_err());
    assert_eq!(world.chat(ADA).await["messages"][0]["text"], "hi");
    let seen: Vec<_> = world.telegram.calls().iter().map(|call| (call.status, call.effect)).collect();
    assert_eq!(seen, [(0, false), (0, true)]);
}

#[tokio::test]
async fn errors_and_nonsense_come_as_ordered() {
    let world = World::start().await;
    order(&world, "getMe", Kind::Status { code: 502, description: None });
    world.call("getMe", json!({})).await.refused(502, "Internal Server Error");
    let description = Some("Forbidden: no foxes".to_owned());
    order(&world, "*", Kind::Status { code: 403, description });
    world.call("sendMessage", message()).await.refused(403, "Forbidden: no foxes");
    order(&world, "getMe", Kind::MalformedJson);
    let nonsense = world.call("getMe", json!({})).await;
    assert_eq!((nonsense.status, nonsense.body.is_string()), (200, true));
}

#[tokio::test]
async fn a_client_that_gives_up_does_not_take_its_message_back() {
    let world = World::start().await;
    order(&world, "sendMessage", Kind::Slow { ms: 150 });
    let sent = world.send_impatiently("sendMessage", message()).await;
    assert!(sent.is_err_and(|error| error.is_timeout()));
    let call = world.telegram.call_matching(PATIENCE, |call| call.effect).await;
    assert_eq!(call.map(|call| call.status), Some(200));
}

#[tokio::test]
async fn faults_are_ordered_and_cleared_over_http() {
    let world = World::start().await;
    let fault = json!({ "method": "getMe", "chat_id": null, "skip": 0, "times": 2, "kind": "break_before" });
    assert_eq!(world.post("faults", fault.clone()).await.status, 200);
    assert_eq!(world.get("faults").await, json!([fault]));
    let advice = world.post("faults", json!({ "method": "getMe" })).await;
    assert_eq!(advice.status, 400);
    assert!(advice.body["error"].as_str().unwrap().contains("Send JSON such as"));
    world.telegram.faults().clear();
    world.call("getMe", json!({})).await.result();
}
