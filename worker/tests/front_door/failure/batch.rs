//! The conversations of a batch: in order within each, and nobody waits for somebody else.

use std::collections::BTreeSet;

use local::fault::{Fault, Kind};

use crate::support::{ADA, GRACE, MAX_RECEIVE_COUNT, World, fault, quotes, text};

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
