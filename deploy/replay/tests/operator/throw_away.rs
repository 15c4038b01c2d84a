//! `drop`: asks before it deletes, and never deletes when it cannot ask.

use crate::support::World;

#[tokio::test]
async fn drop_deletes_nothing_when_nobody_can_be_asked() {
    let world = World::start("nobody").await;
    world.dead(1, "7", 60).await;
    let refused = world.run(&["drop"]).await;
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
}

#[tokio::test]
async fn drop_shows_what_it_means_and_takes_no_for_an_answer() {
    let world = World::start("no").await;
    world.dead(1, "7", 60).await;
    world.remembers("7", &[(1, "transient", "Telegram: 502")]).await;
    let declined = world.run_on_a_terminal("drop", "n\n").await;
    assert_eq!(declined.code, 4, "{declined:?}");
    assert!(declined.out.contains("Telegram: 502") && declined.out.contains("Drop 1 message for good? [y/N]"));
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
}

#[tokio::test]
async fn drop_after_a_yes_deletes_what_is_chosen_and_asks_again_for_what_lay_behind() {
    let world = World::start("yes").await;
    for update_id in 1..=12 {
        world.dead(update_id, "7", 60).await;
    }
    world.dead(100, "8", 60).await;
    let dropped = world.run_on_a_terminal("drop --conversation 7", "y\nyes\n").await;
    assert_eq!(dropped.code, 0, "{dropped:?}");
    assert!(dropped.out.contains("Drop 10 messages for good?") && dropped.out.contains("Drop 2 messages for good?"));
    assert_eq!(world.left().await, [100]);
    assert_eq!(world.updates.depth().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn ctrl_c_at_the_question_leaves_everything_where_it_was() {
    let world = World::start("ctrl-c").await;
    world.dead(1, "7", 60).await;
    let interrupted = world.run_on_a_terminal("drop", "\u{3}").await;
    assert_eq!(interrupted.code, 130, "{interrupted:?}");
    assert_eq!(world.dlq.depth().await.unwrap(), (1, 0));
}

#[tokio::test]
async fn drop_with_yes_does_not_ask() {
    let world = World::start("sure").await;
    for update_id in 1..=12 {
        world.dead(update_id, "7", 60).await;
    }
    world.dlq.send("7", "foreign", "not ours").await.unwrap();
    let dropped = world.json(&["drop", "--yes"]).await;
    assert_eq!((&dropped["done"], &dropped["not_chosen"]), (&12.into(), &1.into()));
    assert_eq!(world.json(&["drop", "--yes", "--foreign"]).await["done"], 1);
    assert_eq!(world.dlq.depth().await.unwrap(), (0, 0));
}
