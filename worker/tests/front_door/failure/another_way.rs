//! What Telegram does not take in one form or place, it gets in another.

use local::fault::{Fault, Kind};
use local::telegram::Incoming;
use serde_json::json;

use crate::support::{ADA, FOX_CLUB, NOTHING, World, envelope, fault, quotes, refusal, status, text};

#[tokio::test]
async fn entities_that_telegram_refuses_are_left_out_once() {
    let world = World::start("entities").await;
    let description = Some("Bad Request: can't parse entities: unsupported type".to_owned());
    world.telegram.faults().order(fault("sendMessage", Kind::Status { code: 400, description }));
    let said = world.says(ADA, "show me formatting").await;
    assert_eq!(said.len(), 1);
    let sent: Vec<_> = world.telegram.calls().into_iter().filter(|call| call.method == "sendMessage").collect();
    assert_eq!(sent.len(), 2);
    assert!(!sent[0].params["entities"].as_array().unwrap().is_empty());
    assert!(sent[1].params["entities"].as_array().is_none_or(Vec::is_empty));
    assert_eq!(text(&sent[0]), text(&sent[1]), "the words stay");
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn the_history_of_a_group_follows_it_to_its_new_id() {
    let world = World::start("moves").await;
    let history = r#"{"version":1,"turns":[{"update_id":1,"tokens":9,"contents":[{"role":"user","parts":[{"text":"we like foxes"}]},{"role":"model","parts":[{"text":"so do I"}]}]}],"done":[1],"pending":[]}"#;
    world.put_object("conversations/-55.json", history.as_bytes()).await;
    let moved = r#"{"update_id":2,"message":{"message_id":7,"date":1795348800,"chat":{"id":-55,"type":"group"},"from":{"id":1001,"first_name":"Ada"},"migrate_to_chat_id":-1001234567890}}"#;
    world.enqueue("2", "-55", moved).await;
    world.wait_for_work().await;
    assert!(world.history("-1001234567890").await.contains("we like foxes"));

    world.says(FOX_CLUB, "/new@lambdagram_bot").await;
    world.queue.send("-55", "later", &envelope("2", "-55", moved)).await.unwrap();
    world.wait_for_work().await;
    assert!(!world.history("-1001234567890").await.contains("we like foxes"), "forgotten is forgotten");
}

const GROUP: i64 = -55;
const SUPERGROUP: i64 = -1_000_000_000_055;

/// A message of a group that has become a supergroup before the answer is ready.
async fn a_question_of_a_group_that_moves(world: &World) {
    for (id, kind) in [(GROUP, "group"), (SUPERGROUP, "supergroup")] {
        let chat = json!({ "id": id, "type": kind, "title": "Foxes" });
        assert!(world.order("chats", chat.to_string()).await.is_success());
    }
    world.writes(GROUP, "@lambdagram_bot we like foxes");
    world.deliver().await;
    assert!(world.order("chats/-55", json!({ "migrate_to_chat_id": SUPERGROUP }).to_string()).await.is_success());
}

#[tokio::test]
async fn a_group_that_became_a_supergroup_unnoticed_gets_its_answer_there() {
    let world = World::start("moved").await;
    a_question_of_a_group_that_moves(&world).await;
    assert_eq!(world.work().await, NOTHING);
    let said = world.said_since(0, SUPERGROUP);
    assert_eq!((said.len(), quotes(&said[0])), (1, None), "its messages have other ids there");

    assert_eq!(world.says(SUPERGROUP, "@lambdagram_bot what do we like?").await.len(), 1);
    assert!(world.last_question().concat().contains("we like foxes"), "the history follows");
}

#[tokio::test]
async fn a_history_that_could_not_follow_follows_later() {
    let world = World::start("follows").await;
    a_question_of_a_group_that_moves(&world).await;
    world.door.faults().order(Fault { times: 3, chat_id: Some(SUPERGROUP), ..fault("PutObject", status(503)) });
    world.exhaust().await;
    assert_eq!(world.said_since(0, SUPERGROUP).len(), 1, "the answer is not sent again");
    assert!(world.history(&SUPERGROUP.to_string()).await.contains("we like foxes"));
}

#[tokio::test]
async fn what_is_settled_after_the_move_follows_as_well() {
    let world = World::start("settled-late").await;
    let turn = r#"{"update_id":1,"tokens":9,"contents":[{"role":"user","parts":[{"text":"we like foxes"}]},{"role":"model","parts":[{"text":"so do I"}]}]}"#;
    let sent = format!(
        r#"{{"version":1,"pending":[{{"update_id":1,"reply_to":6,"pieces":[{{"text":{{"text":"so do I","entities":[]}}}}],"next":1,"unconfirmed":0,"claim":{{"by":"","until_ms":0}},"turn":{turn}}}]}}"#
    );
    world.put_object("conversations/-55.json", sent.as_bytes()).await;
    let message = |id: u32, rest: &str| {
        format!(
            r#"{{"update_id":{id},"message":{{"message_id":{},"date":1795348800,"chat":{{"id":-55,"type":"group"}},"from":{{"id":1001,"first_name":"Ada"}},{rest}}}}}"#,
            id + 5
        )
    };
    world.enqueue("2", "-55", &message(2, r#""migrate_to_chat_id":-1001234567890"#)).await;
    world.wait_for_work().await;
    let question = r#""text":"/help@lambdagram_bot","entities":[{"type":"bot_command","offset":0,"length":20}]"#;
    world.enqueue("1", "-55", &message(1, question)).await;
    world.wait_for_work().await;
    assert!(world.history("-1001234567890").await.contains("we like foxes"));
}

#[tokio::test]
async fn who_has_the_answer_is_not_told_of_what_failed_after_it() {
    let world = World::start("after-answer").await;
    a_question_of_a_group_that_moves(&world).await;
    world.door.faults().order(Fault { times: 99, chat_id: Some(SUPERGROUP), ..fault("PutObject", status(503)) });
    world.exhaust().await;
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
    assert_eq!(world.said_since(0, SUPERGROUP).len() + world.said_since(0, GROUP).len(), 1);
}

#[tokio::test]
async fn of_a_failure_people_hear_where_their_group_is_now() {
    let world = World::start("told-there").await;
    a_question_of_a_group_that_moves(&world).await;
    world.gemini.faults().order(Fault { times: 99, ..fault("generateContent", status(400)) });
    world.exhaust().await;
    let said = world.said_since(0, SUPERGROUP);
    assert_eq!(said.len(), 1);
    assert!(text(&said[0]).starts_with("Something went wrong on my side."));
}

#[tokio::test]
async fn an_answer_whose_question_or_topic_is_gone_is_sent_without() {
    let world = World::start("detached").await;
    let topic = json!({ "is_forum": true, "thread": { "id": 5, "name": "A topic" } });
    assert!(world.order(&format!("chats/{FOX_CLUB}"), topic.to_string()).await.is_success());
    for gone in ["message to be replied not found", "message thread not found"] {
        let before = world.calls_so_far();
        world.telegram.faults().order(fault("sendMessage", refusal(400, &format!("Bad Request: {gone}"))));
        let (text, message_thread_id) = ("@lambdagram_bot hello".to_owned(), Some(5));
        let written = Incoming { chat_id: FOX_CLUB, text, message_thread_id, ..Incoming::default() };
        world.telegram.user_writes(written).unwrap();
        world.deliver().await;
        assert_eq!(world.work().await, NOTHING, "{gone}");
        let said = world.said_since(before, FOX_CLUB);
        assert_eq!((said.len(), quotes(&said[0])), (1, None), "{gone}");
        assert!(said[0].params.get("message_thread_id").is_none(), "{gone}");
    }
    assert_eq!(world.charged(), 2);
}

#[tokio::test]
async fn a_picture_that_telegram_does_not_take_becomes_words() {
    let world = World::start("no-picture").await;
    world.telegram.faults().order(fault("sendPhoto", refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")));
    let said = world.says(ADA, "/image a fox").await;
    assert_eq!((said.len(), said[0].method.as_str()), (1, "sendMessage"));
    assert_eq!(text(&said[0]), "The picture is drawn, but it cannot be shown here. Please try another one.");
    assert_eq!(world.charged(), 1);
}
