//! What becomes of a message: limits, entities, chats, replies, drafts, edits.

use serde_json::{Value, json};

use crate::world::World;
use crate::{ADA, FOX_CLUB, GRACE};

async fn kept(text: &str, entities: Value) -> (String, Value) {
    let world = World::start().await;
    let sent = world.call("sendMessage", json!({ "chat_id": ADA, "text": text, "entities": entities })).await;
    let message = sent.result();
    (message["text"].as_str().unwrap_or_default().to_owned(), message["entities"].clone())
}

async fn refused(params: Value, description: &str) {
    let world = World::start().await;
    let mut params = params;
    params["chat_id"] = json!(ADA);
    world.call("sendMessage", params).await.refused(400, description);
    assert_eq!(world.chat(ADA).await["messages"], json!([]));
}

#[tokio::test]
async fn a_text_has_its_limits() {
    refused(json!({ "text": "" }), "Bad Request: message text is empty").await;
    refused(json!({ "text": " \n\u{200b}" }), "Bad Request: text must be non-empty").await;
    refused(json!({ "text": "x".repeat(4097) }), "Bad Request: message is too long").await;
    refused(json!({ "text": "x".repeat(32_769) }), "Bad Request: text is too long").await;
    refused(json!({ "text": "x", "parse_mode": "RTF" }), "Bad Request: unsupported parse_mode").await;
    // Code points count, not UTF-16 units, and not what is trimmed.
    let foxes = "🦊".repeat(4096);
    assert_eq!(kept(&format!("{foxes}  \n"), json!([])).await.0, foxes);
}

#[tokio::test]
async fn an_entity_that_cannot_be_read_refuses_the_message() {
    let with = |entity: Value| json!({ "text": "fox", "entities": [entity] });
    let unparsed = "Bad Request: can't parse MessageEntity: ";
    for (entity, why) in [
        (json!(5), "expected an Object"),
        (json!({ "type": "bold", "offset": 0 }), "Can't find field \"length\""),
        (json!({ "type": "glow", "offset": 0, "length": 1 }), "Unsupported type specified"),
        (json!({ "type": "text_link", "offset": 0, "length": 1 }), "Can't find field \"url\""),
    ] {
        refused(with(entity), &format!("{unparsed}{why}")).await;
    }
    let link = json!({ "type": "text_link", "offset": 0, "length": 3, "url": "#top" });
    refused(with(link), "Bad Request: entity URL '#top' is invalid: URL host is empty").await;
    let beyond = json!({ "type": "bold", "offset": 1, "length": 3 });
    let why = "entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 4";
    refused(with(beyond), &format!("Bad Request: {why}")).await;
}

#[tokio::test]
async fn what_is_kept_is_what_telegram_would_keep() {
    let code_in_link = json!([
        { "type": "text_link", "offset": 2, "length": 3, "url": "fox.org" },
        { "type": "code", "offset": 2, "length": 3 },
        { "type": "bold", "offset": 0, "length": 0 },
    ]);
    let (text, entities) = kept("\ta\tfox  ", code_in_link).await;
    assert_eq!(text, "a fox");
    assert_eq!(entities, json!([{ "type": "code", "offset": 1, "length": 3 }]));
    let (_, entities) = kept("see fox.org", Value::String("no array".to_owned())).await;
    assert_eq!(entities, json!([{ "type": "url", "offset": 4, "length": 7 }]));
}

#[tokio::test]
async fn a_hundred_codes_leave_no_bold() {
    let text = "ab ".repeat(101);
    let mut entities: Vec<Value> = (0..101).map(|n| json!({ "type": "code", "offset": 3 * n, "length": 1 })).collect();
    entities.push(json!({ "type": "bold", "offset": 1, "length": 1 }));
    let (_, entities) = kept(&text, json!(entities)).await;
    let entities = entities.as_array().unwrap().clone();
    assert_eq!(entities.len(), 100);
    assert!(entities.iter().all(|entity| entity["type"] == "code"));
}

