//! The chat page of a whole run, in a browser: what the README promises whoever types `make run`.

use std::path::Path;

use serde_json::json;

use crate::browser::Browser;
use crate::run::{Run, shared};
use crate::{ADA, FOX_CLUB, GRACE};

#[tokio::test]
async fn a_person_says_hello_and_gets_an_answer_and_a_picture() {
    let Some(browser) = Browser::start().await else { return };
    let (_turn, run) = shared().await;
    let answered_before = run.look("telegram", "state").await["answered"].as_u64().unwrap();
    browser.open(run.place("page")).await;
    let last = format!("{}.at(-1)", all(ADA, "[data-testid=message]"));
    browser.write(ADA, "hello").await;
    browser.until(&format!("{last}?.matches('[data-from=bot]') && {last}.textContent.includes('You wrote')")).await;

    browser.write(ADA, "draw a fox").await;
    browser.until(&format!("{last}.querySelector('[data-testid=message-photo] img')?.naturalWidth > 0")).await;
    browser.until(&answered(ADA)).await;
    let counted =
        format!("document.querySelector('[data-testid=pipeline-answered]').textContent === '{}'", answered_before + 2);
    browser.until(&counted).await;
    save(&browser, "whole-path.png").await;
    assert_eq!(browser.console_errors().await, [""; 0]);
}

/// The README's picture is taken here: `make screenshot`.
#[tokio::test]
async fn all_chats_are_answered_side_by_side() {
    let Some(browser) = Browser::start().await else { return };
    let (_turn, run) = shared().await;
    browser.open(run.place("page")).await;
    let picture = run.writes(ADA, ADA, "draw a fox in a forest at night").await;
    run.writes(GRACE, GRACE, "markdown").await;
    run.writes(FOX_CLUB, GRACE, "Has anybody seen the fox today? 🦊").await;
    run.writes(FOX_CLUB, ADA, "Twice! Once by the river.").await;
    let mention = run.writes(FOX_CLUB, ADA, "@lambdagram_bot what do foxes do at night?").await;
    let command = run.writes(FOX_CLUB, GRACE, "/image@lambdagram_bot a fox under the moon").await;
    run.settle().await;
    run.answer(FOX_CLUB, mention).await;
    for (chat, question) in [(ADA, picture), (FOX_CLUB, command)] {
        browser.see(chat, "[data-from=bot] [data-testid=message-photo] img").await;
        assert!(is_answered_with_a_photo(&run, chat, question).await);
    }
    run.asks(ADA, ADA, "Thank you, it is lovely 😊").await;
    let images = all(ADA, "[data-testid=message-photo] img");
    browser.until(&format!("{images}.every((image) => image.naturalWidth > 0)")).await;
    for chat in [ADA, GRACE] {
        browser.until(&answered(chat)).await;
    }
    browser.until("document.querySelector('[data-testid=pipeline-in-flight]').textContent === '0'").await;
    browser.until("document.getAnimations().every((animation) => animation.animationName !== 'arrive')").await;
    let path = std::env::var("SCREENSHOT").unwrap_or_else(|_| "page.png".to_owned());
    save(&browser, &path).await;
    assert_eq!(browser.console_errors().await, [""; 0]);
}

async fn is_answered_with_a_photo(run: &Run, chat: i64, question: i64) -> bool {
    let said = run.said(chat).await;
    said.iter().any(|message| message["reply_to"]["message_id"] == question && message["photo"].is_object())
}

/// Whether all that a person wrote there is marked as answered, as JavaScript.
fn answered(chat: i64) -> String {
    format!("{}.every((mark) => mark.dataset.state === 'answered')", all(chat, "[data-testid=mark]"))
}

/// All that a selector finds in a chat, as JavaScript.
fn all(chat: i64, selector: &str) -> String {
    let inside = json!(format!("[data-testid=chat][data-chat-id='{chat}'] {selector}"));
    format!("[...document.querySelectorAll({inside})]")
}

/// To the target folder, unless `path` is absolute.
async fn save(browser: &Browser, path: &str) {
    let target = Path::new(env!("CARGO_BIN_EXE_local")).ancestors().nth(2).unwrap();
    std::fs::write(target.join(path), browser.client.screenshot().await.unwrap()).unwrap();
}
