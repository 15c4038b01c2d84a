//! The page with the simulated services, a browser that looks at it, and a bot that is played by the test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use local::gemini::{self, Gemini};
use local::page;
use local::pipeline::Pipeline;
use local::serve::Server;
use local::telegram::{Options, Telegram};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub(crate) const ADA: i64 = 1001;
pub(crate) const FOX_CLUB: i64 = -1_001_234_567_890;
/// Longer than anything here takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) browser: Client,
    driver_address: String,
    session: String,
    /// Killed when this is dropped.
    _driver: Child,
    folder: TempDir,
    http: reqwest::Client,
    bot_url: String,
    telegram: Telegram,
    _page: Server,
}

impl World {
    /// None, after saying why, where no browser is installed.
    pub(crate) async fn start() -> Option<Self> {
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::tempdir().unwrap();
        let (driver, driver_address) = match driver().await {
            Ok(started) => started,
            Err(why) => {
                assert!(std::env::var("REQUIRE_BROWSER").as_deref() != Ok("1"), "{why}");
                // Not eprintln!, which a passing test keeps to itself.
                let told = format!("SKIPPED, nothing was tested in a browser: {why}\n");
                std::io::stderr().write_all(told.as_bytes()).unwrap();
                return None;
            }
        };
        let options = Options::default();
        let token = options.token.clone();
        let telegram = Telegram::start(options).await.unwrap();
        let gemini = Gemini::start(gemini::Options { port: 0, api_key: "key".to_owned() }).await.unwrap();
        let page = page::start(0, Some(telegram.clone()), Some(gemini), Pipeline::none()).await.unwrap();
        let browser = browser(&driver_address, &folder).await;
        let bot_url = format!("{}/bot{token}", telegram.url());
        let session = browser.session_id().await.unwrap().expect("a session");
        let world = Self {
            browser,
            driver_address,
            session,
            _driver: driver,
            folder,
            http: reqwest::Client::new(),
            bot_url,
            telegram,
            _page: page,
        };
        world.browser.goto(&world._page.url()).await.unwrap();
        world.see(ADA, "[data-testid=composer]").await;
        Some(world)
    }

    /// Types into a chat's composer and presses Enter.
    pub(crate) async fn write(&self, chat: i64, words: &str) {
        let composer = self.see(chat, "[data-testid=composer]").await;
        composer.send_keys(words).await.unwrap();
        composer.send_keys("\u{e007}").await.unwrap();
    }

    /// Waits for something in a chat's column.
    pub(crate) async fn see(&self, chat: i64, selector: &str) -> Element {
        self.see_anywhere(&format!("[data-testid=chat][data-chat-id='{chat}'] {selector}")).await
    }

    pub(crate) async fn see_anywhere(&self, selector: &str) -> Element {
        let found = self.browser.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector} is not there: {error}"))
    }

    /// Waits until an expression of JavaScript is true.
    pub(crate) async fn until(&self, expression: &str) {
        let holds =
            async { while self.script(&format!("return Boolean({expression})"), json!(null)).await != json!(true) {} };
        tokio::time::timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never true: {expression}"));
    }

    pub(crate) async fn script(&self, script: &str, argument: Value) -> Value {
        self.browser.execute(script, vec![argument]).await.unwrap()
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

/// Ends the browser also after a failed test: the driver, killed after this, would leave it running.
impl Drop for World {
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect(&self.driver_address) else { return };
        let request = format!("DELETE /session/{} HTTP/1.1\r\nHost: {}\r\n\r\n", self.session, self.driver_address);
        let ended = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.write_all(request.as_bytes()));
        drop(ended.and_then(|()| stream.read(&mut [0; 64])));
    }
}

/// A PNG of 64 × 48.
fn picture() -> Vec<u8> {
    let mut picture = tiny_skia::Pixmap::new(64, 48).unwrap();
    picture.fill(tiny_skia::Color::from_rgba8(20, 140, 140, 255));
    picture.encode_png().unwrap()
}

/// Starts chromedriver on a free port, which it names itself; the address is without a scheme.
async fn driver() -> Result<(Child, String), String> {
    let mut command = Command::new("chromedriver");
    let started = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn();
    let mut driver = started
        .map_err(|error| format!("chromedriver cannot be started ({error}): install chromium and chromium-driver."))?;
    let mut lines = BufReader::new(driver.stdout.take().ok_or("chromedriver has no output")?).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let port = line.split("on port ").nth(1).map(|rest| rest.trim_end_matches('.'));
        if let Some(port) = port.filter(|port| port.parse::<u16>().is_ok_and(|port| port > 0)) {
            return Ok((driver, format!("127.0.0.1:{port}")));
        }
    }
    Err("chromedriver ended without naming its port.".to_owned())
}

async fn browser(driver_address: &str, folder: &TempDir) -> Client {
    let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
    let arguments = json!([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,800",
        profile,
    ]);
    let capabilities = json!({"goog:chromeOptions": {"args": arguments}});
    let Value::Object(capabilities) = capabilities else { unreachable!() };
    let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
    builder.capabilities(capabilities.into_iter().collect()).connect(&format!("http://{driver_address}")).await.unwrap()
}
