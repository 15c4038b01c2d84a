//! The other way of updates: getUpdates.

use serde_json::json;

use crate::ADA;
use crate::world::World;

#[tokio::test]
async fn updates_are_handed_out_until_they_are_confirmed() {
    let world = World::start().await;
    let first = world.writes(ADA, "first").await["update_id"].as_i64().unwrap();
    world.writes(ADA, "second").await;
    for _ in 0..2 {
        let updates = world.call("getUpdates", json!({})).await;
        assert_eq!(updates.result().as_array().unwrap().len(), 2);
    }
    let updates = world.call("getUpdates", json!({ "offset": first + 1 })).await;
    assert_eq!(updates.result()[0]["message"]["text"], "second");
    let last = world.call("getUpdates", json!({ "offset": first + 2 })).await;
    assert_eq!(last.result(), &json!([]));
}

#[tokio::test]
async fn a_long_poll_ends_when_something_comes() {
    let world = World::start().await;
    let poll = world.call("getUpdates", json!({ "timeout": 50 }));
    let (updates, _) = tokio::join!(poll, world.writes(ADA, "hello"));
    assert_eq!(updates.result()[0]["message"]["text"], "hello");
}

#[tokio::test]
async fn a_webhook_stands_in_its_way() {
    let world = World::start().await;
    world.set_webhook().await;
    let conflict = "Conflict: can't use getUpdates method while webhook is active; \
                    use deleteWebhook to delete the webhook first";
    world.call("getUpdates", json!({})).await.refused(409, conflict);
    assert_eq!(world.call("deleteWebhook", json!({})).await.body["description"], "Webhook was deleted");
    world.call("getUpdates", json!({})).await.result();
}