#[tokio::test]
async fn a_chat_that_cannot_be_written_to_says_why() {
    let world = World::start().await;
    let to = |chat_id: i64| json!({ "chat_id": chat_id, "text": "hi" });
    world.call("sendMessage", json!({ "text": "hi" })).await.refused(400, "Bad Request: chat_id is empty");
    world.call("sendMessage", to(404)).await.refused(400, "Bad Request: chat not found");
    world.post("chats/1001", json!({ "blocked": true })).await;
    world.call("sendMessage", to(ADA)).await.refused(403, "Forbidden: bot was blocked by the user");
    world.post("chats/1002", json!({ "deactivated": true })).await;
    world.call("sendMessage", to(GRACE)).await.refused(403, "Forbidden: user is deactivated");
    let club = format!("chats/{FOX_CLUB}");
    world.post(&club, json!({ "kicked": true })).await;
    let kicked = "Forbidden: bot was kicked from the supergroup chat";
    world.call("sendMessage", to(FOX_CLUB)).await.refused(403, kicked);
    world.post(&club, json!({ "kicked": false, "migrate_to_chat_id": -100_777 })).await;
    let moved = world.call("sendMessage", to(FOX_CLUB)).await;
    moved.refused(400, "Bad Request: group chat was upgraded to a supergroup chat");
    assert_eq!(moved.body["parameters"]["migrate_to_chat_id"], -100_777);
}

#[tokio::test]
async fn a_reply_quotes_its_message_or_is_refused_without() {
    let mut world = World::start().await;
    world.set_webhook().await;
    let question = world.writes(ADA, "why?").await;
    world.delivery().await.answer(200);
    world.until(|state| state["updates"][0]["status"] == "accepted").await;
    let reply = |id: &Value, without: bool| {
        json!({ "chat_id": ADA, "text": "because",
            "reply_parameters": { "message_id": id, "allow_sending_without_reply": without } })
    };
    let sent = world.call("sendMessage", reply(&question["message_id"], false)).await;
    assert_eq!(sent.result()["reply_to_message"]["text"], "why?");
    assert!(world.state().await["updates"][0]["answered_ms"].is_number());
    assert_eq!(world.chat(ADA).await["messages"][1]["reply_to"]["text"], "why?");
    let missing = world.call("sendMessage", reply(&json!(99), false)).await;
    missing.refused(400, "Bad Request: message to be replied not found");
    assert!(world.call("sendMessage", reply(&json!(99), true)).await.result()["reply_to_message"].is_null());
    let mut threaded = reply(&json!(99), true);
    threaded["message_thread_id"] = json!(5);
    world.call("sendMessage", threaded).await.refused(400, "Bad Request: message thread not found");
    // A person's reply embeds one level only.
    let body = json!({ "chat_id": ADA, "text": "oh", "reply_to_message_id": sent.result()["message_id"] });
    world.post("messages", body).await;
    let delivery = world.delivery().await;
    let original = &delivery.body["message"]["reply_to_message"];
    assert_eq!((&original["text"], &original["reply_to_message"]), (&json!("because"), &Value::Null));
}

#[tokio::test]
async fn a_draft_and_an_action_last_until_the_message() {
    let world = World::start().await;
    world.call("sendChatAction", json!({ "chat_id": ADA, "action": "typing" })).await.result();
    world.call("sendMessageDraft", json!({ "chat_id": ADA, "draft_id": 7, "text": "Fo" })).await.result();
    let chat = world.chat(ADA).await;
    assert_eq!((&chat["action"]["kind"], &chat["draft"]["text"]), (&json!("typing"), &json!("Fo")));
    world.call("sendMessage", json!({ "chat_id": ADA, "text": "Fox" })).await.result();
    let chat = world.chat(ADA).await;
    assert_eq!((&chat["action"], &chat["draft"]), (&Value::Null, &Value::Null));
    let dance = world.call("sendChatAction", json!({ "chat_id": ADA, "action": "dance" })).await;
    dance.refused(400, "Bad Request: wrong parameter action in request");
    assert_eq!(world.call("sendMessageDraft", json!({ "chat_id": ADA, "text": "x" })).await.status, 400);
    let in_group = json!({ "chat_id": FOX_CLUB, "draft_id": 7, "text": "x" });
    assert_eq!(world.call("sendMessageDraft", in_group).await.status, 400);
}

#[tokio::test]
async fn a_message_can_be_edited_and_deleted() {
    let world = World::start().await;
    let sent = world.call("sendMessage", json!({ "chat_id": ADA, "text": "fox" })).await;
    let edit = |text: &str| json!({ "chat_id": ADA, "message_id": sent.result()["message_id"], "text": text });
    let same = world.call("editMessageText", edit("fox")).await;
    assert!(same.description().starts_with("Bad Request: message is not modified: "));
    assert_eq!(world.call("editMessageText", edit("vixen")).await.result()["text"], "vixen");
    assert_eq!(world.chat(ADA).await["messages"][0]["edited"], true);
    world.call("deleteMessage", edit("")).await.result();
    world.call("deleteMessage", edit("")).await.refused(400, "Bad Request: message to delete not found");
    world.call("editMessageText", edit("x")).await.refused(400, "Bad Request: message to edit not found");
}
