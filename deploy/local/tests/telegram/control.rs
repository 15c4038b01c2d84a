//! The people's side: the control API, its events, and the state over a restart.

use local::telegram::Options;
use serde_json::json;

use crate::world::{UNIT, World, png};
use crate::{ADA, FOX_CLUB};

#[tokio::test]
async fn privacy_hides_what_is_not_for_the_bot() {
    let mut world = World::start().await;
    world.set_webhook().await;
    world.post("bot", json!({ "can_read_all_group_messages": false })).await;
    world.writes(FOX_CLUB, "among ourselves").await;
    world.writes(FOX_CLUB, "hey @Lambdagram_bot").await;
    assert_eq!(world.delivery().await.text(), "hey @Lambdagram_bot");
    assert_eq!(world.call("getMe", json!({})).await.result()["can_read_all_group_messages"], false);
}

#[tokio::test]
async fn bad_input_is_told_what_to_do() {
    let world = World::start().await;
    for (path, body, advice) in [
        ("messages", json!({ "text": "x" }), "chat_id"),
        ("messages", json!({ "chat_id": 404, "text": "x" }), "create it with POST chats"),
        ("messages", json!({ "chat_id": ADA, "text": " " }), "needs a text"),
        ("messages", json!({ "chat_id": ADA, "text": "x", "reply_to_message_id": 9 }), "to reply to"),
        ("updates", json!([]), "no Update object"),
        ("chats/404", json!({ "blocked": true }), "There is no chat 404"),
        ("chats/1001", json!({ "blocked": 1 }), "true or false"),
    ] {
        let answer = world.post(path, body).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body["error"].as_str().unwrap().contains(advice), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_callback_query_is_answered_once() {
    let world = World::start().await;
    world.post("updates", json!({ "callback_query": { "id": "77", "from": { "id": ADA } } })).await;
    let answer = json!({ "callback_query_id": "77" });
    world.call("answerCallbackQuery", answer.clone()).await.result();
    let late = "Bad Request: query is too old and response timeout expired or query ID is invalid";
    world.call("answerCallbackQuery", answer).await.refused(400, late);
}

#[tokio::test]
async fn commands_are_remembered() {
    let world = World::start().await;
    let commands = json!([{ "command": "new", "description": "Start anew" }]);
    world.call("setMyCommands", json!({ "commands": commands })).await.result();
    assert_eq!(world.call("getMyCommands", json!({})).await.result(), &commands);
    let bad = json!({ "commands": [{ "command": "New!", "description": "x" }] });
    world.call("setMyCommands", bad).await.refused(400, "Bad Request: BOT_COMMAND_INVALID");
}

#[tokio::test]
async fn the_page_hears_of_every_change() {
    let world = World::start().await;
    let mut events = world.events().await;
    assert_eq!(events.next().await["chats"].as_array().unwrap().len(), 3);
    world.writes(ADA, "hello").await;
    while events.next().await["updates"] == json!([]) {}
}

#[tokio::test]
async fn everything_survives_a_restart_and_delivery_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let state_file = Some(folder.path().join("telegram.json"));
    let options = || Options { state_file: state_file.clone(), retry_unit: UNIT, ..Options::default() };
    let mut world = World::with(options()).await;
    world.set_webhook().await;
    let sent = world.send_photo(
        reqwest::multipart::Form::new()
            .text("chat_id", "1001")
            .part("photo", reqwest::multipart::Part::bytes(png(320, 240)).file_name("fox.png")),
    );
    let file_id = sent.await.result()["photo"][1]["file_id"].as_str().unwrap().to_owned();
    let written = world.writes(ADA, "hello").await;
    let unanswered = world.delivery().await;
    world.telegram.stop().unwrap();
    world.restart(options()).await;
    let delivery = world.delivery().await;
    assert_eq!((delivery.text(), &delivery.body["update_id"]), ("hello", &written["update_id"]));
    delivery.answer(200);
    let bytes = world.bytes(&format!("{}/_sim/files/{file_id}", world.telegram.url())).await;
    assert_eq!(bytes, png(320, 240));
    let next = world.writes(ADA, "again").await;
    assert_eq!(next["message_id"].as_i64(), written["message_id"].as_i64().map(|id| id + 1));
    unanswered.answer(200);
}

#[tokio::test]
async fn a_forum_has_topics() {
    let mut world = World::start().await;
    world.set_webhook().await;
    let club = format!("chats/{FOX_CLUB}");
    world.post(&club, json!({ "is_forum": true, "thread": { "id": 5, "name": "Dens" } })).await;
    let question = json!({ "chat_id": FOX_CLUB, "text": "where?", "message_thread_id": 5 });
    world.post("messages", question).await;
    let delivery = world.delivery().await;
    let message = &delivery.body["message"];
    assert_eq!((&message["message_thread_id"], &message["is_topic_message"]), (&json!(5), &json!(true)));
    assert_eq!(message["reply_to_message"]["forum_topic_created"]["name"], "Dens");
    let answer = |thread_id: i64| json!({ "chat_id": FOX_CLUB, "text": "here", "message_thread_id": thread_id });
    assert_eq!(world.call("sendMessage", answer(5)).await.result()["message_thread_id"], 5);
    world.call("sendMessage", answer(6)).await.refused(400, "Bad Request: message thread not found");
}
