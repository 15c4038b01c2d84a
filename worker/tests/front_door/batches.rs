//! Messages of one conversation in one batch, when the invocation's time is short.

use std::time::Duration;

use local::lambda::event::sqs_event;
use serde_json::Value;

use crate::support::{ADA, MAX_RECEIVE_COUNT, World};

/// Too short for a second turn to be begun, long enough for many of the simulated ones.
const SHORT: Duration = Duration::from_secs(8);

/// Two messages of Ada in one batch, which the queue has handed out `received` times; how many stay.
async fn two_of_one_conversation(world: &World, received: u32) -> usize {
    world.writes(ADA, "the first");
    world.writes(ADA, "the second");
    world.deliver().await;
    let mut event = sqs_event(&world.queue.receive().await.unwrap());
    for record in event["Records"].as_array_mut().unwrap() {
        record["attributes"]["ApproximateReceiveCount"] = received.to_string().into();
    }
    let answer: Value = world.worker.invoke(event, SHORT).await.unwrap();
    answer["batchItemFailures"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_turn_is_not_begun_without_time_for_it() {
    let world = World::start("no-time").await;
    assert_eq!(two_of_one_conversation(&world, 1).await, 1);
    assert_eq!(world.said_since(0, ADA).len(), 1);
    world.wait_for_work().await;
    assert_eq!(world.said_since(0, ADA).len(), 2);
}

#[tokio::test]
async fn a_last_attempt_is_made_even_in_little_time() {
    let world = World::start("last-time").await;
    assert_eq!(two_of_one_conversation(&world, MAX_RECEIVE_COUNT).await, 0);
    assert_eq!(world.said_since(0, ADA).len(), 2, "put back, it would lie in the dead-letter queue unanswered");
}
