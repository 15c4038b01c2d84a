//! A headless Chromium and its driver: what a person sees and does on the chat page.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub(crate) const ADA: i64 = 1001;
pub(crate) const FOX_CLUB: i64 = -1_001_234_567_890;
/// Longer than anything here takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Browser {
    pub(crate) client: Client,
    _profile: TempDir,
    driver_address: String,
    session: String,
    /// Killed when this is dropped.
    _driver: Child,
}

impl Browser {
    /// None, after saying why, where no browser is installed.
    pub(crate) async fn start() -> Option<Self> {
        drop(rustls::crypto::ring::default_provider().install_default());
        let profile = tempfile::tempdir().unwrap();
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
        let client = client(&driver_address, &profile).await;
        let session = client.session_id().await.unwrap().expect("a session");
        Some(Self { client, driver_address, session, _driver: driver, _profile: profile })
    }

    /// Opens the chat page, 1440 × 900 without the browser's frame, and waits until it shows a chat to write to.
    pub(crate) async fn open(&self, page: &str) {
        self.client.goto(page).await.unwrap();
        let frame = self.script("return [outerWidth - innerWidth, outerHeight - innerHeight]", json!(null)).await;
        let frame = |side: usize| u32::try_from(frame[side].as_u64().unwrap()).unwrap();
        self.client.set_window_size(1440 + frame(0), 900 + frame(1)).await.unwrap();
        self.see(ADA, "[data-testid=composer]").await;
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
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector} is not there: {error}"))
    }

    /// Waits until an expression of JavaScript is true.
    pub(crate) async fn until(&self, expression: &str) {
        let holds =
            async { while self.script(&format!("return Boolean({expression})"), json!(null)).await != json!(true) {} };
        tokio::time::timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never true: {expression}"));
    }

    pub(crate) async fn script(&self, script: &str, argument: Value) -> Value {
        self.client.execute(script, vec![argument]).await.unwrap()
    }

    /// What the page's console said of errors: exceptions, and requests that failed.
    pub(crate) async fn console_errors(&self) -> Vec<String> {
        let url = format!("http://{}/session/{}/se/log", self.driver_address, self.session);
        let answer = reqwest::Client::new().post(url).json(&json!({"type": "browser"})).send().await.unwrap();
        let log: Value = answer.json().await.unwrap();
        let entries = log["value"].as_array().unwrap_or_else(|| panic!("no log: {log}"));
        entries.iter().filter(|entry| entry["level"] == "SEVERE").map(|entry| entry["message"].to_string()).collect()
    }
}

/// Ends the browser also after a failed test: the driver, killed after this, would leave it running.
impl Drop for Browser {
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect(&self.driver_address) else { return };
        let request = format!("DELETE /session/{} HTTP/1.1\r\nHost: {}\r\n\r\n", self.session, self.driver_address);
        let ended = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.write_all(request.as_bytes()));
        drop(ended.and_then(|()| stream.read(&mut [0; 64])));
    }
}

/// Starts chromedriver on a free port, which it names itself; the address is without a scheme. It takes the port for
/// IPv4 first and gives up when somebody else has it for IPv6 by then, as happens when several start at once.
async fn driver() -> Result<(Child, String), String> {
    const TRIES: usize = 5;
    for _ in 0..TRIES {
        let mut command = Command::new("chromedriver");
        let started = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn();
        let mut driver = started.map_err(|error| {
            format!("chromedriver cannot be started ({error}): install chromium and chromium-driver.")
        })?;
        let mut lines = BufReader::new(driver.stdout.take().ok_or("chromedriver has no output")?).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let port = line.split("on port ").nth(1).map(|rest| rest.trim_end_matches('.'));
            if let Some(port) = port.filter(|port| port.parse::<u16>().is_ok_and(|port| port > 0)) {
                return Ok((driver, format!("127.0.0.1:{port}")));
            }
        }
    }
    Err(format!("chromedriver ended {TRIES} times without naming its port."))
}

async fn client(driver_address: &str, profile: &TempDir) -> Client {
    let profile = format!("--user-data-dir={}", profile.path().display());
    let arguments = json!([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1440,900",
        profile,
    ]);
    let capabilities = json!({"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "SEVERE"}});
    let Value::Object(capabilities) = capabilities else { unreachable!() };
    let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
    builder.capabilities(capabilities.into_iter().collect()).connect(&format!("http://{driver_address}")).await.unwrap()
}
