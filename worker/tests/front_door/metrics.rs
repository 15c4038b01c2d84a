//! What a turn measures of itself: the lines that CloudWatch makes metrics of, compared with what the services saw.

use local::fault::Kind;
use serde_json::{Value, json};

use crate::support::{ADA, FOX_CLUB, World, fault};

#[tokio::test]
async fn an_answered_turn_tells_its_times_tokens_and_parts() {
    let world = World::start("measured").await;
    assert_eq!(world.says(ADA, "hello").await.len(), 1);
    let charged = world.gemini.calls()[0].response["charged_tokens"].as_u64().unwrap();
    let log = world.worker.finish().await;
    assert_eq!(log.len(), 3, "it begins, asks and ends: {log:#?}");
    assert_eq!(names(&log), ["GeminiMs", "PromptTokens", "OutputTokens", "TurnMs", "QueueWaitMs", "WaitMs", "Parts"]);
    assert_eq!(sum(&log, "PromptTokens") + sum(&log, "OutputTokens"), charged);
    assert!(sum(&log, "PromptTokens") > 0 && sum(&log, "OutputTokens") > 0);
    assert_eq!(sum(&log, "Parts"), 1);
    assert!(sum(&log, "TurnMs") >= sum(&log, "GeminiMs"));
    assert_eq!(sum(&log, "WaitMs"), sum(&log, "QueueWaitMs") + sum(&log, "TurnMs"));
}

#[tokio::test]
async fn a_picture_is_counted_for_itself_since_it_has_its_own_price() {
    let world = World::start("measured-picture").await;
    world.says(ADA, "/image a fox").await;
    let log = world.worker.finish().await;
    assert_eq!(names(&log), ["GeminiMs", "Pictures", "TurnMs", "QueueWaitMs", "WaitMs", "Parts"]);
    assert_eq!(sum(&log, "Pictures"), 1);
}

#[tokio::test]
async fn each_failed_attempt_is_counted_by_its_class_and_the_wait_once() {
    let world = World::start("measured-failure").await;
    world.gemini.faults().order(fault("generateContent", Kind::Status { code: 503, description: None }));
    world.writes(ADA, "hello");
    world.deliver().await;
    world.wait_for_work().await;
    world.queue.send("1001", "no envelope", "{}").await.unwrap();
    world.work().await;
    let log = world.worker.finish().await;
    let classes: Vec<Value> = lines(&log).filter(|line| line["Class"].is_string()).collect();
    let classes: Vec<_> = classes.iter().map(|line| (&line["Class"], &line["FailedAttempts"])).collect();
    assert_eq!(classes, [(&json!("transient"), &json!(1)), (&json!("undecodable"), &json!(1))]);
    assert_eq!(names(&log).iter().filter(|name| *name == "TurnMs").count(), 2, "both attempts");
    assert_eq!(names(&log).iter().filter(|name| *name == "QueueWaitMs").count(), 1, "later waits are retries'");
    assert_eq!(sum(&log, "Parts"), 1);
}

/// The queue's own age leaves out what waits for another attempt.
#[tokio::test]
async fn a_failed_attempt_tells_how_long_the_person_waits_at_least() {
    let world = World::start("measured-wait").await;
    let told = Kind::TooManyRequests { retry_after_s: 400 };
    world.telegram.faults().order(fault("sendMessage", told));
    world.writes(ADA, "hello");
    world.deliver().await;
    assert_eq!(world.work().await.len(), 1);
    let log = world.worker.finish().await;
    assert_eq!(sum(&log, "WaitMs"), sum(&log, "QueueWaitMs") + sum(&log, "TurnMs") + 401_000);
}

#[tokio::test]
async fn what_is_not_for_the_bot_is_not_measured() {
    let world = World::start("measured-nothing").await;
    assert_eq!(world.says(FOX_CLUB, "who has seen the lantern?").await.len(), 0);
    let log = world.worker.finish().await;
    assert_eq!(names(&log), Vec::<String>::new());
}

/// Every name that a line declares it also has, with a number; and every line is the function's own.
fn names(log: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for line in lines(log) {
        assert_eq!(line["FunctionName"], "test");
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        assert!(line["message"].is_string(), "nothing is measured that is not told: {line}");
        names.extend(line["_aws"]["CloudWatchMetrics"].as_array().unwrap().iter().flat_map(|one| declared(&line, one)));
    }
    names
}

fn declared(line: &Value, directive: &Value) -> Vec<String> {
    assert_eq!(directive["Namespace"], "Lambdagram");
    for dimension in directive["Dimensions"][0].as_array().unwrap() {
        assert!(line[dimension.as_str().unwrap()].is_string(), "{line}");
    }
    let names = directive["Metrics"].as_array().unwrap().iter().map(|metric| metric["Name"].as_str().unwrap());
    names.inspect(|name| assert!(line[*name].is_u64(), "{name} of {line}")).map(str::to_owned).collect()
}

fn sum(log: &[String], name: &str) -> u64 {
    lines(log).filter_map(|line| line[name].as_u64()).sum()
}

/// A chat's id may stand in a time by chance.
pub(crate) fn without_times(log: &[String]) -> String {
    let times = ["timestamp", "_aws", "ms", "waited_ms", "GeminiMs", "TurnMs", "QueueWaitMs", "WaitMs"];
    let read = log.iter().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let without = read.map(|mut line| {
        times.iter().for_each(|name| drop(line.as_object_mut().unwrap().remove(*name)));
        line.to_string()
    });
    without.collect::<Vec<_>>().join("\n")
}

fn lines(log: &[String]) -> impl Iterator<Item = Value> {
    let read = log.iter().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    read.filter(|line| line["_aws"].is_object())
}
