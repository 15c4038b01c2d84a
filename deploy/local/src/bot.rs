//! A real bot's token used from this machine: asks Telegram about its webhook, takes it over only when told to,
//! and puts it back. The token is in no error and in no line printed.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::progress::say;

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Bot {
    http: reqwest::Client,
    base: String,
    pub username: String,
    pub id: i64,
}

/// What Telegram said, or why nothing was heard (`code` is `None`).
#[derive(Debug)]
pub struct Refused {
    pub code: Option<i64>,
    pub description: String,
    pub retry_after_s: Option<u64>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)
    }
}

impl std::error::Error for Refused {}

/// A deployed bot's webhook, kept until it is put back: in a file, so that a killed run's successor can do it.
#[derive(Deserialize, Serialize)]
pub struct Webhook {
    bot_id: i64,
    url: String,
    secret_token: String,
    max_connections: Option<i64>,
    /// Absent means Telegram's default, which an empty list sets.
    allowed_updates: Vec<String>,
}

/// How the user allows a webhook to be taken over.
pub struct TakeOver {
    pub allowed: bool,
    /// `getWebhookInfo` never gives it back, so the user must.
    pub secret_token: Option<String>,
    /// Where the webhook is noted while it is taken over.
    pub note: PathBuf,
    pub stack: String,
}

impl Bot {
    pub async fn new(api_url: &str, token: &str) -> Result<Self> {
        let http =
            if api_url.starts_with("http://127.0.0.1") { crate::http::loopback() } else { crate::http::internet() };
        let base = format!("{}/bot{token}", api_url.trim_end_matches('/'));
        let mut bot = Self { http: http.build()?, base, username: String::new(), id: 0 };
        let me: Result<Value, Refused> = bot.call("getMe", &json!({}), PATIENCE).await;
        let me = me.map_err(|refused| {
            let what = match refused.code {
                Some(_) => "Telegram refuses TELEGRAM_TOKEN (it looks like 123456789:AAH…, and comes from @BotFather)",
                None => "Telegram cannot be reached at TELEGRAM_API_URL",
            };
            anyhow::Error::from(refused).context(what)
        })?;
        bot.id = me["id"].as_i64().context("getMe without an id")?;
        me["username"].as_str().unwrap_or_default().clone_into(&mut bot.username);
        Ok(bot)
    }

    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: &Value, wait: Duration) -> Result<T, Refused> {
        let lost = |error: reqwest::Error| Refused {
            code: None,
            description: error.without_url().to_string(),
            retry_after_s: None,
        };
        let request = self.http.post(format!("{}/{method}", self.base)).json(params).timeout(wait);
        let body = request.send().await.map_err(lost)?.text().await.map_err(lost)?;
        let unclear = |_| Refused { code: None, description: "an answer that is no JSON".into(), retry_after_s: None };
        match serde_json::from_str::<Answer<T>>(&body).map_err(unclear)? {
            Answer { result: Some(result), .. } => Ok(result),
            refusal => Err(Refused {
                code: refusal.error_code,
                description: refusal.description.unwrap_or_else(|| "an answer without a result".into()),
                retry_after_s: refusal.parameters.and_then(|parameters| parameters["retry_after"].as_u64()),
            }),
        }
    }

    /// The webhook that polling would silence, if there is one and the user allows it. Changes nothing yet.
    pub async fn check_webhook(&self, take_over: &TakeOver) -> Result<Option<Webhook>> {
        let info: Value = self.call("getWebhookInfo", &json!({}), PATIENCE).await?;
        let url = info["url"].as_str().unwrap_or_default();
        if url.is_empty() {
            return Ok(noted(&take_over.note).filter(|webhook| webhook.bot_id == self.id));
        }
        // Somebody set it since: what an earlier run noted is history.
        drop(std::fs::remove_file(&take_over.note));
        let name = &self.username;
        ensure!(
            take_over.allowed,
            "@{name} is deployed: its webhook is {url}\n\
             Running it here would silence that one. With TAKE_OVER=1 its updates come here until this ends."
        );
        let custom = info["has_custom_certificate"].as_bool() == Some(true);
        ensure!(!custom, "@{name}'s webhook has a certificate of its own, which could not be put back");
        let Some(secret_token) = &take_over.secret_token else {
            bail!(
                "TAKE_OVER=1 also needs WEBHOOK_SECRET, to put @{name}'s webhook back: Telegram never tells it.\n\
                 aws ssm get-parameter --with-decryption --name /{}/webhook-secret --query Parameter.Value --output text",
                take_over.stack
            )
        };
        Ok(Some(Webhook {
            bot_id: self.id,
            url: url.to_owned(),
            secret_token: secret_token.clone(),
            max_connections: info["max_connections"].as_i64(),
            allowed_updates: serde_json::from_value(info["allowed_updates"].clone()).unwrap_or_default(),
        }))
    }

    /// Removes the webhook, having noted it; what waits at Telegram is kept.
    pub async fn take_over(&self, webhook: &Webhook, take_over: &TakeOver) -> Result<()> {
        write_private(&take_over.note, &serde_json::to_vec(webhook)?)?;
        let _: bool = self.call("deleteWebhook", &json!({ "drop_pending_updates": false }), PATIENCE).await?;
        say(&format!("@{}'s webhook {} comes back when this ends", self.username, webhook.url));
        Ok(())
    }

    pub async fn give_back(&self, webhook: &Webhook, take_over: &TakeOver) -> Result<()> {
        let mut params = json!({
            "url": webhook.url, "allowed_updates": webhook.allowed_updates, "drop_pending_updates": false,
        });
        if !webhook.secret_token.is_empty() {
            params["secret_token"] = json!(webhook.secret_token);
        }
        if let Some(max_connections) = webhook.max_connections {
            params["max_connections"] = json!(max_connections);
        }
        let mut tries = 5;
        while let Err(refused) = self.call::<bool>("setWebhook", &params, PATIENCE).await {
            tries -= 1;
            ensure!(tries > 0, "@{}'s webhook {} is NOT back: {refused}", self.username, webhook.url);
            tokio::time::sleep(Duration::from_secs(refused.retry_after_s.unwrap_or(1))).await;
        }
        std::fs::remove_file(&take_over.note)?;
        say(&format!("@{}'s webhook is back: {}", self.username, webhook.url));
        Ok(())
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    result: Option<T>,
    error_code: Option<i64>,
    description: Option<String>,
    parameters: Option<Value>,
}

/// What a killed run left: it took the webhook over and could not put it back.
fn noted(note: &std::path::Path) -> Option<Webhook> {
    serde_json::from_slice(&std::fs::read(note).ok()?).ok()
}

/// For the owner's eyes alone: it holds a secret.
fn write_private(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(bytes)?)
}
