//! The real Telegram without a public address: polls `getUpdates` and posts each update to the local Function URL,
//! as the webhook would. An update is confirmed to Telegram only when the ingress has answered 200.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bot::{Bot, Refused};
use crate::progress::say;

/// Telegram's longest wait for an update.
const LONG_POLL_S: u64 = 50;
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Where updates go: the emulated AWS, and the Function URL's name there.
pub struct Target {
    pub gateway: String,
    pub host: String,
    pub secret_token: String,
}

pub struct Polling {
    bot: Bot,
    target: Target,
    local: reqwest::Client,
    /// The first update that is not confirmed yet.
    offset: i64,
    confirmed: bool,
}

#[derive(Deserialize)]
struct Ids {
    update_id: i64,
    #[serde(flatten)]
    kinds: BTreeMap<String, Value>,
}

impl Polling {
    pub fn new(bot: Bot, target: Target) -> Result<Self> {
        let local = crate::http::loopback().timeout(Duration::from_secs(30)).build()?;
        Ok(Self { bot, target, local, offset: 0, confirmed: true })
    }

    /// Polls until Telegram refuses for good: the token was revoked, or somebody else polls or set a webhook.
    pub async fn poll(&mut self) -> anyhow::Error {
        let mut wait = Duration::from_secs(1);
        loop {
            match self.next_batch().await {
                Ok(batch) => {
                    wait = Duration::from_secs(1);
                    self.forward(batch).await;
                }
                Err(Refused { code: Some(401 | 403 | 404 | 409), description, .. }) => {
                    return anyhow::anyhow!("Telegram refuses to give updates: {description}");
                }
                Err(refused) => {
                    let wait_now = refused.retry_after_s.map_or(wait, Duration::from_secs);
                    say(&format!("Telegram: {refused}; trying again in {} s", wait_now.as_secs()));
                    sleep(wait_now).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Confirms what was accepted, so that a webhook which comes back does not get it again.
    pub async fn confirm(&mut self) -> Result<(), Refused> {
        if !self.confirmed {
            let request = json!({ "offset": self.offset, "limit": 1, "timeout": 0 });
            self.bot.call::<Value>("getUpdates", &request, Duration::from_secs(10)).await?;
            self.confirmed = true;
        }
        Ok(())
    }

    pub fn bot(&self) -> &Bot {
        &self.bot
    }

    async fn next_batch(&mut self) -> Result<Vec<Box<RawValue>>, Refused> {
        let request = json!({ "offset": self.offset, "timeout": LONG_POLL_S, "allowed_updates": ["message"] });
        let patience = Duration::from_secs(LONG_POLL_S + 10);
        let batch = self.bot.call("getUpdates", &request, patience).await?;
        self.confirmed = true;
        Ok(batch)
    }

    /// One after another within a chat, chats side by side; returns when the ingress has them all.
    async fn forward(&mut self, batch: Vec<Box<RawValue>>) {
        let mut chats: BTreeMap<i64, Vec<(i64, Box<RawValue>)>> = BTreeMap::new();
        let mut next = self.offset;
        for update in batch {
            let Ok(ids) = serde_json::from_str::<Ids>(update.get()) else { continue };
            next = next.max(ids.update_id + 1);
            chats.entry(chat(&ids)).or_default().push((ids.update_id, update));
        }
        if chats.is_empty() {
            return;
        }
        let this = &*self;
        join_all(chats.into_values().map(|updates| async move {
            for (update_id, update) in updates {
                this.post(update_id, update.get()).await;
            }
        }))
        .await;
        (self.offset, self.confirmed) = (next, false);
    }

    async fn post(&self, update_id: i64, update: &str) {
        let mut wait = Duration::from_secs(1);
        loop {
            let request = self.local.post(&self.target.gateway).header("Host", &self.target.host);
            let request = request.header("X-Telegram-Bot-Api-Secret-Token", &self.target.secret_token);
            let sent = request.header("Content-Type", "application/json").body(update.to_owned()).send().await;
            let problem = match sent {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => format!("the ingress answers {}", answer.status()),
                Err(error) => error.without_url().to_string(),
            };
            say(&format!("update {update_id}: {problem}; trying again in {} s", wait.as_secs()));
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

/// What keeps its order: the chat; for an update without one, the update by itself.
fn chat(ids: &Ids) -> i64 {
    let chat = ids.kinds.values().find_map(|kind| {
        let chat = kind.get("chat").or_else(|| kind.get("message")?.get("chat"))?;
        chat.get("id")?.as_i64()
    });
    chat.unwrap_or(ids.update_id)
}
