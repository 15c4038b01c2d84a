//! What the bot is for: each question has its one answer, in the light of what was said before.

use crate::run::shared;
use crate::{FOX_CLUB, GRACE};

#[tokio::test]
async fn hello_is_answered_once_and_remembered() {
    let (_turn, run) = shared().await;
    let answer = run.asks(GRACE, GRACE, "hello").await;
    assert!(answer.contains("first message of our conversation"), "{answer}");
    assert_eq!(run.said(GRACE).await.len(), 1);

    let history = run.history("1002").await;
    let [[question, kept]] = &history[..] else { panic!("not one turn: {history:?}") };
    assert_eq!(question, "hello");
    assert!(kept.contains("**first message**"), "{kept}");

    let second = run.asks(GRACE, GRACE, "what did I say?").await;
    assert!(second.contains("Before this one, you wrote: hello"), "{second}");
    assert_eq!(run.history("1002").await.len(), 2);
}

#[tokio::test]
async fn in_a_group_only_who_addresses_the_bot_is_answered() {
    let (_turn, run) = shared().await;
    run.writes(FOX_CLUB, GRACE, "what a day for foxes").await;
    let answer = run.asks(FOX_CLUB, GRACE, "@lambdagram_bot hello").await;
    assert!(answer.contains("hello"), "{answer}");
    assert_eq!(run.said(FOX_CLUB).await.len(), 1);
    assert_eq!(run.history("-1001234567890").await.len(), 1);
}
