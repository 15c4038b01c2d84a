//! The real ingress through its front door: a Function URL's event in, a status out, and what lies on a real queue then.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod support;

use base64::prelude::{BASE64_STANDARD, Engine};
use local::corpus::{self, Case};
use local::lambda::{Function, TRACE_HEADER};
use support::{MINUTE, SECRET, World, sha256};

/// A message without which the world would not end, for tests about something else.
const HELLO: &str = r#"{"update_id":7,"message":{"message_id":1,"chat":{"id":1001,"type":"private"},"text":"hello"}}"#;

#[tokio::test]
async fn every_update_of_the_corpus_is_queued_as_it_is_or_ignored() {
    let world = World::start("corpus").await;
    for case in corpus::cases() {
        let json = case.json().unwrap();
        assert_eq!(world.post(json.as_bytes()).await, 200, "{}", case.name);
        let queued = world.queue.drain().await.unwrap();
        match case.conversation {
            Some(conversation) => assert_sealed(&queued, conversation, &json, &case),
            None => assert!(queued.is_empty(), "{} is on the queue", case.name),
        }
    }
}

/// The queue contract, as anybody else would read it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    version: u32,
    update_id: u64,
    conversation: &'a str,
    received_at: u64,
    #[serde(borrow)]
    update: &'a serde_json::value::RawValue,
}

#[derive(serde::Deserialize)]
struct Update {
    update_id: u64,
}

