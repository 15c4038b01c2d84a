//! The page with the simulated services, a browser that looks at it, and a bot that is played by the test.

use std::ops::Deref;
use std::path::PathBuf;

use local::gemini::{self, Gemini};
use local::page;
use local::pipeline::Pipeline;
use local::serve::Server;
use local::telegram::{Options, Telegram};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;

pub(crate) struct World {
    browser: Browser,
    http: reqwest::Client,
    bot_url: String,
    telegram: Telegram,
    folder: TempDir,
    _page: Server,
}

impl World {
    /// None, after saying why, where no browser is installed.
    pub(crate) async fn start() -> Option<Self> {
        let browser = Browser::start().await?;
        let options = Options::default();
        let token = options.token.clone();
        let telegram = Telegram::start(options).await.unwrap();
        let gemini = Gemini::start(gemini::Options { port: 0, api_key: "key".to_owned() }).await.unwrap();
        let page = page::start(0, Some(telegram.clone()), Some(gemini), Pipeline::none()).await.unwrap();
        let bot_url = format!("{}/bot{token}", telegram.url());
        browser.open(&page.url()).await;
        let folder = tempfile::tempdir().unwrap();
        Some(Self { browser, http: reqwest::Client::new(), bot_url, telegram, folder, _page: page })
    }

    /// The bot calls a method; the whole answer.
    pub(crate) async fn bot(&self, method: &str, parameters: Value) -> Value {
        let sent = self.http.post(format!("{}/{method}", self.bot_url)).json(&parameters).send().await;
        sent.unwrap().json().await.unwrap()
    }

    /// The next update, which counts as accepted from then on.
    pub(crate) async fn next_update(&self) -> Value {
        let updates = self.bot("getUpdates", json!({"timeout": 20, "limit": 1})).await;
        let update = updates["result"][0].clone();
        let next = update["update_id"].as_i64().expect("an update") + 1;
        self.bot("getUpdates", json!({"offset": next, "timeout": 0})).await;
        update
    }

    pub(crate) async fn bot_sends_photo(&self, chat: i64, caption: &str) {
        let photo = reqwest::multipart::Part::bytes(picture()).file_name("photo.png");
        let form =
            reqwest::multipart::Form::new().text("chat_id", chat.to_string()).text("caption", caption.to_owned());
        let sent =
            self.http.post(format!("{}/sendPhoto", self.bot_url)).multipart(form.part("photo", photo)).send().await;
        assert!(sent.unwrap().status().is_success());
    }

    pub(crate) async fn control(&self, path: &str, json: Value) {
        let sent = self.http.post(format!("{}/_sim/{path}", self.telegram.url())).json(&json).send().await.unwrap();
        assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
    }

    pub(crate) fn picture_file(&self) -> PathBuf {
        let path = self.folder.path().join("picture.png");
        std::fs::write(&path, picture()).unwrap();
        path
    }
}

/// What the browser can do, the world can.
impl Deref for World {
    type Target = Browser;

    fn deref(&self) -> &Browser {
        &self.browser
    }
}

/// A PNG of 64 × 48.
fn picture() -> Vec<u8> {
    let mut picture = tiny_skia::Pixmap::new(64, 48).unwrap();
    picture.fill(tiny_skia::Color::from_rgba8(20, 140, 140, 255));
    picture.encode_png().unwrap()
}
