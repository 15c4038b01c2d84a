//! Which bot is meant: the stack's name, from which all other names derive, and the AWS that it is in.

use std::collections::BTreeMap;
use std::ops::Deref;

use anyhow::{Context, Result, anyhow};
use secrecy::SecretString;

use crate::aws::Aws;
use crate::cloudformation::{self, Stack};
use crate::secrets::{self, Stored};
use crate::telegram::Telegram;

/// `-foundation`, `-ingress` and `-updates-dlq.fifo` come after it.
const STACK_NAME_MAX: usize = 40;

pub struct Place {
    pub aws: Aws,
    /// `lambdagram`, unless STACK says otherwise.
    pub stack: String,
}

/// The deployed bot: its stack, and the secrets beside it.
pub struct Deployed {
    pub stack: Stack,
    pub stored: Stored,
}

impl Place {
    /// The stack with the buckets.
    pub fn foundation(&self) -> String {
        format!("{}-foundation", self.stack)
    }

    /// An SSM parameter of this bot.
    pub fn parameter(&self, name: &str) -> String {
        format!("/{}/{name}", self.stack)
    }

    /// With the secrets: for what talks to Telegram or changes them.
    ///
    /// # Errors
    /// When there is no such stack in this account and region.
    pub async fn deployed(&self) -> Result<Deployed> {
        let (stack, stored) = tokio::try_join!(self.without_secrets(), secrets::stored(self))?;
        Ok(Deployed { stack, stored })
    }

    /// # Errors
    /// As [`Place::deployed`].
    pub async fn without_secrets(&self) -> Result<Stack> {
        match Stack::find(&self.aws, &self.stack).await? {
            Some(stack) => Ok(stack),
            None => Err(self.absent().await),
        }
    }

    /// The stack once nothing is in progress: only then is it certain what it runs.
    ///
    /// # Errors
    /// As [`Place::deployed`].
    pub async fn settled(&self) -> Result<Stack> {
        match cloudformation::wait(&self.aws, &self.stack).await? {
            Some(stack) => Ok(stack),
            None => Err(self.absent().await),
        }
    }

    async fn absent(&self) -> anyhow::Error {
        let region = self.aws.region().await.unwrap_or_else(|| "the default region".to_owned());
        anyhow!(
            "there is no stack {} in {region}\n    ▸ make deploy-all makes it; another region: AWS_REGION, another name: STACK",
            self.stack
        )
    }
}

/// What needs no secret takes a stack, and is given one.
impl Deref for Deployed {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}

impl Deployed {
    /// Telegram as this bot.
    ///
    /// # Errors
    /// When no token is stored.
    pub fn telegram(&self) -> Result<Telegram> {
        let token = self.stored.telegram_token.clone().context("no token is stored\n    ▸ make deploy-all")?;
        Telegram::new(&telegram_url(Some(&self.stack.parameters)), token.value)
    }

    /// # Errors
    /// When none is stored.
    pub fn webhook_secret(&self) -> Result<SecretString> {
        let secret =
            self.stored.webhook_secret.clone().context("no webhook secret is stored\n    ▸ make deploy-all")?;
        Ok(secret.value)
    }
}

/// TELEGRAM_API_URL, else what the stack was deployed with, else the real one.
pub fn telegram_url(parameters: Option<&BTreeMap<String, String>>) -> String {
    service_url("TELEGRAM_API_URL", "TelegramApiUrl", parameters, "https://api.telegram.org")
}

pub fn gemini_url(parameters: Option<&BTreeMap<String, String>>) -> String {
    let default = "https://generativelanguage.googleapis.com/v1beta";
    service_url("GEMINI_API_URL", "GeminiApiUrl", parameters, default)
}

fn service_url(
    variable: &str,
    parameter: &str,
    parameters: Option<&BTreeMap<String, String>>,
    default: &str,
) -> String {
    let deployed = || parameters.and_then(|parameters| parameters.get(parameter)).cloned();
    given(variable).or_else(deployed).unwrap_or_else(|| default.to_owned()).trim_end_matches('/').to_owned()
}

/// A variable that is set and not empty.
pub fn given(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// CloudFormation's rule for names, short enough for the names that derive from it: a function's has 64 letters at most.
pub fn stack_name(name: &str) -> Result<String, String> {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let reserved = ["aws", "ssm"].iter().any(|word| name.to_ascii_lowercase().starts_with(word));
    if !letters || !begins || name.len() > STACK_NAME_MAX {
        return Err(format!("letters, digits and hyphens, at most {STACK_NAME_MAX}, a letter first"));
    }
    if reserved || name.ends_with("-foundation") {
        return Err("a name that begins with aws or ssm, or ends with -foundation, belongs to somebody else".to_owned());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stacks_name_is_one_that_all_others_can_derive_from() {
        for good in ["lambdagram", "Fox-2", "a"] {
            assert!(stack_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "2fox",
            "fox_bot",
            "fox bot",
            "fox;rm",
            "lis-лиса",
            "aws-bot",
            "SSMbot",
            "fox-foundation",
            &"x".repeat(41),
        ] {
            assert!(stack_name(bad).is_err(), "{bad}");
        }
    }
}
