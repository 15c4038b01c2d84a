//! The last attempt: the person hears of it once, the operator finds the reason, a replay answers.

use local::corpus::BOT_ID;
use local::fault::{Fault, Kind};
use serde_json::json;

use crate::support::{ADA, MAX_RECEIVE_COUNT, World, fault, quotes, text};

#[tokio::test]
async fn the_last_attempt_tells_the_person_once_and_a_replay_answers() {
    let world = World::start("last-attempt").await;
    let overloaded = Kind::Status { code: 400, description: None };
    world.gemini.faults().order(Fault { times: MAX_RECEIVE_COUNT * 2, ..fault("*", overloaded) });
    let written = world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    let said = world.said_since(0, ADA);
    assert_eq!(said.len(), 1);
    assert_eq!(
        text(&said[0]),
        format!(
            "Something went wrong on my side. Your message is kept, and I answer as soon as it is put right. \
             Reference: {}",
            written.update_id
        )
    );
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
    let object = world.history("1001").await;
    assert!(object.contains(r#""class":"unexpected","error":"Gemini says 400"#), "{object}");

    // Replayed in vain, it goes back without another word.
    world.replay().await;
    world.exhaust().await;
    assert_eq!(world.said_since(0, ADA).len(), 1);

    world.gemini.faults().clear();
    world.replay().await;
    world.exhaust().await;
    let said = world.said_since(0, ADA);
    assert_eq!(said.len(), 2);
    assert_eq!(quotes(&said[1]), Some(written.message_id), "the answer comes as a reply to the old question");
    assert!(!world.history("1001").await.contains("failed"));
}

#[tokio::test]
async fn what_only_the_operator_can_mend_is_said_once_in_all_and_a_replay_answers() {
    for (name, variable, wrong) in
        [("bad-key", "GEMINI_API_KEY", "a-key-of-yesterday"), ("old-model", "CHAT_MODEL", "gemini-1.0-pro")]
    {
        let mut world = World::start_with(name, &[(variable, wrong)]).await;
        let written = ["hello", "are you there?"].map(|words| world.writes(ADA, words));
        world.deliver().await;
        world.exhaust().await;
        let said = world.said_since(0, ADA);
        assert_eq!(said.len(), 1, "{name}");
        let reference = written[0].update_id;
        assert_eq!(
            text(&said[0]),
            format!(
                "I am out of order at the moment, and my owner has been told. Your message is kept. \
                 Reference: {reference}"
            )
        );
        assert_eq!(world.dlq.depth().await.unwrap(), (2, 0), "{name}");
        assert_failed_as_configuration(&world, &written.map(|written| written.update_id)).await;

        world.deploy(&[]).await;
        world.replay().await;
        world.exhaust().await;
        let answers: Vec<_> = world.said_since(0, ADA)[1..].iter().map(quotes).collect();
        assert_eq!(answers, written.map(|written| Some(written.message_id)), "{name}");
        assert_eq!(world.failed("1001").await, []);
    }
}

#[tokio::test]
async fn with_a_wrong_token_the_stored_answer_waits_for_the_right_one() {
    let wrong = format!("{BOT_ID}:a-token-of-yesterday");
    let mut world = World::start_with("bad-token", &[("TELEGRAM_TOKEN", &wrong)]).await;
    let written = world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    assert_eq!(world.said_since(0, ADA).len(), 0, "nobody can be told");
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
    assert_failed_as_configuration(&world, &[written.update_id]).await;

    world.deploy(&[]).await;
    world.replay().await;
    world.exhaust().await;
    let said = world.said_since(0, ADA);
    assert_eq!((said.len(), quotes(&said[0])), (1, Some(written.message_id)));
    assert_eq!(world.charged(), 1);
}

/// In the conversation for whoever reads the dead-letter queue, and in the log for the alarm.
async fn assert_failed_as_configuration(world: &World, update_ids: &[i64]) {
    let expected: Vec<_> =
        update_ids.iter().map(|id| (u64::try_from(*id).unwrap(), "configuration".to_owned())).collect();
    assert_eq!(world.failed("1001").await, expected);
    let failures = world.logged("turn failed");
    assert!(!failures.is_empty());
    for line in failures {
        assert_eq!((&line["level"], &line["Class"]), (&"ERROR".into(), &"configuration".into()), "{line}");
    }
}

#[tokio::test]
async fn a_new_outage_is_told_although_there_was_one_long_ago() {
    let world = World::start_with("outage", &[("GEMINI_API_KEY", "a-key-of-yesterday")]).await;
    let long_ago =
        r#"{"version":1,"failed":[{"update_id":1,"class":"configuration","error":"x","at_ms":1795000000000}]}"#;
    world.put_object("conversations/1001.json", long_ago.as_bytes()).await;
    world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    assert_eq!(world.said_since(0, ADA).len(), 1);
}

/// A conversation with `count` answers, each of so many bytes and stored then, that wait for their delivery.
async fn full(world: &World, count: u32, bytes: usize, at_ms: u64) {
    let pending = |id: u32| {
        let text = format!("answer {id}\n{}", "x".repeat(bytes));
        json!({"update_id": id, "reply_to": 1, "pieces": [{"text": {"text": text, "entities": []}}], "at_ms": at_ms,
            "next": 0, "unconfirmed": 0, "claim": {"by": "", "until_ms": 0}, "turn": null})
    };
    let object = json!({"version": 1, "pending": (1..=count).map(pending).collect::<Vec<_>>()});
    world.put_object("conversations/1001.json", object.to_string().as_bytes()).await;
}

#[tokio::test]
async fn answers_that_wait_for_their_replay_are_not_pushed_out_by_others() {
    let world = World::start("full").await;
    for (count, bytes) in [(50, 1), (5, 1024 * 1024)] {
        full(&world, count, bytes, shared::now_ms()).await;
        world.writes(ADA, "hello");
        world.deliver().await;
        world.exhaust().await;
        assert_eq!(world.charged(), 0, "what cannot be kept is not asked for");
        assert!(world.history("1001").await.contains("answer 1\\n"));
    }
    assert_eq!(world.dlq.depth().await.unwrap(), (2, 0));
}

#[tokio::test]
async fn answers_that_nobody_has_replayed_for_a_month_make_way() {
    const MONTH_MS: u64 = 30 * 24 * 3_600_000;
    let world = World::start("month").await;
    full(&world, 50, 1, shared::now_ms() - MONTH_MS).await;
    assert_eq!(world.says(ADA, "hello").await.len(), 1);
    assert!(!world.history("1001").await.contains("answer 1\\n"));
}