fn assert_sealed(queued: &[aws_sdk_sqs::types::Message], conversation: &str, json: &str, case: &Case) {
    let [message] = queued else { panic!("{}: {} messages on the queue", case.name, queued.len()) };
    let envelope: Sealed<'_> = serde_json::from_str(message.body().unwrap()).unwrap();
    assert_eq!(envelope.version, 1, "{}", case.name);
    assert_eq!(envelope.conversation, conversation, "{}", case.name);
    assert!(envelope.received_at > 1_790_000_000_000, "{}: received_at is not in ms", case.name);
    let raw = json.trim().replace('\u{fffe}', r"\ufffe").replace('\u{ffff}', r"\uffff");
    assert_eq!(envelope.update.get(), raw, "{}: not byte for byte", case.name);
    let update: Update = serde_json::from_str(&raw).unwrap();
    assert_eq!(envelope.update_id, update.update_id, "{}", case.name);

    let attribute = |name: &str| {
        let found = message.attributes().unwrap().iter().find(|(key, _)| key.as_str() == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!(attribute("MessageGroupId"), conversation, "{}", case.name);
    assert_eq!(attribute("MessageDeduplicationId"), envelope.update_id.to_string(), "{}", case.name);
    assert_eq!(attribute("AWSTraceHeader"), TRACE_HEADER, "{}", case.name);
}

#[tokio::test]
async fn a_body_in_base64_is_the_same_update() {
    let world = World::start("base64").await;
    for name in ["message-text-emoji", "message-text-noncharacters", "message-text-lone-surrogate"] {
        let case = corpus::cases().find(|case| case.name == name).unwrap();
        let json = case.json().unwrap();
        let event = support::request(&[("X-Telegram-Bot-Api-Secret-Token", SECRET)], json.as_bytes(), true);
        assert_eq!(world.status(event).await, 200);
        assert_sealed(&world.queue.drain().await.unwrap(), case.conversation.unwrap(), &json, &case);
    }
}

#[tokio::test]
async fn an_update_that_telegram_delivers_twice_is_on_the_queue_once() {
    let world = World::start("twice").await;
    for _ in 0..2 {
        assert_eq!(world.post(HELLO.as_bytes()).await, 200);
    }
    assert_eq!(world.queue.drain().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_conversation_stays_in_order_on_the_queue() {
    let world = World::start("order").await;
    for update_id in 100..110 {
        let json = HELLO.replace(r#""update_id":7"#, &format!(r#""update_id":{update_id}"#));
        assert_eq!(world.post(json.as_bytes()).await, 200);
    }
    let queued = world.queue.drain().await.unwrap();
    let ids: Vec<u64> = queued.iter().map(support::update_id).collect();
    assert_eq!(ids, Vec::from_iter(100..110));
}

#[tokio::test]
async fn what_is_no_update_is_refused_and_not_queued() {
    let world = World::start("bad").await;
    for (what, body, expected) in support::bad::bodies() {
        for base64 in [false, true] {
            // Text that is no UTF-8 can only come in base64.
            if !base64 && std::str::from_utf8(&body).is_err() {
                continue;
            }
            let event = support::request(&[("X-Telegram-Bot-Api-Secret-Token", SECRET)], &body, base64);
            assert_eq!(world.status(event).await, expected, "{what}, base64: {base64}");
        }
    }
    assert_eq!(world.post(HELLO.as_bytes()).await, 200, "it still works");
    assert_eq!(world.queue.drain().await.unwrap().len(), 1, "only the good one is queued");
}

#[tokio::test]
async fn what_an_update_may_have_besides_is_not_looked_at() {
    let world = World::start("lenient").await;
    for (n, extra) in [
        r#""text":"a","text":"b""#,
        r#""from":"nobody""#,
        r#""entities":7,"photo":{},"date":"yesterday""#,
        r#""message_thread_id":5"#,
    ]
    .iter()
    .enumerate()
    {
        let json = format!(r#" {{"update_id":{n},"message":{{"chat":{{"id":1001}},{extra}}},"unknown":[[[]]]}} "#);
        assert_eq!(world.post(json.as_bytes()).await, 200, "{extra}");
        let queued = world.queue.drain().await.unwrap();
        assert_eq!(queued.len(), 1, "{extra}");
        assert!(queued[0].body().unwrap().contains(extra));
    }
}

#[tokio::test]
async fn a_message_as_large_as_the_queue_takes_is_queued_and_a_larger_one_refused() {
    let world = World::start("large").await;
    let sized = |bytes: usize| HELLO.replace("hello", &"x".repeat(bytes));
    assert_eq!(world.post(sized(1_048_000).as_bytes()).await, 200);
    assert_eq!(world.queue.drain().await.unwrap().len(), 1);
    // The update alone would fit, its envelope does not.
    assert_eq!(world.post(sized(1_048_576 - HELLO.len() + 5).as_bytes()).await, 413);
    // Two characters that must be escaped make it too large.
    assert_eq!(world.post(sized(1_048_000).replace("xxx", "\u{ffff}").as_bytes()).await, 413);
    assert!(world.queue.drain().await.unwrap().is_empty());
}

#[tokio::test]
async fn only_post_is_a_delivery() {
    let world = World::start("method").await;
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let event = local::lambda::event::url_event(
            method,
            &[("X-Telegram-Bot-Api-Secret-Token", SECRET)],
            HELLO.as_bytes(),
            false,
        );
        let answer = world.answer(event).await;
        assert_eq!(answer["statusCode"], 405, "{method}");
        assert_eq!(answer["headers"]["allow"], "POST", "{method}");
    }
    assert!(world.queue.drain().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_the_right_secret_nothing_is_read() {
    let world = World::start("secret").await;
    let other_case = SECRET.to_ascii_uppercase();
    let twice = format!("{SECRET},{SECRET}");
    let hash = sha256(SECRET);
    let wrong: [&[(&str, &str)]; 9] = [
        &[],
        &[("X-Telegram-Bot-Api-Secret-Token", "")],
        &[("X-Telegram-Bot-Api-Secret-Token", "wrong")],
        &[("X-Telegram-Bot-Api-Secret-Token", &other_case)],
        &[("X-Telegram-Bot-Api-Secret-Token", &SECRET[1..])],
        &[("X-Telegram-Bot-Api-Secret-Token", &twice)],
        &[("X-Telegram-Bot-Api-Secret-Token", &hash)],
        &[("X-Telegram-Bot-Api-Secret-Token", "s\u{e9}cret")],
        &[("Authorization", SECRET), ("Cookie", SECRET)],
    ];
    let deep = "[".repeat(10_000);
    let large = "x".repeat(2_000_000);
    for headers in wrong {
        for body in [HELLO, "", "{\"update_id\":", &deep, &large] {
            assert_eq!(world.status(support::request(headers, body.as_bytes(), false)).await, 401, "{headers:?}");
        }
        assert_eq!(world.status(support::request(headers, b"\xff\xfe\x00", true)).await, 401, "{headers:?}");
    }
    assert!(world.queue.drain().await.unwrap().is_empty());
}

#[tokio::test]
async fn during_a_rotation_both_secrets_open() {
    let world = World::start_with("rotation", &format!("{}, {}", sha256("old-secret"), sha256(SECRET))).await;
    for (secret, expected) in [("old-secret", 200), (SECRET, 200), ("older-secret", 401)] {
        let event = support::request(&[("x-telegram-bot-api-secret-token", secret)], HELLO.as_bytes(), false);
        assert_eq!(world.status(event).await, expected, "{secret}");
    }
}

#[tokio::test]
async fn when_the_queue_refuses_telegram_shall_come_again() {
    let world = World::start("gone").await;
    let missing = format!("{}-missing.fifo", world.queue.url.trim_end_matches(".fifo"));
    for (queue_url, endpoint) in
        [(missing.as_str(), world.endpoint().as_str()), (world.queue.url.as_str(), "http://127.0.0.1:9")]
    {
        let function = support::function(&sha256(SECRET), queue_url, endpoint).await.unwrap();
        let event = support::request(&[("X-Telegram-Bot-Api-Secret-Token", SECRET)], HELLO.as_bytes(), false);
        let answer = function.invoke(event, MINUTE).await.unwrap();
        assert_eq!(answer["statusCode"], 503, "{endpoint}");
        let wait: u32 = answer["headers"]["retry-after"].as_str().unwrap().parse().unwrap();
        assert!((1..=3600).contains(&wait), "Telegram honours at most an hour");
        assert_silent_about_people(&function.finish().await);
    }
}

#[tokio::test]
async fn without_a_good_hash_of_the_secret_it_does_not_start_and_says_why() {
    let hash = sha256(SECRET);
    for bad in ["", " ", "secret", &hash[1..], &format!("{hash},"), &format!("{hash},{hash},{hash}"), &"g".repeat(64)] {
        let Err(error) = support::function(bad, "http://127.0.0.1:9/q.fifo", "http://127.0.0.1:9").await else {
            panic!("it started with {bad:?}")
        };
        assert!(error.to_string().contains("WEBHOOK_SECRET_SHA256"), "{error}");
        assert!(!error.to_string().contains(&hash), "a hash is not a secret, but nobody's business either");
    }
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_ingress"));
    let Err(error) = Function::start(binary, &[("WEBHOOK_SECRET_SHA256", &hash)]).await else { panic!("no queue") };
    assert!(error.to_string().contains("QUEUE_URL"), "{error}");
}

#[tokio::test]
async fn its_log_has_ids_and_no_words() {
    let world = World::start("log").await;
    let spoken = HELLO.replace("hello", CANARY);
    let broken = format!("{{\"update_id\":1,\"{CANARY}");
    let wrong_type = format!("{{\"update_id\":\"{CANARY}\",\"message\":{{\"chat\":{{\"id\":\"{CANARY}\"}}}}}}");
    for body in [&spoken, &broken, &wrong_type, &BASE64_STANDARD.encode(CANARY)] {
        world.post(body.as_bytes()).await;
        world.status(support::request(&[("X-Telegram-Bot-Api-Secret-Token", CANARY)], body.as_bytes(), false)).await;
    }
    let log = world.function.finish().await;
    assert!(log.iter().any(|line| line.contains(r#""update_id":7"#)), "{log:#?}");
    for line in &log {
        let fields: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        assert!(fields["level"].is_string() && fields["timestamp"].is_string(), "{line}");
    }
    assert_silent_about_people(&log);
}

#[tokio::test]
async fn each_request_is_counted_once_as_what_it_was() {
    let world = World::start("counted").await;
    world.post(HELLO.as_bytes()).await;
    world.post(br#"{"update_id":8,"poll":{}}"#).await;
    world.post(b"not JSON").await;
    world.status(support::request(&[], HELLO.as_bytes(), false)).await;
    let log = world.function.finish().await;
    let lines = log.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let measured: Vec<_> = lines.filter(|line| line["_aws"].is_object() && line["message"].is_string()).collect();
    assert_eq!(measured.len(), log.len(), "one line each: {log:#?}");
    let count = |name: &str| measured.iter().filter_map(|line| line[name].as_u64()).sum::<u64>();
    assert_eq!((measured.len(), count("Accepted"), count("Ignored"), count("Refused")), (4, 1, 1, 2), "{log:#?}");
}

const CANARY: &str = "canary-4f1c-words";

fn assert_silent_about_people(log: &[String]) {
    // A chat's id may stand in a time by chance.
    let without_times = log.iter().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        ["timestamp", "_aws"].iter().for_each(|name| drop(line.as_object_mut().unwrap().remove(*name)));
        line.to_string()
    });
    let log = without_times.collect::<Vec<_>>().join("\n");
    for secret in [CANARY, &BASE64_STANDARD.encode(CANARY), SECRET, "hello", "1001"] {
        assert!(!log.contains(secret), "{secret:?} is in the log:\n{log}");
    }
}
