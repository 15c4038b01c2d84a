//! `replay`: everything that is meant is on the updates queue afterwards, whatever interrupts it.

use std::collections::BTreeSet;

use serde_json::json;
use shared::Envelope;

use crate::support::{World, body, interrupt};

#[tokio::test]
async fn a_replay_puts_the_same_body_back_into_the_same_conversation() {
    let world = World::start("same").await;
    let dead = body(501, "-100:7", 60);
    world.dlq.send("-100:7", "x", &dead).await.unwrap();
    let replayed = world.run(&["replay"]).await;
    assert_eq!((replayed.code, &*replayed.out), (0, "1 message sent back.\n"));
    let messages = world.updates.drain().await.unwrap();
    assert_eq!(messages.iter().map(|message| message.body().unwrap()).collect::<Vec<_>>(), [dead]);
    let attributes = messages[0].attributes().unwrap();
    let group = aws_sdk_sqs::types::MessageSystemAttributeName::MessageGroupId;
    assert_eq!(attributes[&group], "-100:7");
    assert_eq!(world.dlq.depth().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn a_replay_is_not_swallowed_within_the_five_minutes_of_deduplication() {
    let world = World::start("window").await;
    world.updates.send("7", "501", &body(501, "7", 1)).await.unwrap();
    assert_eq!(world.resent().await, [501]);
    for again in ["first", "second"] {
        // Each time it comes back it is another message there.
        world.dlq.send("7", again, &body(501, "7", 1)).await.unwrap();
        world.json(&["replay"]).await;
        assert_eq!(world.resent().await, [501], "the {again} time");
    }
}

#[tokio::test]
async fn a_replay_that_was_killed_after_sending_sends_nothing_twice() {
    let world = World::start("killed").await;
    world.dead(501, "7", 60).await;
    let held = world.dlq.receive().await.unwrap();
    let dedup = format!("501-replay-{}", held[0].message_id().unwrap());
    world.updates.send("7", &dedup, held[0].body().unwrap()).await.unwrap();
    world.dlq.release(&held[0]).await.unwrap();
    world.json(&["replay"]).await;
    assert_eq!(world.resent().await, [501]);
    assert_eq!(world.dlq.depth().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn a_dry_run_says_what_would_go_and_changes_nothing() {
    let world = World::start("dry").await;
    world.many_dead(1..5).await;
    let dry = world.run(&["replay", "--dry-run"]).await;
    assert!(dry.out.ends_with("4 messages of 4 conversations.\nNothing was sent: a dry run.\n"), "{}", dry.out);
    assert_eq!(world.json(&["replay", "--dry-run"]).await["done"], 0);
    assert_eq!(world.updates.depth().await.unwrap(), (0, 0));
    assert_eq!(world.dlq.depth().await.unwrap(), (4, 0));
}

#[tokio::test]
async fn a_conversation_keeps_its_order_and_all_of_it_goes() {
    let world = World::start("order").await;
    for update_id in 1..=25 {
        world.dead(update_id, "7", 60).await;
        world.dead(update_id + 100, "8", 60).await;
    }
    world.json(&["replay"]).await;
    let (seven, eight): (Vec<u64>, Vec<u64>) = world.resent().await.into_iter().partition(|id| *id < 100);
    assert_eq!(seven, (1..=25).collect::<Vec<u64>>());
    assert_eq!(eight, (101..=125).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_thousand_replayed_with_two_interruptions_are_all_there_and_none_twice() {
    let world = World::start("thousand").await;
    world.many_dead(0..1000).await;
    for at in [100, 450] {
        let replay = world.begin(&["replay", "--json"]);
        world.wait_until_resent(at).await;
        interrupt(&replay);
        let output = replay.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(130));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["interrupted"], true);
        let (waiting, in_flight) = world.dlq.depth().await.unwrap();
        assert!(waiting > 0 && in_flight == 0, "{waiting} {in_flight}: it was interrupted in the middle");
    }
    world.json(&["replay"]).await;
    assert_eq!(world.dlq.depth().await.unwrap(), (0, 0));
    let resent = world.resent().await;
    assert_eq!(resent.len(), 1000);
    for conversation in 0..10 {
        let mine: Vec<u64> = resent.iter().copied().filter(|id| id % 10 == conversation).collect();
        assert_eq!(mine, (0..100).map(|n| n * 10 + conversation).collect::<Vec<u64>>());
    }
}

#[tokio::test]
async fn two_at_once_do_no_harm() {
    let world = World::start("two").await;
    world.many_dead(0..200).await;
    let (one, other) = tokio::join!(world.run(&["replay"]), world.run(&["replay"]));
    assert_eq!((one.code, other.code), (0, 0), "{one:?} {other:?}");
    // One of them may have left nothing for the other, which then saw the rest in its hands.
    let resent = world.resent().await;
    assert_eq!(resent.len(), 200);
    assert_eq!(resent.into_iter().collect::<BTreeSet<u64>>(), (0..200).collect());
    assert_eq!(world.dlq.depth().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn what_is_chosen_goes_and_the_rest_is_free_again() {
    let world = World::start("chosen").await;
    world.dead(1, "7", 10).await;
    world.dead(2, "7", 7200).await;
    world.dead(3, "8", 10).await;
    world.dead(4, "-9:5", 10).await;
    world.dead(5, "8", 259_200).await;
    world.remembers("7", &[(1, "transient", "x"), (2, "configuration", "y")]).await;
    world.remembers("8", &[(5, "transient", "x")]).await;
    for (args, expected) in [
        (&["--class", "transient", "--newer-than", "1h"][..], &[1][..]),
        (&["--conversation", "-9:5"], &[4]),
        (&["--older-than", "1d"], &[5]),
        (&["--id", "2,77"], &[2]),
        (&["--class", "unknown"], &[3]),
    ] {
        let replayed = world.run(&[&["replay", "--json"], args].concat()).await;
        assert_eq!(replayed.code, if args.contains(&"2,77") { 3 } else { 0 }, "{replayed:?}");
        assert_eq!(world.resent().await, expected, "{args:?}");
        assert_eq!(world.dlq.depth().await.unwrap().1, 0, "free again");
    }
    assert_eq!(world.left().await, Vec::<u64>::new());
}

#[tokio::test]
async fn a_conversation_whose_reasons_cannot_be_read_stays_and_the_others_go() {
    let world = World::start("unread").await;
    for (update_id, conversation) in [(1, "7"), (2, "8")] {
        world.dead(update_id, conversation, 60).await;
        world.remembers(conversation, &[(update_id, "transient", "x")]).await;
    }
    world.put_object("conversations/8.json", b"not a conversation").await;
    let replayed = world.run(&["replay", "--class", "transient"]).await;
    assert_eq!(replayed.code, 1);
    assert!(replayed.out.contains("2 of 8: the conversation's object cannot be read"), "{}", replayed.out);
    assert_eq!(world.resent().await, [1]);
    assert_eq!(world.left().await, [2]);
}

#[tokio::test]
async fn a_selection_that_skips_older_ones_says_that_it_could_not_look_behind_them() {
    let world = World::start("skips").await;
    for update_id in 1..=12 {
        world.dead(update_id, "7", 60).await;
    }
    let replayed = world.run(&["replay", "--id", "12"]).await;
    assert_eq!(replayed.code, 3);
    assert!(replayed.out.contains("2 more could not be looked at"), "{}", replayed.out);
    assert_eq!(world.left().await, (1..=12).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_foreign_message_goes_back_only_by_its_own_id() {
    let world = World::start("foreign").await;
    world.dlq.send("7", "1", "not ours").await.unwrap();
    world.dead(2, "7", 60).await;
    let replayed = world.json(&["replay"]).await;
    assert_eq!(json!([replayed["done_update_ids"], replayed["not_chosen"]]), json!([[2], 1]));
    assert_eq!(world.resent().await, [2]);
    let listed = world.json(&["list"]).await;
    world.json(&["replay", "--id", listed["messages"][0]["message_id"].as_str().unwrap()]).await;
    let bodies = world.updates.drain().await.unwrap();
    assert_eq!(bodies[0].body(), Some("not ours"));
    assert!(Envelope::open("not ours").is_err());
}

#[tokio::test]
async fn what_stays_keeps_nothing_back_that_lies_behind_it() {
    let world = World::start("stays").await;
    world.dlq.send("7", "1", "not ours").await.unwrap();
    for update_id in 2..=25 {
        world.dead(update_id, "7", 60).await;
    }
    // These fill up the batches, so that others are cut off.
    for n in 0..8 {
        for m in 0..3 {
            world.dlq.send(&n.to_string(), &format!("{n} {m}"), "not ours").await.unwrap();
        }
    }
    let replayed = world.json(&["replay"]).await;
    assert_eq!(["done", "not_chosen", "not_seen"].map(|name| replayed[name].as_u64().unwrap()), [24, 25, 0]);
    assert_eq!(world.resent().await, (2..=25).collect::<Vec<u64>>());
}

#[tokio::test]
async fn what_fails_at_once_again_is_not_sent_round_and_round() {
    let world = World::start("round").await;
    world.dlq.send("7", "a", &body(1, "7", 60)).await.unwrap();
    for update_id in 2..=10 {
        world.dead(update_id, "7", 60).await;
    }
    // Behind the first ten: met in the same run, after its first copy was sent.
    world.dlq.send("7", "b", &body(1, "7", 60)).await.unwrap();
    let replayed = world.run(&["replay"]).await;
    assert!(replayed.out.contains("10 messages sent back.\n1 came back"), "{}", replayed.out);
    assert_eq!(world.left().await, [1]);
}

#[tokio::test]
async fn a_conversation_stops_at_what_cannot_be_sent_and_the_others_go_on() {
    let world = World::start("refused").await;
    for (update_id, conversation) in [(1, "7"), (2, "8"), (3, "7")] {
        world.dead(update_id, conversation, 60).await;
    }
    let gone = format!("{}x", world.updates.url);
    let refused = world.run(&["replay", "--queue-url", &gone]).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused.out.contains("1 of 7: not sent: ") && refused.out.contains("2 of 8: not sent: "),
        "{}",
        refused.out
    );
    assert!(refused.out.contains("3 messages chosen, but still there: run it again."), "{}", refused.out);
    assert_eq!(world.dlq.depth().await.unwrap(), (3, 0));
    assert_eq!(world.json(&["replay"]).await["done"], 3);
}

#[tokio::test]
async fn the_rate_is_kept_and_the_pause_can_be_interrupted() {
    let world = World::start("rate").await;
    world.many_dead(0..10).await;
    let began = std::time::Instant::now();
    let replay = world.begin(&["replay", "--rate", "2"]);
    world.wait_until_resent(3).await;
    assert!(began.elapsed().as_millis() >= 1000, "two gaps of half a second");
    interrupt(&replay);
    assert_eq!(replay.wait_with_output().await.unwrap().status.code(), Some(130));
    assert_eq!(world.dlq.depth().await.unwrap().1, 0);
    let all: BTreeSet<u64> = world.resent().await.into_iter().chain(world.left().await).collect();
    assert_eq!(all, (0..10).collect());
}
