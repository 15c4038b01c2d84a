//! What goes wrong: nothing is answered twice, nothing is lost, and nobody waits for somebody else.

use std::collections::BTreeSet;
use std::time::Duration;

use local::fault::{Fault, Kind};
use local::lambda::event::sqs_event;

use crate::support::{ADA, GRACE, MAX_RECEIVE_COUNT, NOTHING, World, envelope, fault, quotes, text};

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

const HELLO_AGAIN: &str = r#"{"update_id":424242,"message":{"message_id":77,"date":1795348800,"from":{"id":1001,"is_bot":false,"first_name":"Ada"},"chat":{"id":1001,"type":"private","first_name":"Ada"},"text":"hello again"}}"#;

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
async fn a_long_wait_that_telegram_asks_for_is_spent_on_the_queue() {
    let world = World::start("wait").await;
    world.telegram.faults().order(fault("sendMessage", Kind::TooManyRequests { retry_after_s: 300 }));
    let update_id = world.writes(ADA, "hello").update_id;
    world.deliver().await;
    let began = std::time::Instant::now();
    assert_eq!(world.work().await, [u64::try_from(update_id).unwrap()]);
    assert!(began.elapsed() < Duration::from_secs(10), "a sleeping function costs");
    assert_eq!(world.queue.depth().await.unwrap(), (0, 1), "it is not seen before the wait is over");
}

#[tokio::test]
async fn a_short_wait_is_waited_and_the_answer_sent_once() {
    let world = World::start("short-wait").await;
    world.telegram.faults().order(fault("sendMessage", Kind::TooManyRequests { retry_after_s: 1 }));
    assert_eq!(world.says(ADA, "hello").await.len(), 1);
    assert_eq!(world.asked(), 1);
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
async fn a_send_of_unknown_outcome_is_repeated_at_most_once() {
    let world = World::start("unknown").await;
    let breaks = Fault { times: 9, ..fault("sendMessage", Kind::BreakAfter) };
    world.telegram.faults().order(breaks);
    world.writes(ADA, "hello");
    world.deliver().await;
    world.wait_for_work().await;
    let answers =
        |world: &World| world.said_since(0, ADA).iter().filter(|said| text(said).contains("Simulated Gemini")).count();
    assert_eq!(answers(&world), 2, "the first, and one repetition");
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0), "nobody knows: it is neither lost nor taken for delivered");

    world.telegram.faults().clear();
    world.replay().await;
    world.wait_for_work().await;
    assert_eq!(answers(&world), 3, "one more, by the operator's order");
    assert_eq!(world.asked(), 1);
    assert!(world.history("1001").await.contains("Simulated Gemini"));
}

#[tokio::test]
async fn a_message_that_never_arrived_is_not_taken_for_delivered() {
    let world = World::start("never-arrived").await;
    world.telegram.faults().order(Fault { times: 2, ..fault("sendMessage", Kind::BreakBefore) });
    world.writes(ADA, "hello");
    world.deliver().await;
    world.wait_for_work().await;
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
    assert!(
        !world.history("1001").await.contains(r#""done":["#) || world.history("1001").await.contains(r#""done":[]"#)
    );
}

#[tokio::test]
async fn the_last_attempt_tells_the_person_once_and_a_replay_answers() {
    let world = World::start("last-attempt").await;
    let overloaded = Kind::Status { code: 400, description: None };
    world.gemini.faults().order(Fault { times: MAX_RECEIVE_COUNT * 2, ..fault("*", overloaded) });
    let written = world.writes(ADA, "hello");
    world.deliver().await;
    world.wait_for_work().await;
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
    world.wait_for_work().await;
    assert_eq!(world.said_since(0, ADA).len(), 1);

    world.gemini.faults().clear();
    world.replay().await;
    world.wait_for_work().await;
    let said = world.said_since(0, ADA);
    assert_eq!(said.len(), 2);
    assert_eq!(quotes(&said[1]), Some(written.message_id), "the answer comes as a reply to the old question");
    assert!(!world.history("1001").await.contains("failed"));
}

#[tokio::test]
async fn a_poison_message_does_not_keep_those_behind_it_from_their_answer() {
    let world = World::start("poison").await;
    world.queue.send("1001", "poison", "not an envelope at all").await.unwrap();
    let behind = world.writes(ADA, "hello");
    world.deliver().await;
    world.wait_for_work().await;
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0), "the poison alone");
    let said = world.said_since(0, ADA);
    assert_eq!((said.len(), quotes(&said[0])), (1, Some(behind.message_id)));
}

#[tokio::test]
async fn a_conversation_that_cannot_be_read_is_put_aside_and_begun_anew() {
    let world = World::start("unreadable").await;
    world.put_object("conversations/1001.json", b"{broken").await;
    assert_eq!(world.says(ADA, "hello").await.len(), 1);
    assert!(world.history("1001").await.contains("hello"));
    let aside = world.objects().await.into_iter().find(|key| key.starts_with("conversations/1001.json.unreadable-"));
    assert_eq!(world.object(&aside.unwrap()).await.unwrap(), b"{broken");
}

#[tokio::test]
async fn a_conversation_of_a_newer_worker_is_left_alone() {
    let world = World::start("newer").await;
    world.put_object("conversations/1001.json", br#"{"version":99,"of_tomorrow":true}"#).await;
    world.writes(ADA, "hello");
    world.writes(GRACE, "hello");
    world.deliver().await;
    world.wait_for_work().await;
    assert_eq!(world.history("1001").await, r#"{"version":99,"of_tomorrow":true}"#);
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
    assert_eq!(world.said_since(0, GRACE).len(), 1, "the others are not harmed");
    assert!(text(&world.said_since(0, ADA)[0]).contains("Reference"), "and she hears of it");
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
async fn who_has_blocked_the_bot_is_left_alone() {
    let world = World::start("gone").await;
    world.writes(ADA, "hello");
    world.order("chats/1001", r#"{"blocked": true}"#).await;
    world.deliver().await;
    assert_eq!(world.work().await, NOTHING, "nothing to repeat");
    assert_eq!(world.said_since(0, ADA).len(), 0);
    assert_eq!(world.queue.depth().await.unwrap(), (0, 0));
}
