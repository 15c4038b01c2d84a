//! The few methods of the Bot API that a deployment needs. The token is in no error.

use std::time::Duration;

use anyhow::{Result, bail};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// Every other kind would cost a call of the ingress only to be ignored.
pub const ALLOWED_UPDATES: [&str; 1] = ["message"];
const TRIES: u32 = 4;

pub struct Telegram {
    http: reqwest::Client,
    api_url: String,
    token: SecretString,
}

/// Who the token's bot is.
pub struct Me {
    pub id: i64,
    pub username: String,
}

impl Telegram {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(api_url: &str, token: SecretString) -> Result<Self> {
        Ok(Self { http: crate::http::client()?, api_url: api_url.to_owned(), token })
    }

    /// # Errors
    /// When Telegram refuses the token or is not reached; it says what to do.
    pub async fn me(&self) -> Result<Me> {
        let me = self.call("getMe", &json!({})).await?;
        Ok(Me { id: me["id"].as_i64().unwrap_or(0), username: me["username"].as_str().unwrap_or_default().to_owned() })
    }

    /// As `getWebhookInfo` has it; `url` is empty when none is set.
    ///
    /// # Errors
    /// As [`Telegram::call`].
    pub async fn webhook(&self) -> Result<Value> {
        self.call("getWebhookInfo", &json!({})).await
    }

    /// # Errors
    /// What Telegram said, or why nothing was heard.
    pub async fn call(&self, method: &str, params: &Value) -> Result<Value> {
        let mut tries = 1;
        loop {
            let answer = self.try_once(method, params).await?;
            if answer["ok"] == true {
                return Ok(answer["result"].clone());
            }
            let description = answer["description"].as_str().unwrap_or("an answer without a reason").to_owned();
            match answer["parameters"]["retry_after"].as_u64() {
                Some(wait_s) if tries < TRIES && wait_s <= 30 => tokio::time::sleep(Duration::from_secs(wait_s)).await,
                _ if matches!(answer["error_code"].as_u64(), Some(401 | 404)) => bail!(
                    "Telegram refuses the token ({description})\n    ▸ it looks like 123456789:AAH… and comes from \
                     @BotFather (/mybots ▸ API Token); a revoked one is replaced by make rotate-telegram-token"
                ),
                _ => bail!("Telegram refuses {method}: {description}"),
            }
            tries += 1;
        }
    }

    async fn try_once(&self, method: &str, params: &Value) -> Result<Value> {
        // An error of reqwest's prints the address, of which the token is a part.
        let lost = |error: reqwest::Error| {
            let why = error.without_url();
            anyhow::anyhow!(
                "Telegram is not reached at {}: {why}\n    ▸ check the network, TELEGRAM_API_URL and proxies",
                self.api_url
            )
        };
        let url = format!("{}/bot{}/{method}", self.api_url, self.token.expose_secret());
        let answer = self.http.post(url).json(params).send().await.map_err(lost)?;
        let text = answer.text().await.map_err(lost)?;
        Ok(serde_json::from_str(&text).unwrap_or_else(|_| json!({ "ok": false, "description": "no JSON" })))
    }
}
