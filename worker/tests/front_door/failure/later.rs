//! What a later attempt may mend: the wait is the queue's, and nothing is said or paid for twice.

use std::time::{Duration, Instant};

use local::fault::{Fault, Kind};

use crate::support::{ADA, FOX_CLUB, GRACE, MAX_RECEIVE_COUNT, NOTHING, World, fault, status};

#[tokio::test]
async fn a_long_wait_that_telegram_asks_for_is_spent_on_the_queue() {
    let world = World::start("wait").await;
    world.says(GRACE, "hello").await;
    world.telegram.faults().order(fault("sendMessage", Kind::TooManyRequests { retry_after_s: 300 }));
    world.writes(ADA, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let began = Instant::now();
    let kept = world.work_on(&batch).await;
    let billed = began.elapsed();
    println!("billed: {billed:?}");
    assert!(billed < Duration::from_secs(1), "a sleeping function costs: {billed:?}");
    assert_eq!((kept.len(), world.waits_s()), (1, vec![301]));
    assert_eq!(world.queue.depth().await.unwrap(), (0, 1), "it is not seen before the wait is over");

    world.release(&kept).await;
    assert_eq!(world.work().await, NOTHING);
    assert_eq!((world.said_since(0, ADA).len(), world.charged()), (1, 2));
}

#[tokio::test]
async fn a_short_wait_is_waited_and_the_answer_sent_once() {
    let world = World::start("short-wait").await;
    world.telegram.faults().order(fault("sendMessage", Kind::TooManyRequests { retry_after_s: 1 }));
    assert_eq!(world.says(ADA, "hello").await.len(), 1);
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_bucket_that_refuses_once_is_asked_again_at_once_and_it_is_no_error() {
    let world = World::start("refuses-once").await;
    world.door.faults().order(fault("GetObject", status(503)));
    assert_eq!(world.says(ADA, "hello").await.len(), 1);
    let errors: Vec<_> = world.worker.logs().into_iter().filter(|line| line.contains(r#""ERROR""#)).collect();
    assert_eq!(errors, [""; 0], "an alarm counts errors");
}

#[tokio::test]
async fn when_gemini_fails_the_question_is_asked_again_later() {
    let world = World::start("gemini-down").await;
    world.gemini.faults().order(fault("generateContent", Kind::Status { code: 503, description: None }));
    world.gemini.faults().order(fault("generateContent", Kind::MalformedJson));
    world.writes(ADA, "hello");
    world.deliver().await;
    assert_eq!(world.work().await.len(), 1);
    assert_eq!(world.said_since(0, ADA).len(), 0, "no word about an attempt that will be repeated");
    world.wait_for_work().await;
    assert_eq!(world.said_since(0, ADA).len(), 1);
}

#[tokio::test]
async fn a_wait_that_gemini_asks_for_is_spent_on_the_queue_or_if_short_at_once() {
    let world = World::start("gemini-wait").await;
    let wait = |retry_after_s| fault("generateContent", Kind::TooManyRequests { retry_after_s });
    world.gemini.faults().order(wait(1));
    assert_eq!(world.says(ADA, "hello").await.len(), 1, "a second is waited for here");
    assert_eq!(world.waits_s().len(), 0);

    world.gemini.faults().order(wait(300));
    world.gemini.faults().order(fault("generateContent", status(429)));
    world.writes(ADA, "are you there?");
    world.deliver().await;
    world.exhaust().await;
    let waits_s = world.waits_s();
    assert_eq!(waits_s.len(), 2);
    assert_eq!(waits_s[0], 301, "as told");
    assert!((4..=6).contains(&waits_s[1]), "told nothing, at its second attempt: {waits_s:?}");
    assert_eq!((world.said_since(0, ADA).len(), world.charged()), (2, 2));
}

#[tokio::test]
async fn what_fails_for_a_moment_is_tried_again_after_waits_that_grow() {
    let world = World::start("moments").await;
    let (telegram, gemini) = (world.telegram.faults(), world.gemini.faults());
    for (chat_id, faults, method) in [(ADA, telegram, "sendMessage"), (GRACE, gemini, "generateContent")] {
        let before = world.waits_s().len();
        for code in [500, 503, 504] {
            faults.order(fault(method, status(code)));
        }
        world.writes(chat_id, "hello");
        world.deliver().await;
        world.exhaust().await;
        let waits_s = world.waits_s().split_off(before);
        assert_eq!(waits_s.len(), 3);
        for (wait_s, expected) in waits_s.iter().zip([2..=3, 4..=6, 8..=12]) {
            assert!(expected.contains(wait_s), "{method}: {waits_s:?}");
        }
        assert_eq!(world.said_since(0, chat_id).len(), 1);
    }
    assert_eq!(world.charged(), 2);
    assert!(world.logged("turn failed").iter().all(|line| line["Class"] == "transient"));
}

#[tokio::test]
async fn what_is_asked_of_telegram_before_an_answer_may_fail_for_a_moment_too() {
    let world = World::start("asking").await;
    world.give_file("a-photo", b"\x89PNG\r\n\x1a\n and so on".to_vec()).await;
    for (method, kind) in [("getFile", status(503)), ("file", status(502)), ("file", Kind::BreakBefore)] {
        world.telegram.faults().order(fault(method, kind));
    }
    world.shows(ADA, "a-photo", Some(18)).await;
    world.deliver().await;
    world.exhaust().await;
    assert_eq!(world.said_since(0, ADA).len(), 1);

    world.telegram.faults().order(fault("getMe", status(500)));
    world.writes(FOX_CLUB, "@lambdagram_bot hello");
    world.deliver().await;
    world.exhaust().await;
    assert_eq!(world.said_since(0, FOX_CLUB).len(), 1);
    assert_eq!((world.logged("turn failed").len(), world.charged()), (4, 2));
    assert!(world.logged("turn failed").iter().all(|line| line["Class"] == "transient"));
}

#[tokio::test]
async fn a_send_that_never_left_is_not_one_of_unknown_outcome() {
    let mut world = World::start_with("unreachable", &[("TELEGRAM_API_URL", "http://127.0.0.1:9")]).await;
    world.writes(ADA, "hello");
    world.deliver().await;
    for _ in 1..MAX_RECEIVE_COUNT {
        let batch = world.queue.receive().await.unwrap();
        let kept = world.work_on(&batch).await;
        assert_eq!(kept.len(), 1);
        world.release(&kept).await;
    }
    assert!(world.logged("turn failed").iter().all(|line| line["Class"] == "transient"));
    assert!(world.history("1001").await.contains(r#""unconfirmed":0"#));

    world.deploy(&[]).await;
    assert_eq!(world.work().await, NOTHING);
    assert_eq!((world.said_since(0, ADA).len(), world.charged()), (1, 1));
}

/// So often the SDK tries by itself.
const ALL_TRIES: u32 = 3;

#[tokio::test]
async fn a_bucket_that_fails_costs_an_attempt_but_no_sent_part() {
    let world = World::start("bucket-down").await;
    let fails = |operation, skip| Fault { skip, times: ALL_TRIES, ..fault(operation, status(503)) };
    world.door.faults().order(fails("GetObject", 0));
    world.writes(ADA, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let kept = world.work_on(&batch).await;
    assert_eq!((kept.len(), world.asked()), (1, 0), "without its history nothing is asked");
    assert_eq!(world.logged("turn failed")[0]["Class"], "transient");
    world.release(&kept).await;
    assert_eq!(world.work().await, NOTHING);

    // The second write is about what Telegram has confirmed: it is tried on within the same attempt.
    world.door.faults().order(fails("PutObject", 1));
    assert_eq!(world.says(ADA, "and now?").await.len(), 1);
    assert_eq!((world.said_since(0, ADA).len(), world.charged()), (2, 2));
}

#[tokio::test]
async fn a_lost_race_for_the_conversation_is_decided_anew() {
    let world = World::start("conflict").await;
    for code in [409, 412] {
        world.door.faults().order(fault("PutObject", status(code)));
        assert_eq!(world.says(ADA, "hello").await.len(), 1, "{code}: loaded again, within the same attempt");
    }
    assert_eq!(world.charged(), 2);

    // Whoever loses for some seconds leaves it for later.
    world.door.faults().order(Fault { times: 60, ..fault("PutObject", status(412)) });
    world.writes(ADA, "once more");
    world.deliver().await;
    world.exhaust().await;
    assert_eq!(world.logged("turn failed")[0]["Class"], "contended");
    assert_eq!(world.said_since(0, ADA).len(), 3);
}
