//! The chat page in a real browser: what a person sees and does, and that nobody's words become markup.
//! Needs Chromium and its driver; without them the tests say so and pass, unless REQUIRE_BROWSER=1.

#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

#[path = "browser_world/browser.rs"]
mod browser;
mod browser_world;

use std::time::Duration;

use browser::{ADA, FOX_CLUB};
use browser_world::World;
use serde_json::json;

/// Every element that the selector finds, as text.
const TEXTS: &str = "return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)";

#[tokio::test]
async fn a_person_writes_and_reads_the_answer_below() {
    let Some(world) = World::start().await else { return };
    world.write(ADA, "hello, bot").await;
    let update = world.next_update().await;
    assert_eq!(update["message"]["text"], "hello, bot");
    world.see(ADA, r#"[data-from=user] [data-testid=mark][data-state=queued]"#).await;

    let answer = json!({"chat_id": ADA, "text": "hello, Ada", "reply_parameters": {"message_id": update["message"]["message_id"]}});
    world.bot("sendMessage", answer).await;
    let bubble = world.see(ADA, "[data-from=bot] [data-testid=message-text]").await;
    assert_eq!(bubble.text().await.unwrap(), "hello, Ada");
    assert_eq!(world.see(ADA, "[data-testid=reply-quote]").await.text().await.unwrap(), "hello, bot");
    world.see(ADA, "[data-testid=mark][data-state=answered]").await;
    assert_eq!(world.see_anywhere("[data-testid=pipeline-answered]").await.text().await.unwrap(), "1");
}

#[tokio::test]
async fn words_never_become_markup() {
    let Some(world) = World::start().await else { return };
    let words = r#"<img src=x onerror="document.title='broken'"><script>document.title='broken'</script><b>&amp;</b>"#;
    world.write(ADA, words).await;
    let entities = json!([
        {"type": "bold", "offset": 0, "length": 20},
        {"type": "text_link", "offset": 0, "length": 4, "url": "javascript:document.title='broken'"},
        {"type": "pre", "offset": 30, "length": 20, "language": "\"><img src=x onerror=\"document.title='broken'\">"},
    ]);
    // Raw, as a message of a bot that Telegram would have refused: the page must bear it all the same.
    let message = json!({"message_id": 900, "date": 1, "chat": {"id": ADA, "type": "private", "first_name": "Ada"},
        "from": {"id": ADA, "is_bot": false, "first_name": "<i>Ada</i>"}, "text": words, "entities": entities});
    world.control("updates", json!({"message": message})).await;
    world.see(ADA, r#"[data-message-id="900"]"#).await;
    let texts = world.script(TEXTS, json!("[data-testid=message-text]")).await;
    assert_eq!(texts, json!([words, words]));
    let inside = "[data-testid=message-text] img, [data-testid=message-text] script, [data-testid=message-text] b";
    assert_eq!(world.script(TEXTS, json!(inside)).await, json!([]));
    assert_eq!(world.script(TEXTS, json!("a[href^=javascript]")).await, json!([]));
    assert_eq!(world.client.title().await.unwrap(), "Lambdagram");
}

#[tokio::test]
async fn entities_look_as_in_telegram_also_nested_and_behind_emoji() {
    let Some(world) = World::start().await else { return };
    let text = "🦊 bold both link\ncode\nsecret quote";
    let entities = json!([
        {"type": "bold", "offset": 3, "length": 9},
        {"type": "italic", "offset": 8, "length": 4},
        {"type": "text_link", "offset": 13, "length": 4, "url": "https://www.rust-lang.org/"},
        {"type": "pre", "offset": 18, "length": 4, "language": "rust"},
        {"type": "spoiler", "offset": 23, "length": 6},
        {"type": "blockquote", "offset": 30, "length": 5},
    ]);
    world.bot("sendMessage", json!({"chat_id": ADA, "text": text, "entities": entities})).await;
    world.see(ADA, "[data-from=bot]").await;
    for (selector, words) in [
        ("[data-testid=message-text]", text),
        ("strong", "bold both"),
        (":is(strong em, em strong)", "both"),
        ("a[href='https://www.rust-lang.org/']", "link"),
        (".pre[data-language=rust] code", "code"),
        ("blockquote", "quote"),
        (".spoiler:not(.revealed)", "secret"),
    ] {
        let selector = format!("[data-from=bot] {selector}");
        // Joined, since Telegram may keep one style as several entities side by side.
        let script = TEXTS.to_owned() + ".join('')";
        assert_eq!(world.script(&script, json!(selector)).await, json!(words), "{selector}");
    }
    world.see(ADA, ".spoiler").await.click().await.unwrap();
    world.see(ADA, ".spoiler.revealed").await;
}

#[tokio::test]
async fn entities_that_cross_are_cut_and_lose_nothing() {
    let Some(world) = World::start().await else { return };
    let script = "const { render } = await import('/entities.js'); const box = document.createElement('div'); \
        box.append(...render('abcdef', [{type: 'bold', offset: 0, length: 4}, {type: 'italic', offset: 2, length: 9}])); return box.innerHTML";
    let html = world.script(&format!("return (async () => {{ {script} }})()"), json!(null)).await;
    let expected =
        r#"<strong data-entity="bold">ab<em data-entity="italic">cd</em></strong><em data-entity="italic">ef</em>"#;
    assert_eq!(html, json!(expected));
}

#[tokio::test]
async fn photos_go_both_ways_and_a_click_enlarges_them() {
    let Some(world) = World::start().await else { return };
    let picture = world.picture_file();
    world.see(ADA, "[data-testid=photo-input]").await.send_keys(picture.to_str().unwrap()).await.unwrap();
    world.see(ADA, "[data-testid=composer-context] img").await;
    world.write(ADA, "what is this?").await;
    let update = world.next_update().await;
    assert_eq!(update["message"]["caption"], "what is this?");
    assert_eq!(update["message"]["photo"][0]["width"], 64);
    world.bot_sends_photo(ADA, "a picture").await;
    let photo = world.see(ADA, "[data-from=bot] [data-testid=message-photo]").await;
    world.until("document.querySelectorAll('[data-testid=message-photo] img[src]').length === 2").await;
    photo.click().await.unwrap();
    world.until("document.querySelector('[data-testid=lightbox]').open").await;
    world.until("document.querySelector('[data-testid=lightbox] img').naturalWidth === 64").await;
}

#[tokio::test]
async fn in_the_group_one_chooses_as_whom_to_write() {
    let Some(world) = World::start().await else { return };
    world.see(FOX_CLUB, "[data-testid=writer]").await.select_by_label("Grace").await.unwrap();
    world.write(FOX_CLUB, "@lambdagram_bot hello").await;
    assert_eq!(world.next_update().await["message"]["from"]["first_name"], "Grace");
    world.bot("sendChatAction", json!({"chat_id": FOX_CLUB, "action": "upload_photo"})).await;
    world.until("document.querySelector('[data-chat-type=supergroup] [data-testid=action]').textContent.includes('sending a photo')").await;
}

#[tokio::test]
async fn trouble_is_ordered_and_cleared_by_a_button() {
    let Some(world) = World::start().await else { return };
    world.see_anywhere("[data-testid=trouble-telegram-429]").await.click().await.unwrap();
    world.until("document.querySelector('[data-testid=trouble-orders]').textContent.includes('wait 10 s')").await;
    let refused = world.bot("sendMessage", json!({"chat_id": ADA, "text": "hello"})).await;
    assert_eq!(refused["parameters"]["retry_after"], 10);
    world.see_anywhere("[data-testid=trouble-gemini-503]").await.click().await.unwrap();
    world.until("document.querySelector('[data-testid=trouble-orders]').textContent.includes('overloaded')").await;
    world.see_anywhere("[data-testid=trouble-clear]").await.click().await.unwrap();
    world.until("document.querySelector('[data-testid=trouble-orders]').textContent === ''").await;
    assert!(tokio::time::timeout(Duration::from_secs(5), world.bot("getMe", json!({}))).await.is_ok());
    assert_eq!(world.console_errors().await, [""; 0]);
}
