//! The page over HTTP: what it serves, to whom, and what it says when a service is the real one.

#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use local::gemini::{self, Gemini};
use local::page;
use local::pipeline::Pipeline;
use local::serve::Server;
use local::telegram::{Options, Telegram};
use reqwest::Client;
use serde_json::{Value, json};

async fn page(telegram: bool) -> Server {
    drop(rustls::crypto::ring::default_provider().install_default());
    let telegram = if telegram { Some(Telegram::start(Options::default()).await.unwrap()) } else { None };
    let gemini = Gemini::start(gemini::Options { port: 0, api_key: "key".to_owned() }).await.unwrap();
    page::start(0, telegram, Some(gemini), Pipeline::none()).await.unwrap()
}

async fn get(page: &Server, path: &str) -> reqwest::Response {
    Client::new().get(format!("{}{path}", page.url())).send().await.unwrap()
}

#[tokio::test]
async fn every_asset_that_the_page_names_is_there_and_none_is_elsewhere() {
    let page = page(true).await;
    let html = get(&page, "/").await.text().await.unwrap();
    assert!(!html.contains("https://") && !html.contains("http://"), "nothing external");
    for path in html.split(['"']).filter(|text| text.starts_with('/')) {
        let asset = get(&page, path).await;
        assert!(asset.status().is_success(), "{path}");
        let policy = asset.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let text = asset.text().await.unwrap();
        for module in text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(get(&page, &format!("/{module}")).await.status().is_success(), "{module}");
        }
    }
}

#[tokio::test]
async fn only_this_machine_and_only_the_page_itself_may_write() {
    let page = page(true).await;
    let write = |host: String, origin: String| {
        let message = json!({"chat_id": 1001, "text": "hello"});
        let post = Client::new().post(format!("{}/_sim/telegram/messages", page.url())).json(&message);
        post.header("host", host).header("origin", origin).send()
    };
    let own = page.address.to_string();
    assert_eq!(write(own.clone(), format!("http://{own}")).await.unwrap().status(), 200);
    assert_eq!(write(own.clone(), "https://evil.example".to_owned()).await.unwrap().status(), 403);
    assert_eq!(write("evil.example".to_owned(), "http://evil.example".to_owned()).await.unwrap().status(), 403);
}

#[tokio::test]
async fn with_the_real_telegram_the_page_says_so_and_has_no_chats() {
    let page = page(false).await;
    let setup: Value = get(&page, "/_sim/page").await.json().await.unwrap();
    assert_eq!(setup, json!({"telegram": false, "gemini": true}));
    assert_eq!(get(&page, "/_sim/telegram/state").await.status(), 404);
    let depth: Value = get(&page, "/_sim/pipeline").await.json().await.unwrap();
    assert_eq!(depth["error"], "There is no queue to look at.");
    assert_eq!(get(&page, "/_sim/gemini/faults").await.status(), 200);
}
