//! The simulated Telegram over HTTP, as a bot and as a person meet it.

mod telegram_world;

use serde_json::json;
use telegram_world::World;

#[tokio::test]
async fn a_bot_introduces_itself() {
    let world = World::start().await;
    let me = world.call("getMe", json!({})).await;
    assert_eq!(me.body["result"]["username"], "lambdagram_bot");
    assert_eq!(me.body["result"]["can_read_all_group_messages"], true);
}

#[tokio::test]
async fn what_a_person_writes_reaches_the_webhook_with_the_secret() {
    let mut world = World::start().await;
    world.set_webhook().await;
    world.writes(1001, "hello").await;
    let delivery = world.delivery().await;
    assert_eq!(delivery.secret, "s3cret");
    assert_eq!(delivery.body["message"]["text"], "hello");
    assert_eq!(delivery.body["message"]["chat"]["id"], 1001);
    delivery.answer(200);
}

#[tokio::test]
async fn what_the_bot_sends_is_shown_and_recorded() {
    let world = World::start().await;
    let sent = world.call("sendMessage", json!({ "chat_id": 1001, "text": "hi" })).await;
    assert_eq!(sent.body["result"]["text"], "hi");
    let state = world.state().await;
    assert_eq!(state["chats"].as_array().unwrap().iter().find(|c| c["id"] == 1001).unwrap()["messages"][0]["text"], "hi");
    let calls = world.get("calls").await;
    assert_eq!(calls[0]["method"], "sendMessage");
    assert_eq!(calls[0]["effect"], true);
    assert_eq!(calls[0]["http_status"], 200);
}
