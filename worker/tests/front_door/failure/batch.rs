//! The conversations of a batch: in order within each, and nobody waits for somebody else.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::{Duration, Instant};

use local::fault::{Fault, Kind};
use local::lambda::event::sqs_event;

use crate::support::{ADA, GRACE, MAX_RECEIVE_COUNT, NOTHING, World, fault, quotes, text};

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
async fn a_poison_message_does_not_keep_those_behind_it_from_their_answer() {
    let world = World::start("poison").await;
    world.queue.send("1001", "poison", "not an envelope at all").await.unwrap();
    let behind = world.writes(ADA, "hello");
    world.deliver().await;
    world.wait_for_work().await;
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0), "the poison alone");
    // Two seconds for each attempt but the last, at which both go back: with the template's twelve attempts 22 s.
    let attempts = usize::try_from(MAX_RECEIVE_COUNT).unwrap();
    assert_eq!(world.waits_s(), [vec![2; 2 * (attempts - 1)], vec![0]].concat());
    let said = world.said_since(0, ADA);
    assert_eq!((said.len(), quotes(&said[0])), (1, Some(behind.message_id)));
}

#[tokio::test]
async fn a_slow_turn_holds_back_no_finished_message() {
    let world = World::start("slow").await;
    world.gemini.faults().order(fault("generateContent", Kind::Slow { ms: 3_000 }));
    for chat_id in [ADA, GRACE] {
        world.writes(chat_id, "hello");
    }
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let one_is_deleted = async {
        while world.queue.depth().await.unwrap() != (0, 1) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut working = pin!(world.work_on(&batch));
    tokio::select! {
        () = one_is_deleted => {}
        _ = &mut working => panic!("it is deleted with the batch"),
    }
    assert_eq!(world.said_since(0, ADA).len() + world.said_since(0, GRACE).len(), 1);
    assert!(working.await.is_empty());
}

#[tokio::test]
async fn a_turn_that_cannot_finish_is_put_back_before_the_invocation_ends() {
    let world = World::start("deadline").await;
    world.gemini.faults().order(fault("generateContent", Kind::Slow { ms: 10_000 }));
    for chat_id in [ADA, GRACE] {
        world.writes(chat_id, "hello");
    }
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let kept = world.work_within(Duration::from_secs(6), &batch).await;
    let said = |chat_id| world.said_since(0, chat_id).len();
    assert_eq!((kept.len(), said(ADA) + said(GRACE)), (1, 1), "the other one has its answer");
    assert_eq!(world.logged("turn failed")[0]["error"], "the invocation's time ran out");

    world.release(&kept).await;
    assert_eq!(world.work().await, NOTHING);
    assert_eq!((said(ADA), said(GRACE)), (1, 1));
}

#[tokio::test]
async fn a_last_attempt_leaves_time_for_those_behind_it_that_have_none_left_either() {
    let world = World::start("lasts").await;
    world.gemini.faults().order(fault("generateContent", Kind::Slow { ms: 60_000 }));
    for words in ["the first", "the second", "the third"] {
        world.writes(ADA, words);
    }
    world.deliver().await;
    let mut batch = sqs_event(&world.queue.receive().await.unwrap());
    for record in batch["Records"].as_array_mut().unwrap() {
        record["attributes"]["ApproximateReceiveCount"] = MAX_RECEIVE_COUNT.to_string().into();
    }
    let answer = world.worker.invoke(batch, Duration::from_secs(15)).await.unwrap();
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1);
    let said = world.said_since(0, ADA);
    assert!(text(&said[0]).starts_with("Something went wrong on my side."));
    assert!(text(&said[1]).contains("the second") && text(&said[2]).contains("the third"));
}

#[tokio::test]
async fn no_send_is_begun_that_the_invocation_would_cut_off() {
    let world = World::start("no-send").await;
    world.gemini.faults().order(fault("generateContent", Kind::Slow { ms: 2_700 }));
    world.writes(ADA, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let kept = world.work_within(Duration::from_secs(6), &batch).await;
    assert_eq!((kept.len(), world.said_since(0, ADA).len()), (1, 0));
    assert_eq!(world.logged("turn failed")[0]["error"], "no time left to send the next part");
    world.release(&kept).await;
    assert_eq!(world.work().await, NOTHING);
    assert_eq!((world.said_since(0, ADA).len(), world.charged()), (1, 1));
}

#[tokio::test]
async fn a_send_that_takes_the_rest_of_the_invocation_is_known_to_have_an_unknown_outcome() {
    let world = World::start("cut-send").await;
    world.telegram.faults().order(fault("sendMessage", Kind::Slow { ms: 9_000 }));
    world.writes(ADA, "hello");
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    let kept = world.work_within(Duration::from_secs(6), &batch).await;
    assert_eq!(world.logged("turn failed")[0]["Class"], "unknown_outcome");
    world.release(&kept).await;
    let began = Instant::now();
    assert_eq!(world.work().await, NOTHING);
    assert!(began.elapsed() < Duration::from_secs(5), "nobody waits for a claim of the dead");
    assert_eq!(world.charged(), 1);
}

#[tokio::test]
async fn ten_conversations_take_about_as_long_as_one() {
    const GEMINI_MS: u64 = 1_000;
    let world = World::start("ten").await;
    world.gemini.faults().order(Fault { times: 100, ..fault("*", Kind::Slow { ms: GEMINI_MS }) });
    let chats: Vec<i64> = (2001..=2010).collect();
    for chat_id in &chats {
        world.invite(*chat_id).await;
    }
    let (mut one, mut ten) = (Duration::MAX, Duration::MAX);
    for _ in 0..2 {
        one = one.min(time_of(&world, &chats[..1]).await);
        ten = ten.min(time_of(&world, &chats).await);
    }
    println!("one: {one:?}, ten: {ten:?}, ratio {:.2}", ten.as_secs_f64() / one.as_secs_f64());
    assert!(ten < one * 2, "one: {one:?}, ten: {ten:?}");
}

/// Of one invocation with a message for each chat.
async fn time_of(world: &World, chats: &[i64]) -> Duration {
    for chat_id in chats {
        world.writes(*chat_id, "hello");
    }
    world.deliver().await;
    let batch = world.queue.receive().await.unwrap();
    assert_eq!(batch.len(), chats.len());
    let began = Instant::now();
    assert!(world.work_on(&batch).await.is_empty());
    began.elapsed()
}

/// Where the system tells what memory a process has had.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn ten_photos_of_20_mb_are_answered_within_the_functions_memory() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    const BYTES: usize = 20 * 1024 * 1024;
    let world = World::start("photos").await;
    world.says(ADA, "hello").await;
    let process_id = world.worker.process_id().unwrap();
    let before_mb = peak_kb(process_id) / 1024;
    world.give_file("large", [PNG, &vec![b'x'; BYTES - PNG.len()]].concat()).await;
    let chats = 2001..=2010;
    for chat_id in chats.clone() {
        world.shows(chat_id, "large", Some(BYTES as u64)).await;
    }
    world.deliver().await;
    assert_eq!(world.work().await, NOTHING);
    for chat_id in chats {
        let said = world.said_since(0, chat_id);
        assert!(text(&said[0]).contains(&BYTES.to_string()), "Gemini saw all of it: {}", text(&said[0]));
    }
    let peak_mb = peak_kb(process_id) / 1024;
    println!("peak: {peak_mb} MB, with text alone {before_mb} MB");
    assert!(peak_mb < 100, "{peak_mb} MB, of the function's 512");
}

/// The most memory that the process has had so far.
#[cfg(target_os = "linux")]
fn peak_kb(process_id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
