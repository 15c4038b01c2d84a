//! People and the bot: what is asked, what is answered, what is remembered.

use local::fault::{Fault, Kind};
use local::telegram::{Call, Incoming};
use serde_json::{Value, json};

use crate::support::{ADA, FOX_CLUB, GRACE, NOTHING, World, fault, quotes, status, text};

#[tokio::test]
async fn hello_is_answered_once_and_the_next_message_in_the_light_of_it() {
    let world = World::start("hello").await;
    let written = world.writes(ADA, "hello, I am called Ada");
    world.deliver().await;
    assert_eq!(world.work().await, NOTHING);

    let said = world.said_since(0, ADA);
    assert_eq!(said.len(), 1);
    assert_eq!(quotes(&said[0]), Some(written.message_id), "the answer quotes the question");
    assert!(text(&said[0]).contains("hello, I am called Ada"), "{}", text(&said[0]));
    assert!(said[0].params["entities"].to_string().contains("bold"), "{}", said[0].params);
    assert!(said[0].params.get("parse_mode").is_none());
    assert_eq!(world.queue.depth().await.unwrap(), (0, 0));

    let history = world.history("1001").await;
    for side in ["hello, I am called Ada", "Simulated Gemini", &written.update_id.to_string()] {
        assert!(history.contains(side), "{side}: {history}");
    }

    let said = world.says(ADA, "What am I called?").await;
    assert_eq!(said.len(), 1);
    assert!(text(&said[0]).contains("hello, I am called Ada"), "{}", text(&said[0]));
    let question = world.last_question().join("\n");
    assert!(question.contains("hello, I am called Ada") && question.contains("What am I called?"), "{question}");
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn commands_are_answered_without_gemini_and_new_forgets() {
    let world = World::start("commands").await;
    for (command, words) in
        [("/start", "/image"), ("/help", "/new"), ("/image", "/image a fox"), ("/nonsense", "/help"), ("/HELP", "/new")]
    {
        let said = world.says(ADA, command).await;
        assert_eq!(said.len(), 1, "{command}");
        assert!(text(&said[0]).contains(words), "{command}: {}", text(&said[0]));
    }
    assert_eq!(world.asked(), 0);

    world.says(ADA, "remember the word lantern").await;
    assert!(world.history("1001").await.contains("lantern"));
    assert_eq!(world.says(ADA, "/new").await.len(), 1);
    assert!(!world.history("1001").await.contains("lantern"));
    world.says(ADA, "which word?").await;
    assert!(!world.last_question().concat().contains("lantern"));
}

#[tokio::test]
async fn a_new_that_is_replayed_late_forgets_only_what_was_written_before_it() {
    let world = World::start("late-new").await;
    world.says(ADA, "remember the word lantern").await;
    world.door.faults().order(Fault { times: 999, ..fault("GetObject", status(503)) });
    world.writes(ADA, "/new");
    world.deliver().await;
    world.exhaust().await;
    world.door.faults().clear();
    world.says(ADA, "remember the word violin").await;
    world.replay().await;
    world.exhaust().await;
    let history = world.history("1001").await;
    let has = |word: &str| history.contains(&format!(r#""text":"remember the word {word}""#));
    assert!(has("violin") && !has("lantern"), "{history}");
}

#[tokio::test]
async fn a_picture_is_drawn_when_somebody_asks_for_one() {
    let world = World::start("picture").await;
    for (asked, calls) in [("draw a fox in the snow", 2), ("/image a fox in the snow", 1)] {
        let before = world.asked();
        let said = world.says(ADA, asked).await;
        assert_eq!(said.len(), 1, "{asked}");
        assert_eq!(said[0].method, "sendPhoto");
        assert!(said[0].params["photo"]["bytes"].as_u64().unwrap() > 1_000, "{}", said[0].params);
        assert_eq!(world.asked() - before, calls, "an explicit /image needs no model to decide");
    }
    let history = world.history("1001").await;
    assert!(history.contains("a fox in the snow") && !history.contains("inlineData"), "{history}");
    assert!(history.len() < 8_000, "no picture in it: {} bytes", history.len());
    assert_eq!(world.objects().await.iter().filter(|key| !key.starts_with("conversations/")).count(), 2);
    // The next question still works with the pictures behind it.
    let said = world.says(ADA, "thank you").await;
    assert!(text(&said[0]).contains("thank you"));
}

#[tokio::test]
async fn a_photo_is_read_with_its_caption() {
    let world = World::start("photo").await;
    let picture =
        "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mM4UaGBFTEMLQkAUtVaASL5fhoAAAAASUVORK5CYII=";
    let picture = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, picture).unwrap();
    world.give_file("the-photo", picture).await;
    let update = json!({ "update_id": 5, "message": {
        "message_id": 78, "date": 1_795_348_800, "from": { "id": ADA, "is_bot": false, "first_name": "Ada" },
        "chat": { "id": ADA, "type": "private", "first_name": "Ada" }, "caption": "which colour is it?",
        "photo": [{ "file_id": "too-small", "width": 1, "height": 1, "file_size": 10 },
                  { "file_id": "the-photo", "width": 8, "height": 8, "file_size": 80 }] } });
    world.order("updates", update.to_string()).await;
    world.deliver().await;
    assert_eq!(world.work().await, NOTHING);
    let said = world.said_since(0, ADA);
    assert!(text(&said[0]).contains("which colour is it?"), "{}", text(&said[0]));
    assert!(text(&said[0]).contains("8"), "Gemini saw it: {}", text(&said[0]));
    assert!(world.last_question().concat().contains("which colour is it?"));
    assert!(!world.history("1001").await.contains("inlineData"));
}

#[tokio::test]
async fn in_a_group_it_answers_those_who_address_it() {
    let world = World::start("group").await;
    assert_eq!(world.says(FOX_CLUB, "nice weather today").await.len(), 0);
    let said = world.says(FOX_CLUB, "@lambdagram_bot how old do foxes get?").await;
    assert!(text(&said[0]).contains("how old do foxes get?"));
    assert_eq!(world.says(FOX_CLUB, "/help@lambdagram_bot").await.len(), 1);
    assert_eq!(world.says(FOX_CLUB, "/help@another_bot").await.len(), 0);

    let before = world.calls_so_far();
    let state = world.said_since(0, FOX_CLUB).len();
    assert_eq!(state, 2);
    let bots_message = last_message_of_the_bot(&world).await;
    let reply = Incoming {
        chat_id: FOX_CLUB,
        from_id: Some(GRACE),
        text: "and in a zoo?".to_owned(),
        reply_to_message_id: Some(bots_message),
        ..Incoming::default()
    };
    world.telegram.user_writes(reply).unwrap();
    world.deliver().await;
    assert_eq!(world.work().await, NOTHING);
    let said = world.said_since(before, FOX_CLUB);
    assert_eq!(said.len(), 1);
    let question = world.last_question().join("\n");
    assert!(question.contains("how old do foxes get?"), "a group shares its conversation: {question}");
    assert!(question.contains("Ada") && question.contains("Grace"), "and who said what: {question}");
}

/// As the page would find it.
async fn last_message_of_the_bot(world: &World) -> i64 {
    let state = local::http::loopback().build().unwrap().get(format!("{}/_sim/state", world.telegram.url()));
    let state: Value = state.send().await.unwrap().json().await.unwrap();
    let chats = state["chats"].as_array().unwrap();
    let chat = chats.iter().find(|chat| chat["id"] == FOX_CLUB).unwrap();
    let messages = chat["messages"].as_array().unwrap().iter();
    let of_bot = messages.filter(|message| {
        message["from"] == "bot" || message["from"]["is_bot"] == true || message["from"] == state["bot"]["id"]
    });
    of_bot.map(|message| message["message_id"].as_i64().unwrap()).max().unwrap()
}

#[tokio::test]
async fn a_long_answer_comes_in_parts_and_only_the_first_quotes() {
    let world = World::start("long").await;
    let written = world.writes(ADA, "a long answer, please");
    world.deliver().await;
    assert_eq!(world.work().await, NOTHING);
    let said = world.said_since(0, ADA);
    assert!(said.len() >= 3, "{} parts", said.len());
    assert!(said.iter().all(|part| (1..=4096).contains(&text(part).encode_utf16().count())));
    assert_eq!(quotes(&said[0]), Some(written.message_id));
    assert!(said[1..].iter().all(|part| quotes(part).is_none()));
    let whole: String = said.iter().map(text).collect();
    for paragraph in 1..=32 {
        assert!(whole.contains(&format!("This is paragraph {paragraph} of 32")), "{paragraph} is missing");
    }
}

#[tokio::test]
async fn typing_is_shown_until_the_answer_is_there() {
    let world = World::start("typing").await;
    world.gemini.faults().order(fault("generateContent", Kind::Slow { ms: 9_000 }));
    world.says(ADA, "hello").await;
    let calls = world.telegram.calls();
    let typing: Vec<u64> = calls.iter().filter(|call| call.method == "sendChatAction").map(|call| call.at).collect();
    assert_eq!(typing.len(), 3, "at once, after 4 s, after 8 s");
    for pair in typing.windows(2) {
        assert!((3_500..5_000).contains(&(pair[1] - pair[0])), "Telegram shows it for 5 s: {typing:?}");
    }
    let action = |call: &Call| call.params["action"].as_str().map(str::to_owned);
    assert_eq!(calls.iter().find_map(action).as_deref(), Some("typing"));

    let before = world.calls_so_far();
    world.says(ADA, "/image a fox").await;
    assert!(world.telegram.calls()[before..].iter().any(|call| call.params["action"] == "upload_photo"));
}
