//! The short form of the fault suite: the same run as `make chaos`, and proof that its judgement can see.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

use std::time::Duration;

use chaos::check::{Rule, Verdict, check};
use chaos::kinds::kinds;
use chaos::plan::Service;
use chaos::run::{self, Settings};
use chaos::{report, stage};

fn settings() -> Settings {
    Settings {
        // With it each kind of fault comes at least twice.
        seed: 2,
        updates: 200,
        conversations: 25,
        workers: 12,
        ingresses: 4,
        failing: 0.2,
        killed: 0.02,
        // The patience of the others is long: that of Gemini and the bucket is in the whole form alone.
        hanging: &[Service::Telegram, Service::Sqs],
        forgetful: false,
        binaries: stage::binaries().unwrap(),
        patience: Duration::from_secs(180),
    }
}

async fn judged(settings: &Settings) -> (Verdict, Vec<(String, usize)>, String) {
    let (log, took) = run::timed(run::run(settings)).await.unwrap();
    let verdict = check(&log);
    let kinds = kinds(settings.hanging, &log);
    let table = report::table(settings, &verdict, took);
    let told = format!("{table}{}{}", report::kinds(&kinds), report::stories(&verdict, &log));
    println!("{told}");
    (verdict, kinds, told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_nothing_is_lost_and_nothing_repeated() {
    let (verdict, kinds, told) = judged(&settings()).await;
    assert_eq!(verdict.broken, [], "{told}");
    let never: Vec<_> = kinds.iter().filter(|(_, count)| *count == 0).collect();
    assert!(never.is_empty(), "of these there was none: {never:?}");
    let figures = verdict.figures;
    assert_eq!(figures.sent, 200);
    assert!(figures.failed_calls > 500 && figures.kills > 30, "the plan had too few faults: {figures:?}");
    assert!(figures.answered > 150, "the script had too few questions: {figures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_without_memory_is_seen() {
    let forgetful = Settings { forgetful: true, updates: 60, conversations: 20, ..settings() };
    let (verdict, ..) = judged(&forgetful).await;
    let seen = |rule| verdict.broken.iter().any(|broken| broken.rule == rule);
    assert!(seen(Rule::RepeatedConfirmed), "{:?}", verdict.figures);
    assert!(seen(Rule::AskedAgain), "{:?}", verdict.figures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_is_interrupted_twice_answers_each_update_once_and_in_order() {
    let quiet = Settings { updates: 300, conversations: 30, failing: 0.0, killed: 0.0, hanging: &[], ..settings() };
    let log = run::replay_interrupted_twice(&quiet).await.unwrap();
    let verdict = check(&log);
    assert_eq!(verdict.broken, [], "{}", report::stories(&verdict, &log));
    let figures = verdict.figures;
    assert_eq!((figures.answered, figures.dead, figures.repeated_unknown), (300, 0, 0), "{figures:?}");
    assert_eq!((figures.charges, figures.replayed), (300, 300), "{figures:?}");
}
