//! The bot's secrets: SecureStrings below `/<stack>/` in SSM and nowhere else. They travel by environment and stdin.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::aws::STDIN;
use crate::gemini::Gemini;
use crate::place::{self, Place, given};
use crate::say::good;
use crate::telegram::Telegram;
use crate::terminal;

pub const TELEGRAM_TOKEN: &str = "telegram-token";
pub const GEMINI_KEY: &str = "gemini-key";
pub const WEBHOOK_SECRET: &str = "webhook-secret";
/// Only while it is being rotated: the one that comes after.
pub const NEXT_WEBHOOK_SECRET: &str = "webhook-secret-next";

/// A stored secret and how often it has been changed.
#[derive(Clone)]
pub struct Secret {
    pub value: SecretString,
    pub version: u64,
}

#[derive(Default)]
pub struct Stored {
    pub telegram_token: Option<Secret>,
    pub gemini_key: Option<Secret>,
    pub webhook_secret: Option<Secret>,
    pub next_webhook_secret: Option<Secret>,
}

/// What is stored, in one call.
///
/// # Errors
/// As a call of the AWS CLI.
pub async fn stored(place: &Place) -> Result<Stored> {
    let names = [TELEGRAM_TOKEN, GEMINI_KEY, WEBHOOK_SECRET, NEXT_WEBHOOK_SECRET].map(|name| place.parameter(name));
    let mut args = vec!["ssm", "get-parameters", "--with-decryption", "--names"];
    args.extend(names.iter().map(String::as_str));
    let answer = place.aws.call(&args).await?;
    let parameters = answer["Parameters"].as_array().cloned().unwrap_or_default();
    let find = |name: &str| parameters.iter().find(|parameter| parameter["Name"] == name).and_then(secret);
    Ok(Stored {
        telegram_token: find(&names[0]),
        gemini_key: find(&names[1]),
        webhook_secret: find(&names[2]),
        next_webhook_secret: find(&names[3]),
    })
}

fn secret(parameter: &Value) -> Option<Secret> {
    let value = parameter["Value"].as_str().filter(|value| !value.is_empty())?;
    Some(Secret { value: value.to_owned().into(), version: parameter["Version"].as_u64().unwrap_or(1) })
}

/// Stores what is given and new, and makes the webhook's secret once. `deployed`: the stack's parameters, which say where
/// the services are.
///
/// # Errors
/// When one is neither stored nor given; SSM's refusal.
pub async fn keep_given(place: &Place, deployed: Option<&BTreeMap<String, String>>) -> Result<Stored> {
    let mut all = stored(place).await?;
    for (name, variable, slot) in [
        (TELEGRAM_TOKEN, "TELEGRAM_TOKEN", &mut all.telegram_token),
        (GEMINI_KEY, "GEMINI_API_KEY", &mut all.gemini_key),
    ] {
        let value = match (given(variable), slot.as_ref()) {
            (Some(value), Some(old)) if old.value.expose_secret() == value => continue,
            (Some(value), _) => value.into(),
            (None, Some(_)) => continue,
            (None, None) => ask(variable).await?,
        };
        check(name, &value, deployed).await?;
        *slot = Some(keep(place, name, value).await?);
    }
    if all.webhook_secret.is_none() {
        all.webhook_secret = Some(keep(place, WEBHOOK_SECRET, random()?).await?);
    }
    Ok(all)
}

/// Before it is stored: one that does not work would only be found out by people who get no answer.
async fn check(name: &str, value: &SecretString, deployed: Option<&BTreeMap<String, String>>) -> Result<()> {
    if name == TELEGRAM_TOKEN {
        let me = Telegram::new(&place::telegram_url(deployed), value.clone())?.me().await?;
        good(&format!("@{} takes the token", me.username));
    } else {
        Gemini::new(&place::gemini_url(deployed), value.clone())?.check_key().await?;
        good("Gemini takes the key");
    }
    Ok(())
}

/// # Errors
/// SSM's refusal.
pub async fn keep(place: &Place, name: &str, value: SecretString) -> Result<Secret> {
    let parameter = place.parameter(name);
    let args =
        ["ssm", "put-parameter", "--type", "SecureString", "--overwrite", "--name", &parameter, "--value", STDIN];
    let answer = place.aws.call_with(&args, value.expose_secret()).await?;
    good(&format!("{parameter} stored"));
    Ok(Secret { value, version: answer["Version"].as_u64().unwrap_or(1) })
}

/// # Errors
/// SSM's refusal; one that is not there is no error.
pub async fn forget(place: &Place, names: &[&str]) -> Result<()> {
    let names: Vec<String> = names.iter().map(|name| place.parameter(name)).collect();
    let mut args = vec!["ssm", "delete-parameters", "--names"];
    args.extend(names.iter().map(String::as_str));
    place.aws.call(&args).await?;
    Ok(())
}

/// A secret from the environment, else from whoever sits at the terminal.
///
/// # Errors
/// When it is neither set nor typed.
pub async fn ask(variable: &str) -> Result<SecretString> {
    can_ask(variable)?;
    match given(variable) {
        Some(value) => Ok(value.into()),
        None => terminal::ask_unseen(variable).await,
    }
}

/// # Errors
/// When [`ask`] would get no answer.
pub fn can_ask(variable: &str) -> Result<()> {
    ensure!(
        given(variable).is_some() || terminal::present(),
        "{variable} is not set, and there is no terminal to ask at\n    ▸ set it in the environment"
    );
    Ok(())
}

/// 32 random bytes, in the letters that Telegram takes.
///
/// # Errors
/// When the system gives no random bytes.
pub fn random() -> Result<SecretString> {
    use std::io::Read;
    let mut bytes = [0_u8; 32];
    std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("/dev/urandom")?;
    Ok(hex(&bytes).into())
}

impl Stored {
    /// What the ingress compares with: one hash, or two while the secret is being rotated.
    ///
    /// # Errors
    /// When no secret is stored.
    pub fn webhook_hashes(&self) -> Result<String> {
        let current = self.webhook_secret.as_ref().context("no webhook secret is stored")?;
        let all = [Some(current), self.next_webhook_secret.as_ref()];
        let hashes = all.into_iter().flatten().map(|secret| hex(&Sha256::digest(secret.value.expose_secret())));
        Ok(hashes.collect::<Vec<_>>().join(","))
    }

    /// Changes with each change of a secret that the worker reads when it starts: another value in its environment
    /// makes Lambda begin with new processes, while those at work finish what they have.
    pub fn generation(&self) -> String {
        let version = |secret: &Option<Secret>| secret.as_ref().map_or(0, |secret| secret.version);
        format!("{}.{}", version(&self.telegram_token), version(&self.gemini_key))
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
