//! When something goes wrong on the way, the answer is late, but it is one.

use serde_json::{Value, json};

use crate::run::shared;

#[tokio::test]
async fn a_refusal_of_telegram_or_gemini_delays_the_answer_and_no_more() {
    let (_turn, run) = shared().await;
    let alan = run.new_chat(1003, "Alan").await;
    let too_many = json!({ "too_many_requests": { "retry_after_s": 1 } });
    run.order("telegram", json!({ "method": "sendMessage", "chat_id": alan, "kind": too_many })).await;
    run.order("gemini", json!({ "method": "*", "kind": { "status": { "code": 503 } } })).await;
    let asked_before = count(&run.look("gemini", "calls").await);
    let answer = run.asks(alan, alan, "hello").await;
    assert!(answer.contains("hello"), "{answer}");
    assert_eq!(run.said(alan).await.len(), 1);
    assert_eq!(run.history("1003").await.len(), 1);

    // One call was refused and one answered; the refusal by Telegram cost none.
    assert_eq!(count(&run.look("gemini", "calls").await) - asked_before, 2);
    let calls = run.look("telegram", "calls").await;
    let sends =
        calls.as_array().unwrap().iter().filter(|call| call["chat_id"] == alan && call["method"] == "sendMessage");
    let statuses: Vec<&Value> = sends.map(|call| &call["http_status"]).collect();
    assert_eq!(statuses, [429, 200]);
}

#[tokio::test]
async fn a_blocked_question_is_explained_and_not_kept() {
    let (_turn, run) = shared().await;
    let edsger = run.new_chat(1004, "Edsger").await;
    run.asks(edsger, edsger, "hello").await;
    let explained = run.asks(edsger, edsger, "an unsafe prompt").await;
    assert!(!explained.contains("Simulated Gemini"), "{explained}");
    let history = run.history("1004").await;
    assert!(matches!(&history[..], [[question, _]] if question == "hello"), "{history:?}");
    let after = run.asks(edsger, edsger, "and now?").await;
    assert!(after.contains("Before this one, you wrote: hello"), "{after}");
}

fn count(calls: &Value) -> usize {
    calls.as_array().unwrap_or_else(|| panic!("no list of calls: {calls}")).len()
}
