//! Delivery to the webhook: order, retries, the secret, and what setWebhook refuses.

use serde_json::json;

use crate::world::{UNIT, World};
use crate::{ADA, GRACE};

#[tokio::test]
async fn what_a_person_writes_arrives_with_the_secret() {
    let mut world = World::start().await;
    world.set_webhook().await;
    let written = world.writes(ADA, "/start 🦊 https://fox.org #fox @grace_1002").await;
    let delivery = world.delivery().await;
    assert_eq!(delivery.secret, "s3cret");
    assert_eq!(delivery.body["update_id"], written["update_id"]);
    let message = &delivery.body["message"];
    assert_eq!((&message["chat"]["id"], &message["from"]["first_name"]), (&json!(ADA), &json!("Ada")));
    assert_eq!(
        message["entities"],
        json!([
            { "type": "bot_command", "offset": 0, "length": 6 },
            { "type": "url", "offset": 10, "length": 15 },
            { "type": "hashtag", "offset": 26, "length": 4 },
            { "type": "mention", "offset": 31, "length": 11 },
        ])
    );
    delivery.answer(200);
    world.until(|state| state["updates"][0]["status"] == "accepted").await;
}

#[tokio::test]
async fn a_chat_waits_for_its_answer_and_another_chat_does_not() {
    let mut world = World::start().await;
    world.set_webhook().await;
    for (chat_id, text) in [(ADA, "first"), (ADA, "second"), (GRACE, "third")] {
        world.writes(chat_id, text).await;
    }
    let (one, two) = (world.delivery().await, world.delivery().await);
    let (first, third) = if one.text() == "first" { (one, two) } else { (two, one) };
    assert_eq!((first.text(), third.text()), ("first", "third"));
    third.answer(200);
    assert!(world.nothing_delivered());
    first.answer(204);
    assert_eq!(world.delivery().await.text(), "second");
}

#[tokio::test]
async fn no_more_than_max_connections_are_used() {
    let mut world = World::start().await;
    let webhook = json!({ "url": world.hook_url(), "max_connections": 1 });
    world.call("setWebhook", webhook).await.result();
    world.writes(ADA, "first").await;
    world.writes(GRACE, "second").await;
    let first = world.delivery().await;
    let state = world.state().await;
    assert_eq!(
        (&state["updates"][0]["status"], &state["updates"][1]["status"]),
        (&json!("delivering"), &json!("waiting"))
    );
    first.answer(200);
    assert_eq!(world.delivery().await.text(), "second");
}

#[tokio::test]
async fn a_failure_is_repeated_at_once_then_after_two_and_four_units() {
    let mut world = World::start().await;
    world.set_webhook().await;
    world.writes(ADA, "hello").await;
    world.delivery().await.answer(500);
    world.delivery().await.answer(503);
    let mut waits = Vec::new();
    for status in [500, 200] {
        let before = std::time::Instant::now();
        world.delivery().await.answer(status);
        waits.push(before.elapsed());
    }
    assert!(waits[0] >= UNIT && waits[1] >= 3 * UNIT, "{waits:?}");
    world.until(|state| state["updates"][0]["status"] == "accepted").await;
    assert_eq!(world.state().await["updates"][0]["attempts"], 4);
    let info = world.call("getWebhookInfo", json!({})).await;
    assert_eq!(info.result()["last_error_message"], "Wrong response from the webhook: 500 Internal Server Error");
    assert_eq!(info.result()["pending_update_count"], 0);
}

#[tokio::test]
async fn the_webhooks_own_wait_is_honoured() {
    let mut world = World::start().await;
    world.set_webhook().await;
    world.writes(ADA, "hello").await;
    let before = std::time::Instant::now();
    world.delivery().await.answer_later(10);
    world.delivery().await.answer(200);
    assert!(before.elapsed() >= 9 * UNIT);
}

#[tokio::test]
async fn only_allowed_kinds_are_delivered() {
    let mut world = World::start().await;
    world.set_webhook().await;
    let reaction = json!({ "message_reaction": { "chat": { "id": ADA, "type": "private" } } });
    let unknown = json!({ "update_id": 4_000_000_000_000_000_i64, "brand_new": { "chat": { "id": ADA } } });
    world.post("updates", reaction).await;
    world.post("updates", unknown.clone()).await;
    let delivery = world.delivery().await;
    assert_eq!(delivery.body, unknown);
    delivery.answer(200);
    let only = json!({ "url": world.hook_url(), "allowed_updates": ["edited_message"] });
    world.call("setWebhook", only).await.result();
    world.writes(ADA, "hello").await;
    let edited = json!({ "edited_message": { "message_id": 9, "chat": { "id": ADA, "type": "private" } } });
    world.post("updates", edited).await;
    let delivery = world.delivery().await;
    assert_eq!(delivery.body["edited_message"]["message_id"], 9);
    assert_eq!(delivery.body["update_id"], 4_000_000_000_000_002_i64);
}

#[tokio::test]
async fn a_raw_update_arrives_byte_for_byte() {
    let mut world = World::start().await;
    world.set_webhook().await;
    let raw =
        r#"{ "message":{"text":"\u0007\ud83e\udd8a","x":1e2,"chat":{"id":77,"type":"private"}}, "update_id" : 5 }"#;
    world.send(|http| http.post(format!("{}/_sim/updates", world.telegram.url())).body(raw)).await;
    let delivery = world.delivery().await;
    assert_eq!(delivery.raw, raw);
}

#[tokio::test]
async fn a_function_url_is_reached_through_the_gateway_under_its_name() {
    let mut world = World::with_gateway().await;
    let url = "https://abc.lambda-url.us-east-1.on.aws/hook";
    world.call("setWebhook", json!({ "url": url })).await.result();
    world.writes(ADA, "hello").await;
    assert_eq!(world.delivery().await.host, "abc.lambda-url.us-east-1.on.aws");
}

#[tokio::test]
async fn a_bad_webhook_is_refused_in_telegrams_words() {
    let world = World::start().await;
    let https = "Bad Request: bad webhook: An HTTPS URL must be provided for webhook";
    let port = "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443";
    for (url, description) in [("http://fox.org/", https), ("https://fox.org:444/", port)] {
        world.call("setWebhook", json!({ "url": url })).await.refused(400, description);
    }
    let secret = |secret: String| json!({ "url": "https://fox.org/", "secret_token": secret });
    let too_long = world.call("setWebhook", secret("x".repeat(257))).await;
    too_long.refused(400, "Bad Request: secret token is too long");
    let unallowed = world.call("setWebhook", secret("a b".to_owned())).await;
    unallowed.refused(400, "Bad Request: secret token contains unallowed characters");
    assert_eq!(world.call("getWebhookInfo", json!({})).await.result()["url"], "");
}
