//! A real bot answered from this machine, with a simulated Telegram in the real one's place: it is never taken over
//! unasked, it answers, its webhook comes back, and its token is seen by nobody. How it polls is in `polling.rs`.

use std::time::Duration;

use local::telegram::{Incoming, Options, Telegram};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::ADA;
use crate::processes::Watch;
use crate::run::{PATIENCE, Run, folder};

const TOKEN: &str = "987654321:AAHno-such-bot-but-a-token-all-the-same";
const SECRET: &str = "the-deployed-bot-has-this-one";
const WEBHOOK: &str = "https://bot.example.com/hook";

#[tokio::test]
async fn a_deployed_bot_answers_here_only_when_told_to_and_gets_its_webhook_back() {
    let telegram = real_telegram().await;
    let url = telegram.url();
    let real = [("TELEGRAM_TOKEN", TOKEN), ("TELEGRAM_API_URL", &url), ("ALLOWED_CHATS", "*")];
    let watch = Watch::begin();

    let mut refused = Run::spawn(&folder(), &real);
    assert_eq!(refused.ended().await.code(), Some(1));
    let said = refused.output();
    assert!(said.contains(WEBHOOK) && said.contains("TAKE_OVER=1"), "{said}");
    assert_eq!(webhook(&telegram).await["url"], WEBHOOK);

    let told = [&real[..], &[("TAKE_OVER", "1"), ("WEBHOOK_SECRET", SECRET)]].concat();
    let mut run = Run::start(&folder(), &told).await;
    assert_eq!(webhook(&telegram).await["url"], "");
    let hello: Incoming = serde_json::from_value(json!({ "chat_id": ADA, "text": "hello" })).unwrap();
    let question = telegram.user_writes(hello).unwrap().message_id;
    let answer = telegram.call_matching(PATIENCE, |call| call.method == "sendMessage" && call.status == 200);
    let answer = answer.await.unwrap_or_else(|| panic!("no answer:\n{}", run.output()));
    assert_eq!(answer.params["reply_parameters"]["message_id"], question);
    let logs = run.logs().await;

    run.interrupt();
    assert_eq!(run.ended().await.code(), Some(0), "{}", run.output());
    assert_eq!(webhook(&telegram).await["url"], WEBHOOK);
    let calls = telegram.calls();
    let put_back = calls.iter().rfind(|call| call.method == "setWebhook").unwrap();
    assert_eq!(put_back.params["secret_token"], SECRET);

    assert_eq!(watch.seen(&[TOKEN, SECRET]), [""; 0], "in a process's arguments");
    let emulator = std::fs::read_to_string(run.state_dir().join("aws/ministack.log")).unwrap();
    for (place, text) in [("output", run.output()), ("the functions' logs", logs), ("the emulator's log", emulator)] {
        assert!(!text.contains(TOKEN) && !text.contains(SECRET), "{place}:\n{text}");
    }
}

/// With a bot that is deployed elsewhere.
async fn real_telegram() -> Telegram {
    let options = Options { token: TOKEN.to_owned(), ..Options::default() };
    let telegram = Telegram::start(options).await.unwrap();
    let deployed = json!({ "url": WEBHOOK, "secret_token": SECRET, "allowed_updates": ["message"] });
    assert_eq!(call(&telegram, "setWebhook", &deployed).await, true);
    telegram
}

async fn webhook(telegram: &Telegram) -> Value {
    call(telegram, "getWebhookInfo", &json!({})).await
}

async fn call(telegram: &Telegram, method: &str, params: &Value) -> Value {
    let url = format!("{}/bot{TOKEN}/{method}", telegram.url());
    let http = local::http::loopback().build().unwrap();
    let answer: Value = http.post(url).json(params).send().await.unwrap().json().await.unwrap();
    answer["result"].clone()
}

impl Run {
    /// What both functions have logged, once the worker's turn is among it.
    async fn logs(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut all = String::new();
            for group in ["IngressLogGroup", "WorkerLogGroup"] {
                let question = json!({ "logGroupName": self.place(group) });
                all += &self.aws("Logs_20140328.FilterLogEvents", "1.1", &question).await.to_string();
            }
            if all.contains("turn ended") {
                return all;
            }
            assert!(Instant::now() < deadline, "no turn in the logs: {all}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
