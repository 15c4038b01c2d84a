//! The real worker through its front door: batches of a real queue in, what Telegram, Gemini and the bucket see then.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

#[allow(dead_code, reason = "shared with the other tests")]
mod support;

use std::collections::BTreeSet;

use local::fault::{Fault, Kind};
use local::telegram::Incoming;
use serde_json::{Value, json};
use support::{ADA, FOX_CLUB, GRACE, KEY, NOTHING, World, envelope, quotes, start_worker, text};

fn fault(method: &str, kind: Kind) -> Fault {
    Fault { method: method.to_owned(), chat_id: None, skip: 0, times: 1, kind }
}

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
async fn an_update_is_finished_on_the_queue_as_soon_as_it_is_answered() {
    let world = World::start("deleted").await;
    world.writes(ADA, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    world.worker.invoke(local::lambda::event::sqs_event(&batch), std::time::Duration::from_secs(60)).await.unwrap();
    assert_eq!(world.queue.depth().await.unwrap(), (0, 0), "the worker deletes it itself");
}

#[tokio::test]
async fn a_redelivered_update_is_not_answered_again_and_gemini_not_asked() {
    let world = World::start("redelivered").await;
    world.order("updates", HELLO_AGAIN).await;
    world.deliver().await;
    assert_eq!(world.work().await, NOTHING);
    assert_eq!(world.said_since(0, ADA).len(), 1);

    // After five minutes SQS has forgotten it, and Telegram may send it again for a day.
    world.queue.send("1001", "another", &envelope("424242", "1001", HELLO_AGAIN)).await.unwrap();
    let history = world.history("1001").await;
    assert_eq!(world.work().await, NOTHING);
    assert_eq!(world.said_since(0, ADA).len(), 1, "it was answered before");
    assert_eq!(world.asked(), 1);
    assert_eq!(world.history("1001").await, history);
}

const HELLO_AGAIN: &str = r#"{"update_id":424242,"message":{"message_id":77,"date":1795348800,"from":{"id":1001,"is_bot":false,"first_name":"Ada"},"chat":{"id":1001,"type":"private","first_name":"Ada"},"text":"hello again"}}"#;

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
async fn nobody_is_let_in_unless_named_and_who_is_refused_learns_the_id_once() {
    let world = World::start_with("refused", &[("ALLOWED_CHATS", "")]).await;
    let said = world.says(ADA, "hello").await;
    assert_eq!(said.len(), 1);
    assert!(text(&said[0]).contains("1001"), "{}", text(&said[0]));
    assert_eq!(world.says(ADA, "hello?").await.len(), 0, "told once");
    assert_eq!(world.says(ADA, "/start").await.len(), 0);
    assert_eq!(world.says(GRACE, "hello").await.len(), 1, "each learns it");
    assert_eq!(world.says(FOX_CLUB, "hello all").await.len(), 0, "and not those who did not ask");
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn a_chat_or_a_person_can_be_let_in() {
    let world = World::start_with("let-in", &[("ALLOWED_CHATS", "1002, -1001234567890")]).await;
    assert!(text(&world.says(GRACE, "hello").await[0]).contains("hello"));
    assert!(text(&world.says(FOX_CLUB, "@lambdagram_bot hello").await[0]).contains("hello"));
    assert!(!text(&world.says(ADA, "hello").await[0]).contains("hello"));
    assert_eq!(world.asked(), 2);
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
    let action = |call: &local::telegram::Call| call.params["action"].as_str().map(str::to_owned);
    assert_eq!(calls.iter().find_map(action).as_deref(), Some("typing"));

    let before = world.calls_so_far();
    world.says(ADA, "/image a fox").await;
    assert!(world.telegram.calls()[before..].iter().any(|call| call.params["action"] == "upload_photo"));
}

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
async fn a_failing_conversation_does_not_stop_the_others_of_its_batch() {
    let world = World::start("batch").await;
    let refused =
        Fault { chat_id: Some(ADA), times: 1, ..fault("sendMessage", Kind::Status { code: 500, description: None }) };
    world.telegram.faults().order(refused);
    let first = world.writes(ADA, "the first of Ada").update_id;
    world.writes(GRACE, "the first of Grace");
    let second = world.writes(ADA, "the second of Ada").update_id;
    world.writes(GRACE, "the second of Grace");
    world.deliver().await;

    let kept: BTreeSet<u64> = world.work().await.into_iter().collect();
    assert_eq!(kept, [first, second].map(|id| u64::try_from(id).unwrap()).into(), "in order within a conversation");
    assert_eq!(world.said_since(0, GRACE).len(), 2);
    assert_eq!(world.said_since(0, ADA).len(), 0);

    let asked = world.asked();
    world.wait_for_work().await;
    let said = world.said_since(0, ADA);
    assert_eq!(said.len(), 2);
    assert!(text(&said[0]).contains("the first of Ada") && text(&said[1]).contains("the second of Ada"));
    assert_eq!(world.asked() - asked, 1, "the first one's answer was stored already");
}

#[tokio::test]
async fn a_body_that_is_no_envelope_stays_and_stops_nobody_else() {
    let world = World::start("undecodable").await;
    world.queue.send("1002", "a", "this is no envelope").await.unwrap();
    world
        .queue
        .send("1003", "b", &envelope("9", "1003", "{}").replace("\"version\":1", "\"version\":9"))
        .await
        .unwrap();
    world.writes(ADA, "hello");
    world.deliver().await;
    assert_eq!(world.work().await.len(), 2);
    assert_eq!(world.said_since(0, ADA).len(), 1);
}

#[tokio::test]
async fn secrets_come_from_ssm_by_name() {
    let aws = local::aws::shared().await.unwrap();
    let token = format!("{}:AAH5simulated-token-of-no-worth-xyz", local::corpus::BOT_ID);
    for (name, value) in [("/fox/token", token.as_str()), ("/fox/key", KEY)] {
        put_secret(&aws.url(), name, value).await;
    }
    let env = [
        ("TELEGRAM_TOKEN", ""),
        ("TELEGRAM_TOKEN_PARAM", "/fox/token"),
        ("GEMINI_API_KEY", ""),
        ("GEMINI_API_KEY_PARAM", "/fox/key"),
    ];
    let world = World::start_with("ssm", &env).await;
    assert!(text(&world.says(ADA, "hello").await[0]).contains("hello"));
}

async fn put_secret(endpoint: &str, name: &str, value: &str) {
    let body = json!({ "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true });
    let put = local::http::loopback().build().unwrap().post(endpoint).body(body.to_string());
    let put = put
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "AmazonSSM.PutParameter")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=0",
        );
    assert!(put.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn what_it_needs_and_lacks_is_said_at_the_start() {
    let all = [
        ("QUEUE_URL", "http://127.0.0.1:9/q.fifo"),
        ("S3_BUCKET", "bucket"),
        ("TELEGRAM_TOKEN", "1:canary-token"),
        ("GEMINI_API_KEY", "canary-key"),
    ];
    for missing in all.map(|(name, _)| name) {
        let env: Vec<_> = all.into_iter().filter(|(name, _)| *name != missing).collect();
        let Err(error) = start_worker(&env).await else { panic!("it started without {missing}") };
        assert!(error.to_string().contains(missing), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let bad = [all.as_slice(), &[("ALLOWED_CHATS", "@ada")]].concat();
    let Err(error) = start_worker(&bad).await else { panic!("it started") };
    assert!(error.to_string().contains("ALLOWED_CHATS"), "{error}");
}

#[tokio::test]
async fn its_log_has_no_words_and_no_secrets() {
    let world = World::start("log").await;
    let written = world.writes(ADA, "canary-words about a lantern");
    for words in ["canary-words again, draw a fox", "this is an unsafe prompt with canary-words", "/help"] {
        world.writes(GRACE, words);
    }
    world.telegram.faults().order(Fault { chat_id: Some(ADA), ..fault("sendMessage", Kind::BreakBefore) });
    world.gemini.faults().order(fault("generateContent", Kind::Status { code: 503, description: None }));
    world.deliver().await;
    world.wait_for_work().await;
    assert_eq!(world.said_since(0, GRACE).len(), 3);
    let log = world.worker.finish().await.join("\n");
    assert!(log.contains(&written.update_id.to_string()), "{log}");
    for secret in ["canary", "lantern", "no-worth", "1001", "1002", "Ada", "Grace", "Simulated"] {
        assert!(!log.contains(secret), "{secret:?} is in the log:\n{log}");
    }
}
