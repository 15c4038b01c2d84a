//! Whether Gemini takes the key and has the models, by calls that cost nothing.

use anyhow::{Result, bail};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub struct Gemini {
    http: reqwest::Client,
    api_url: String,
    key: SecretString,
}

impl Gemini {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(api_url: &str, key: SecretString) -> Result<Self> {
        Ok(Self { http: crate::http::client()?, api_url: api_url.to_owned(), key })
    }

    /// # Errors
    /// When Gemini refuses the key or is not reached; it says what to do.
    pub async fn check_key(&self) -> Result<()> {
        let (status, said) = self.get("models?pageSize=1").await?;
        match status {
            200 => Ok(()),
            400 | 401 | 403 => bail!(
                "Gemini refuses the key ({said})\n    ▸ https://aistudio.google.com/apikey makes one; a stored one is \
                 replaced by make rotate-gemini-key"
            ),
            _ => bail!("Gemini answers {status}: {said}"),
        }
    }

    /// # Errors
    /// When there is no such model; models live for months.
    pub async fn check_model(&self, model: &str, variable: &str) -> Result<()> {
        let (status, said) = self.get(&format!("models/{model}")).await?;
        match status {
            200 => Ok(()),
            404 => bail!(
                "Gemini has no model {model}\n    ▸ set {variable} to one of https://ai.google.dev/gemini-api/docs/models"
            ),
            _ => bail!("Gemini answers {status} about {model}: {said}"),
        }
    }

    async fn get(&self, path: &str) -> Result<(u16, String)> {
        let lost = |error: reqwest::Error| {
            let why = error.without_url();
            anyhow::anyhow!(
                "Gemini is not reached at {}: {why}\n    ▸ check the network, GEMINI_API_URL and proxies",
                self.api_url
            )
        };
        let request = self.http.get(format!("{}/{path}", self.api_url));
        let answer = request.header("x-goog-api-key", self.key.expose_secret()).send().await.map_err(lost)?;
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_str(&answer.text().await.map_err(lost)?).unwrap_or_default();
        Ok((status, body["error"]["message"].as_str().unwrap_or("no reason given").to_owned()))
    }
}
