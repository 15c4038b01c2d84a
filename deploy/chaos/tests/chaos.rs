//! The short form of the fault suite: the same run as `make chaos`, and proof that its judgement can see.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

use std::time::Duration;

use chaos::check::{Rule, Verdict, check};
use chaos::report;
use chaos::run::{self, Settings};

fn settings() -> Settings {
    Settings {
        seed: 7,
        updates: 300,
        conversations: 30,
        workers: 12,
        ingresses: 4,
        failing: 0.2,
        killed: 0.003,
        forgetful: false,
        binaries: run::binaries().unwrap(),
        patience: Duration::from_secs(180),
    }
}

async fn judged(settings: &Settings) -> (Verdict, String) {
    let (log, took) = run::timed(settings).await.unwrap();
    let verdict = check(&log);
    let told = format!("{}{}", report::table(settings, &verdict, took), report::stories(&verdict, &log));
    println!("{told}");
    (verdict, told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_nothing_is_lost_and_nothing_repeated() {
    let (verdict, told) = judged(&settings()).await;
    assert_eq!(verdict.broken, [], "{told}");
    let figures = verdict.figures;
    assert_eq!(figures.sent, 300);
    assert!(figures.failed_calls > 300 && figures.kills > 3, "the plan had too few faults: {figures:?}");
    assert!(figures.answered > 250, "the script had too few questions: {figures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_without_memory_is_seen() {
    let forgetful = Settings { forgetful: true, updates: 60, conversations: 20, ..settings() };
    let (verdict, _) = judged(&forgetful).await;
    let seen = |rule| verdict.broken.iter().any(|broken| broken.rule == rule);
    assert!(seen(Rule::RepeatedConfirmed), "{:?}", verdict.figures);
    assert!(seen(Rule::AskedAgain), "{:?}", verdict.figures);
}
