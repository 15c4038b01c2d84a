//! Nothing twice and nothing lost: redelivery, crashes, lost answers, races.

use std::collections::BTreeSet;
use std::time::Duration;

use local::fault::{Fault, Kind};
use local::lambda::event::sqs_event;

use crate::support::{ADA, NOTHING, World, envelope, fault, status, text};

#[tokio::test]
async fn an_update_is_finished_on_the_queue_as_soon_as_it_is_answered() {
    let world = World::start("deleted").await;
    world.writes(ADA, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    world.worker.invoke(sqs_event(&batch), Duration::from_secs(60)).await.unwrap();
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

pub(super) const HELLO_AGAIN: &str = r#"{"update_id":424242,"message":{"message_id":77,"date":1795348800,"from":{"id":1001,"is_bot":false,"first_name":"Ada"},"chat":{"id":1001,"type":"private","first_name":"Ada"},"text":"hello again"}}"#;

#[tokio::test]
async fn a_send_of_unknown_outcome_is_repeated_at_most_once() {
    let world = World::start("unknown").await;
    let breaks = Fault { times: 9, ..fault("sendMessage", Kind::BreakAfter) };
    world.telegram.faults().order(breaks);
    world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    let answers =
        |world: &World| world.said_since(0, ADA).iter().filter(|said| text(said).contains("Simulated Gemini")).count();
    assert_eq!(answers(&world), 2, "the first, and one repetition");
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0), "nobody knows: it is neither lost nor taken for delivered");

    world.telegram.faults().clear();
    world.replay().await;
    world.exhaust().await;
    assert_eq!(answers(&world), 3, "one more, by the operator's order");
    assert_eq!(world.asked(), 1);
    assert!(world.history("1001").await.contains("Simulated Gemini"));
}

#[tokio::test]
async fn a_send_that_surely_failed_does_not_hide_an_unknown_one_before_it() {
    let world = World::start("hides").await;
    let short_wait = Kind::TooManyRequests { retry_after_s: 1 };
    for kind in [Kind::BreakAfter, short_wait, status(500), Kind::BreakAfter, Kind::BreakAfter] {
        world.telegram.faults().order(fault("sendMessage", kind));
    }
    world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    let answers = world.said_since(0, ADA).iter().filter(|said| text(said).contains("Simulated Gemini")).count();
    assert_eq!(answers, 2, "the first, and one repetition");
}

#[tokio::test]
async fn an_answer_is_stored_although_the_bucket_refuses_for_a_while() {
    let world = World::start("insists").await;
    world.door.faults().order(Fault { times: 5, ..fault("PutObject", status(503)) });
    assert_eq!(world.says(ADA, "hello").await.len(), 1);
    assert_eq!(world.charged(), 1, "it was paid for");
}

#[tokio::test]
async fn each_replay_orders_one_send_more_and_a_late_duplicate_none() {
    let world = World::start("ordered").await;
    world.telegram.faults().order(Fault { times: 99, ..fault("sendMessage", Kind::BreakAfter) });
    let sends = |world: &World| {
        let calls = world.telegram.calls();
        calls.iter().filter(|call| call.method == "sendMessage" && text(call).contains("Simulated Gemini")).count()
    };
    let written = world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    assert_eq!(sends(&world), 2);
    for replays in 1..=2 {
        world.replay().await;
        world.exhaust().await;
        assert_eq!(sends(&world), 2 + replays);
    }

    world.telegram.faults().clear();
    let lying = world.dlq.receive().await.unwrap();
    let mut duplicate = sqs_event(&lying);
    let attributes = &mut duplicate["Records"][0]["attributes"];
    attributes["MessageDeduplicationId"] = written.update_id.to_string().into();
    attributes["ApproximateReceiveCount"] = "1".into();
    let answer = world.worker.invoke(duplicate, Duration::from_secs(60)).await.unwrap();
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1);
    assert_eq!(sends(&world), 4, "Telegram's own repetition is nobody's order");
}

#[tokio::test]
async fn who_has_been_told_of_a_failure_is_not_told_again_when_its_record_gets_lost() {
    let world = World::start("told").await;
    world.gemini.faults().order(Fault { times: 99, ..fault("generateContent", status(503)) });
    world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    assert_eq!(world.said_since(0, ADA).len(), 1);
    // The second record is written, and nobody hears of it.
    world.door.faults().order(fault("PutObject", Kind::BreakAfter));
    world.replay().await;
    world.exhaust().await;
    assert_eq!(world.said_since(0, ADA).len(), 1);
}

#[tokio::test]
async fn a_replay_that_fails_says_nothing_although_the_bucket_cannot_be_read() {
    let world = World::start("told-before").await;
    let away = Fault { times: 999, ..fault("GetObject", status(503)) };
    world.door.faults().order(away);
    world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    assert_eq!(world.said_since(0, ADA).len(), 1, "people hear of the first time also without the bucket");
    world.replay().await;
    world.exhaust().await;
    assert_eq!(world.said_since(0, ADA).len(), 1);
}

