//! Every variable that the worker reads, with its default. Secrets come last, from SSM unless given directly.

use secrecy::SecretString;
use shared::env::{self, EnvError};

use crate::aws;

/// Model ids live for months and then answer 404 or are routed elsewhere: configuration, not constants in the code.
const CHAT_MODEL: &str = "gemini-3.8-flash";
const IMAGE_MODEL: &str = "gemini-nano-banana-2.1";
const TELEGRAM_API_URL: &str = "https://api.telegram.org";
const GEMINI_API_URL: &str = "https://generativelanguage.googleapis.com/v1beta";

/// Nothing in it changes from turn to turn, so that Gemini's implicit cache finds the same prefix.
const SYSTEM_PROMPT: &str = "You are a helpful, friendly assistant in a Telegram chat. \
    Answer in the language of the message, to the point, in Markdown where it helps. \
    In a group each message begins with its writer's name; do not begin yours with a name. \
    When somebody wants a picture drawn, painted, generated or changed, call generate_image; \
    otherwise answer in text.";

pub struct Config {
    pub queue_url: String,
    pub bucket: String,
    pub telegram_url: String,
    pub gemini_url: String,
    pub chat_model: String,
    pub image_model: String,
    pub system_prompt: String,
    pub allowed: Allowed,
}

impl Config {
    /// # Errors
    /// Names the variable that is missing or unreadable.
    pub fn from_env() -> Result<Self, EnvError> {
        let or = |name: &str, default: &str| env::optional(name).unwrap_or_else(|| default.to_owned());
        let url = |name: &str, default: &str| or(name, default).trim_end_matches('/').to_owned();
        Ok(Self {
            queue_url: env::required("QUEUE_URL")?,
            bucket: env::required("S3_BUCKET")?,
            telegram_url: url("TELEGRAM_API_URL", TELEGRAM_API_URL),
            gemini_url: url("GEMINI_API_URL", GEMINI_API_URL),
            chat_model: or("CHAT_MODEL", CHAT_MODEL),
            image_model: or("IMAGE_MODEL", IMAGE_MODEL),
            system_prompt: or("SYSTEM_PROMPT", SYSTEM_PROMPT),
            allowed: Allowed::parse(&or("ALLOWED_CHATS", ""))?,
        })
    }
}

/// Who may talk to the bot: nobody unless named.
pub enum Allowed {
    Everybody,
    /// Ids of chats and of people.
    These(Vec<i64>),
}

impl Allowed {
    /// `*`, or numeric ids with commas between.
    ///
    /// # Errors
    /// For anything else: a typing error shall neither shut out nor let in anybody in silence.
    pub fn parse(text: &str) -> Result<Self, EnvError> {
        if text.trim() == "*" {
            return Ok(Self::Everybody);
        }
        let ids = text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::parse).collect::<Result<_, _>>();
        ids.map(Self::These)
            .map_err(|_| EnvError { name: "ALLOWED_CHATS", problem: "must be numeric ids with commas between, or *" })
    }

    pub fn has(&self, chat_id: i64, user_id: Option<i64>) -> bool {
        match self {
            Self::Everybody => true,
            Self::These(ids) => ids.contains(&chat_id) || user_id.is_some_and(|user| ids.contains(&user)),
        }
    }
}

pub struct Secrets {
    pub telegram_token: SecretString,
    pub gemini_api_key: SecretString,
}

impl Secrets {
    /// From `NAME`, else from the SSM SecureString that `NAME_PARAM` names; at most one call for both.
    ///
    /// # Errors
    /// Names the variable or parameter; never a value.
    pub async fn load(sdk: &aws_config::SdkConfig) -> anyhow::Result<Self> {
        let telegram = Source::from_env("TELEGRAM_TOKEN", "TELEGRAM_TOKEN_PARAM")?;
        let gemini = Source::from_env("GEMINI_API_KEY", "GEMINI_API_KEY_PARAM")?;
        let names: Vec<_> = [&telegram, &gemini].into_iter().filter_map(Source::parameter).collect();
        let mut stored = std::collections::HashMap::new();
        if !names.is_empty() {
            let request = aws_sdk_ssm::Client::new(sdk).get_parameters().set_names(Some(names)).with_decryption(true);
            let answer =
                request.send().await.map_err(|error| anyhow::anyhow!("SSM GetParameters: {}", aws::said(&error)))?;
            stored.extend(answer.parameters.unwrap_or_default().into_iter().filter_map(|p| p.name.zip(p.value)));
        }
        let mut value = |source: Source| match source {
            Source::Value(value) => Ok(value),
            Source::Parameter(name) => {
                let value = stored.remove(&name).filter(|value| !value.is_empty());
                value.map(SecretString::from).ok_or_else(|| anyhow::anyhow!("SSM has no parameter {name}"))
            }
        };
        Ok(Self { telegram_token: value(telegram)?, gemini_api_key: value(gemini)? })
    }
}

enum Source {
    Value(SecretString),
    Parameter(String),
}

impl Source {
    fn from_env(name: &'static str, parameter: &str) -> Result<Self, EnvError> {
        let direct = env::optional(name).map(|value| Self::Value(value.into()));
        direct
            .or_else(|| env::optional(parameter).map(Self::Parameter))
            .ok_or(EnvError { name, problem: "is not set, nor is the name of its SSM parameter (…_PARAM)" })
    }

    fn parameter(&self) -> Option<String> {
        match self {
            Self::Value(_) => None,
            Self::Parameter(name) => Some(name.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_allowed_unless_named() {
        let allowed = |text: &str, chat, user| Allowed::parse(text).unwrap().has(chat, user);
        assert!(!allowed("", 1, Some(1)));
        assert!(allowed("1, -100", -100, Some(2)));
        assert!(allowed("1,-100,", -5, Some(1)));
        assert!(!allowed("1,-100", 2, None));
        assert!(allowed("*", 2, None));
        assert!(Allowed::parse("@ada").is_err());
    }
}
