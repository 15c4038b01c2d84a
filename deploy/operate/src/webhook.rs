//! The webhook: whose it is, how it should be, and setting it. What Telegram holds for the bot is kept and delivered.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::place::{Deployed, Place, given};
use crate::say::{good, step};
use crate::telegram::{ALLOWED_UPDATES, Telegram};
use crate::trouble::Trouble;

/// The account's concurrency where AWS does not tell it: a new account's.
const NEW_ACCOUNT: u64 = 10;
/// The template's default for the worker.
pub const WORKERS: u64 = 5;
/// Telegram's own default, enough for some thousand updates a second.
const CONNECTIONS_MAX: u64 = 40;
const NAME_SPREADS: Duration = Duration::from_secs(60);
/// What the bot's menu shows.
const COMMANDS: [(&str, &str); 3] = [
    ("image", "Draw a picture: /image a fox in the snow"),
    ("new", "Forget this conversation and begin anew"),
    ("help", "What I can do"),
];

/// Points the webhook at the stack's function URL, and sets the menu of commands.
///
/// # Errors
/// When another program has the webhook; Telegram's refusal.
pub async fn set(place: &Place) -> Result<()> {
    step("Webhook");
    let deployed = place.deployed().await?;
    let telegram = deployed.telegram()?;
    point(place, &deployed, &telegram, &deployed.webhook_secret()?).await?;
    set_commands(&telegram).await
}

/// # Errors
/// As [`set`].
pub async fn point(place: &Place, deployed: &Deployed, telegram: &Telegram, secret: &SecretString) -> Result<()> {
    let url = deployed.output("FunctionUrl")?;
    let before = telegram.webhook().await?;
    if let Some(problem) = foreign(&before, Some(url), place.aws.region().await.as_deref()) {
        bail!(problem);
    }
    let connections = connections(concurrency(place).await?, &deployed.stack.parameters);
    let wanted = json!({
        "url": url,
        "secret_token": secret.expose_secret(),
        "allowed_updates": ALLOWED_UPDATES,
        "max_connections": connections,
        "drop_pending_updates": false,
    });
    let began = Instant::now();
    while let Err(error) = telegram.call("setWebhook", &wanted).await {
        // The name of a function URL that was just made is not known everywhere at once.
        if !error.to_string().contains("resolve host") || began.elapsed() > NAME_SPREADS {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    good(&format!("{url}, {connections} connections, {}", ALLOWED_UPDATES.join(" ")));
    Ok(())
}

/// Whose webhook it is when it is not `ours`: says so, and how to take it over. Nothing when it may be set.
pub fn foreign(info: &Value, ours: Option<&str>, region: Option<&str>) -> Option<String> {
    let url = info["url"].as_str().unwrap_or_default();
    if url.is_empty() || Some(url) == ours || given("TAKE_OVER").as_deref() == Some("1") {
        return None;
    }
    let elsewhere = region_of(url).filter(|there| Some(*there) != region);
    let hint = match elsewhere {
        Some(there) => format!("it is in region {there}: did you mean AWS_REGION={there}? Else, "),
        None => String::new(),
    };
    Some(format!(
        "another program has this bot's webhook: {url}\n    ▸ {hint}TAKE_OVER=1 make deploy-all points it here; \
         that program gets no updates any more"
    ))
}

/// The region of a function URL.
pub fn region_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once(".lambda-url.")?;
    rest.split_once(".on.aws").map(|(region, _)| region)
}

/// How many functions may run at once in this account and region beside those that have a share reserved, if one may
/// know.
///
/// # Errors
/// As a call of the AWS CLI; not to be allowed to ask is none.
pub async fn concurrency(place: &Place) -> Result<Option<u64>> {
    match place.aws.call(&["lambda", "get-account-settings"]).await {
        Ok(settings) => Ok(settings["AccountLimit"]["UnreservedConcurrentExecutions"].as_u64()),
        Err(error) if ["AccessDenied", "AccessDeniedException"].iter().any(|code| Trouble::is(&error, code)) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// How many deliveries Telegram may make at once: what the account leaves to the ingress beside the worker.
pub fn connections(limit: Option<u64>, parameters: &std::collections::BTreeMap<String, String>) -> u64 {
    let number = |name: &str| parameters.get(name).and_then(|value| value.parse::<u64>().ok());
    let left = limit.unwrap_or(NEW_ACCOUNT).saturating_sub(number("WorkerMaxConcurrency").unwrap_or(WORKERS));
    let reserved = number("IngressReservedConcurrency").filter(|reserved| *reserved > 0);
    reserved.unwrap_or(left).clamp(1, CONNECTIONS_MAX)
}

async fn set_commands(telegram: &Telegram) -> Result<()> {
    let wanted: Vec<Value> =
        COMMANDS.iter().map(|(command, text)| json!({ "command": command, "description": text })).collect();
    if telegram.call("getMyCommands", &json!({})).await? == json!(wanted) {
        good("menu: unchanged");
        return Ok(());
    }
    telegram.call("setMyCommands", &json!({ "commands": wanted })).await?;
    good("menu: /image, /new, /help");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ingress_and_the_worker_share_what_the_account_has() {
        let parameters = |worker: &str, reserved: &str| {
            let pairs = [("WorkerMaxConcurrency", worker), ("IngressReservedConcurrency", reserved)];
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        assert_eq!(connections(Some(10), &parameters("5", "0")), 5);
        assert_eq!(connections(None, &parameters("5", "0")), 5);
        assert_eq!(connections(Some(1000), &parameters("5", "0")), 40);
        assert_eq!(connections(Some(1000), &parameters("5", "12")), 12);
        assert_eq!(connections(Some(5), &parameters("5", "0")), 1);
    }

    #[test]
    fn a_webhook_elsewhere_is_told_with_its_region() {
        let info = json!({ "url": "https://abc.lambda-url.eu-west-1.on.aws/" });
        let told = foreign(&info, Some("https://xyz.lambda-url.us-east-1.on.aws/"), Some("us-east-1")).unwrap();
        assert!(told.contains("AWS_REGION=eu-west-1") && told.contains("TAKE_OVER=1"), "{told}");
        let told = foreign(&json!({ "url": "https://bot.example.com/" }), None, Some("us-east-1")).unwrap();
        assert!(!told.contains("AWS_REGION"), "{told}");
        assert_eq!(foreign(&info, Some("https://abc.lambda-url.eu-west-1.on.aws/"), Some("us-east-1")), None);
        assert_eq!(foreign(&json!({ "url": "" }), None, None), None);
    }
}