#[tokio::test]
async fn a_claim_lasts_as_long_as_its_send_however_slow_the_bucket_was() {
    let world = World::start("slow-bucket").await;
    world.door.faults().order(fault("PutObject", Kind::Slow { ms: 2_500 }));
    world.telegram.faults().order(fault("sendMessage", Kind::Slow { ms: 60_000 }));
    world.writes(ADA, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let until_ms = async {
        while !world.telegram.calls().iter().any(|call| call.method == "sendMessage") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let object: serde_json::Value = serde_json::from_str(&world.history("1001").await).unwrap();
        object["pending"][0]["claim"]["until_ms"].as_u64().unwrap()
    };
    let sending = async {
        world.work_on(&batch).await;
        panic!("the send is not begun");
    };
    let until_ms = tokio::select! {
        until_ms = until_ms => until_ms,
        () = sending => unreachable!(),
    };
    // A send may take ten seconds.
    assert!(until_ms > shared::now_ms() + 9_000, "{until_ms}");
}

#[tokio::test]
async fn a_send_that_gets_no_answer_in_time_is_repeated_once() {
    let world = World::start("no-answer").await;
    // Longer than the worker waits: it arrives all the same.
    world.telegram.faults().order(fault("sendMessage", Kind::Slow { ms: 10_500 }));
    world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    let classes: Vec<_> = world.logged("turn failed").iter().map(|line| line["Class"].clone()).collect();
    assert_eq!(classes, ["unknown_outcome"]);
    let sends = world.telegram.calls().iter().filter(|call| call.method == "sendMessage").count();
    assert_eq!((sends, world.charged()), (2, 1));
    assert!(world.history("1001").await.contains("Simulated Gemini"));
}

#[tokio::test]
async fn a_message_that_never_arrived_is_not_taken_for_delivered() {
    let world = World::start("never-arrived").await;
    world.telegram.faults().order(Fault { times: 2, ..fault("sendMessage", Kind::BreakBefore) });
    world.writes(ADA, "hello");
    world.deliver().await;
    world.exhaust().await;
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
    assert!(
        !world.history("1001").await.contains(r#""done":["#) || world.history("1001").await.contains(r#""done":[]"#)
    );
}

#[tokio::test]
async fn a_crash_while_the_answer_is_sent_costs_no_second_question() {
    let world = World::start("crash").await;
    world.telegram.faults().order(fault("sendMessage", Kind::Slow { ms: 60_000 }));
    world.writes(ADA, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let (crashed, sending) = tokio::join!(world.worker.invoke(sqs_event(&batch), Duration::from_secs(20)), async {
        let sending = world.telegram.call_matching(Duration::from_secs(15), |call| call.method == "sendMessage").await;
        world.worker.kill().await;
        sending
    });
    assert!(crashed.is_err() && sending.is_some());
    // The event source mapping hands it out again; until the dead invocation's deadline has passed, nobody sends.
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !world.work_on(&batch).await.is_empty() {
        assert!(std::time::Instant::now() < deadline, "it never ends");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!((1..=2).contains(&world.telegram.calls().iter().filter(|call| call.method == "sendMessage").count()));
    assert_eq!(world.asked(), 1);
    assert!(world.history("1001").await.contains("hello"));
}

#[tokio::test]
async fn a_part_that_telegram_confirmed_is_remembered_through_conflicts_in_a_row() {
    let world = World::start("conflicts").await;
    // The second write confirms the first part. S3 may answer 409 without anybody else writing.
    world.door.faults().order(Fault { skip: 1, times: 4, ..fault("PutObject", status(409)) });
    let said = world.says(ADA, "a long answer, please").await;
    assert!(said.len() >= 3, "{} parts", said.len());
    let different: BTreeSet<&str> = said.iter().map(text).collect();
    assert_eq!(different.len(), said.len(), "none is sent twice");
}

#[tokio::test]
async fn a_write_whose_answer_got_lost_is_known_as_ones_own() {
    let world = World::start("lost-answer").await;
    // Storing the answer, and settling the turn.
    for skip in [0, 1] {
        world.door.faults().order(Fault { skip, ..fault("PutObject", Kind::BreakAfter) });
        assert_eq!(world.says(ADA, "hello").await.len(), 1);
    }
    assert_eq!(world.charged(), 2);
}

#[tokio::test]
async fn a_drawn_picture_is_not_drawn_again_when_its_send_failed() {
    let world = World::start("drawn-once").await;
    for kind in [status(500), Kind::BreakBefore] {
        world.telegram.faults().order(fault("sendPhoto", kind));
    }
    world.writes(ADA, "/image a fox");
    world.deliver().await;
    world.exhaust().await;
    let said = world.said_since(0, ADA);
    assert_eq!((said.len(), said[0].method.as_str()), (1, "sendPhoto"));
    assert!(said[0].params["photo"]["bytes"].as_u64().unwrap() > 1_000, "as it lies in the bucket");
    assert_eq!(world.charged(), 1);
}

#[tokio::test]
async fn what_the_queue_is_told_in_vain_is_told_by_lambda() {
    let world = World::start("deaf-queue").await;
    let deaf = |operation| Fault { times: 3, ..fault(operation, status(503)) };
    world.door.faults().order(deaf("DeleteMessage"));
    assert_eq!(world.says(ADA, "hello").await.len(), 1);
    assert_eq!(world.queue.depth().await.unwrap(), (0, 0), "not reported as failed, so it is deleted");

    world.door.faults().order(deaf("ChangeMessageVisibility"));
    world.telegram.faults().order(fault("sendMessage", status(500)));
    world.writes(ADA, "are you there?");
    world.deliver().await;
    assert_eq!(world.work().await.len(), 1, "it comes back after the queue's own time-out");
}
