//! What of the real world takes part in a local run: the variables that name it, and nothing else.

use std::path::PathBuf;

use crate::bot::TakeOver;

const TELEGRAM: &str = "https://api.telegram.org";
const GEMINI: &str = "https://generativelanguage.googleapis.com/v1beta";
/// Settings of the worker that a user may set, with the stack's defaults otherwise.
const PASSED_ON: [&str; 3] = ["CHAT_MODEL", "IMAGE_MODEL", "SYSTEM_PROMPT"];

/// A real service: where it is, and the secret that it wants.
#[derive(Clone)]
pub struct Service {
    pub url: String,
    pub secret: String,
}

pub struct Outside {
    /// `None`: simulated.
    pub telegram: Option<Service>,
    /// `None`: simulated.
    pub gemini: Option<Service>,
    pub stack: String,
    /// Who may talk to a real bot; a simulated one answers everybody.
    pub allowed_chats: String,
}

impl Outside {
    /// # Errors
    /// When a setting cannot be right: it is said here, before anything is built.
    pub fn from_environment() -> anyhow::Result<Self> {
        let service = |secret: &str, url: &str, default: &str| {
            Some(Service { secret: variable(secret)?, url: variable(url).unwrap_or_else(|| default.to_owned()) })
        };
        let telegram = service("TELEGRAM_TOKEN", "TELEGRAM_API_URL", TELEGRAM);
        let allowed_chats = if telegram.is_some() { variable("ALLOWED_CHATS").unwrap_or_default() } else { "*".into() };
        let ids = || allowed_chats.split(',').all(|id| id.trim().is_empty() || id.trim().parse::<i64>().is_ok());
        anyhow::ensure!(
            allowed_chats.trim() == "*" || ids(),
            "ALLOWED_CHATS must be numeric ids with commas between, or *"
        );
        Ok(Self {
            telegram,
            gemini: service("GEMINI_API_KEY", "GEMINI_API_URL", GEMINI),
            stack: variable("STACK").unwrap_or_else(|| "lambdagram".into()),
            allowed_chats,
        })
    }

    pub fn take_over(&self, note: PathBuf) -> TakeOver {
        TakeOver {
            allowed: variable("TAKE_OVER").is_some_and(|value| value == "1"),
            secret_token: std::env::var("WEBHOOK_SECRET").ok(),
            note,
            stack: self.stack.clone(),
        }
    }

    /// What the emulated functions need to get out, since everything else is kept in: the user's own proxy, or
    /// just these hosts.
    pub fn way_out(&self) -> Vec<(String, String)> {
        let urls = [&self.telegram, &self.gemini].into_iter().flatten().map(|service| &service.url);
        let hosts: Vec<String> =
            urls.filter_map(|url| Some(url::Url::parse(url).ok()?.host_str()?.to_owned())).collect();
        let proxy = variable("HTTPS_PROXY").or_else(|| variable("https_proxy"));
        match proxy {
            _ if hosts.is_empty() => Vec::new(),
            Some(proxy) => vec![("HTTPS_PROXY".into(), proxy)],
            None => vec![("NO_PROXY".into(), format!("127.0.0.1,localhost,{}", hosts.join(",")))],
        }
    }

    /// The scripts' settings: the services as `telegram` and `gemini` say, simulated or not.
    pub fn script_settings(&self, telegram: &Service, gemini: &Service) -> Vec<(String, String)> {
        let mut settings: Vec<(&str, String)> = vec![
            ("STACK", self.stack.clone()),
            ("TELEGRAM_TOKEN", telegram.secret.clone()),
            ("TELEGRAM_API_URL", telegram.url.clone()),
            ("GEMINI_API_KEY", gemini.secret.clone()),
            ("GEMINI_API_URL", gemini.url.clone()),
            ("ALLOWED_CHATS", self.allowed_chats.clone()),
            // Of a simulated Telegram's webhook, which may outlive the function that it was set for.
            ("TAKE_OVER", "1".to_owned()),
        ];
        settings.extend(PASSED_ON.into_iter().filter_map(|name| Some((name, variable(name)?))));
        settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
