//! What no later attempt would mend: people are told so in plain words, or left alone.

use serde_json::Value;

use crate::support::{ADA, FOX_CLUB, GRACE, NOTHING, World, fault, refusal, text};

#[tokio::test]
async fn what_gemini_blocks_is_explained_and_not_remembered() {
    let world = World::start("blocked").await;
    for asked in ["this is an unsafe prompt", "give me an unsafe answer"] {
        let said = world.says(ADA, asked).await;
        assert_eq!(said.len(), 1);
        assert!(text(&said[0]).contains("safety"), "{}", text(&said[0]));
        assert!(!text(&said[0]).contains("SAFETY"), "in plain words");
        assert!(!world.history("1001").await.contains("unsafe"));
    }
    world.says(ADA, "and now something else").await;
    assert!(!world.last_question().concat().contains("unsafe"));
}

#[tokio::test]
async fn an_empty_answer_is_asked_for_again_and_then_admitted() {
    let world = World::start("empty").await;
    let said = world.says(ADA, "empty").await;
    assert_eq!(said.len(), 1);
    assert!(!text(&said[0]).is_empty());
    assert!(world.asked() <= 2);
}

#[tokio::test]
async fn who_has_blocked_the_bot_is_left_alone() {
    let world = World::start("gone").await;
    world.writes(ADA, "hello");
    world.order("chats/1001", r#"{"blocked": true}"#).await;
    world.deliver().await;
    assert_eq!(world.work().await, NOTHING, "nothing to repeat");
    assert_eq!(world.said_since(0, ADA).len(), 0);
    assert_eq!(world.queue.depth().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn a_photo_that_cannot_be_downloaded_is_declined_in_plain_words() {
    const TOO_BIG: usize = 20 * 1024 * 1024 + 1;
    let world = World::start("too-big").await;
    world.give_file("silent-about-its-size", vec![0; TOO_BIG]).await;
    for (file_id, bytes, words) in [
        ("large", Some(TOO_BIG as u64), "larger than 20 MB"),
        ("silent-about-its-size", None, "larger than 20 MB"),
        ("long-gone", Some(80), "send it again"),
    ] {
        let before = world.calls_so_far();
        world.shows(ADA, file_id, bytes).await;
        world.deliver().await;
        assert_eq!(world.work().await, NOTHING, "{file_id}");
        let said = world.said_since(before, ADA);
        assert_eq!(said.len(), 1, "{file_id}");
        assert!(text(&said[0]).contains(words), "{file_id}: {}", text(&said[0]));
        let fetched = world.telegram.calls()[before..].iter().any(|call| call.method == "getFile");
        assert_eq!(fetched, file_id != "large", "what Telegram calls too large is not asked for");
    }
    assert_eq!(world.asked(), 0);
    assert!(world.history("1001").await.contains(r#""turns":[]"#));
}

#[tokio::test]
async fn a_picture_that_gemini_cannot_read_is_declined_and_not_remembered() {
    let world = World::start("bad-photo").await;
    world.says(ADA, "hello").await;
    let (before, history) = (world.calls_so_far(), turns(&world).await);
    world.give_file("damaged", b"no picture at all".to_vec()).await;
    world.shows(ADA, "damaged", Some(17)).await;
    world.deliver().await;
    assert_eq!(world.work().await, NOTHING);
    let said: Vec<_> = world.said_since(before, ADA).iter().map(|call| text(call).to_owned()).collect();
    assert_eq!(said, ["Gemini cannot read that picture. Please send another one."]);
    assert_eq!(world.asked(), 2, "and not without its history, as after another refusal");
    assert_eq!(turns(&world).await, history);
}

async fn turns(world: &World) -> Value {
    let object: Value = serde_json::from_str(&world.history("1001").await).unwrap();
    object["turns"].clone()
}

#[tokio::test]
async fn a_chat_that_takes_nothing_any_more_is_done_with() {
    let world = World::start("takes-nothing").await;
    let not_found = fault("sendMessage", refusal(400, "Bad Request: chat not found"));
    for (chat_id, change) in
        [(ADA, Some(r#"{"deactivated": true}"#)), (FOX_CLUB, Some(r#"{"kicked": true}"#)), (GRACE, None)]
    {
        world.writes(chat_id, "@lambdagram_bot hello");
        match change {
            Some(change) => assert!(world.order(&format!("chats/{chat_id}"), change).await.is_success()),
            None => world.telegram.faults().order(not_found.clone()),
        }
        world.deliver().await;
        assert_eq!(world.work().await, NOTHING, "{chat_id}: nothing to repeat");
        assert_eq!(world.said_since(0, chat_id).len(), 0);
        let object = world.history(&chat_id.to_string()).await;
        assert!(object.contains(r#""turns":[],"done":["#), "what nobody has read is no history: {object}");
    }
    assert_eq!(world.queue.depth().await.unwrap(), (0, 0));
    assert_eq!(world.dlq.depth().await.unwrap(), (0, 0));
}
