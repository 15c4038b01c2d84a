//! The bot's settings: each parameter of the template is a variable, `AllowedChats` is ALLOWED_CHATS.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::aws::Aws;
use crate::cloudformation;

/// The application's and the foundation's.
pub const TEMPLATE: &str = "deploy/template.yaml";
pub const FOUNDATION: &str = "deploy/foundation.yaml";
/// What the deployment itself decides.
const OURS: [&str; 7] = [
    "ArtifactsBucket",
    "ConversationsBucket",
    "IngressCodeKey",
    "WorkerCodeKey",
    "Architecture",
    "WebhookSecretSha256",
    "Generation",
];

/// The worker has these in its environment, which may have 4 KB in all, names and values. The names, and what is not a
/// setting, take 500 bytes under the longest stack name.
const WORKERS: [&str; 6] =
    ["SystemPrompt", "AllowedChats", "ChatModel", "ImageModel", "TelegramApiUrl", "GeminiApiUrl"];
const WORKERS_MAX: usize = 3500;

/// A template's parameters.
///
/// # Errors
/// As a call of the AWS CLI: the service reads the template.
pub async fn names(aws: &Aws, template: &str) -> Result<Vec<String>> {
    cloudformation::names(aws, &format!("file://{template}")).await
}

/// Of a template's parameters, the settings that are set in the environment, to nothing too; an unset one keeps the
/// stack's value.
pub fn given<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<(String, String)> {
    let settings = names.into_iter().filter(|name| !OURS.contains(&name.as_str()));
    settings.filter_map(|name| Some((name.clone(), std::env::var(variable(name)).ok()?))).collect()
}

/// A stack's settings, as variables.
pub fn of(parameters: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let settings = parameters.iter().filter(|(name, _)| !OURS.contains(&name.as_str()));
    settings.map(|(name, value)| (variable(name), value.clone())).collect()
}

/// # Errors
/// When the worker's settings, as the environment and the stack have them, are more than Lambda takes.
pub fn fit(deployed: Option<&BTreeMap<String, String>>) -> Result<()> {
    let value = |name: &str| {
        let deployed = || deployed.and_then(|parameters| parameters.get(name)).cloned();
        std::env::var(variable(name)).ok().or_else(deployed).unwrap_or_default()
    };
    let bytes: usize = WORKERS.iter().map(|name| value(name).len()).sum();
    if bytes > WORKERS_MAX {
        bail!(
            "the worker's settings take {bytes} bytes, SYSTEM_PROMPT {} of them (a Cyrillic letter takes two, an emoji \
             four); Lambda has room for {WORKERS_MAX}\n    ▸ make SYSTEM_PROMPT or ALLOWED_CHATS shorter by {} bytes",
            value("SystemPrompt").len(),
            bytes - WORKERS_MAX
        );
    }
    Ok(())
}

fn variable(parameter: &str) -> String {
    let mut variable = String::new();
    for letter in parameter.chars() {
        if letter.is_ascii_uppercase() && !variable.is_empty() {
            variable.push('_');
        }
        variable.push(letter.to_ascii_uppercase());
    }
    variable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_and_its_variable_have_one_name() {
        assert_eq!(variable("AllowedChats"), "ALLOWED_CHATS");
        assert_eq!(variable("TelegramApiUrl"), "TELEGRAM_API_URL");
    }

    #[test]
    fn the_template_goes_in_one_call() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for file in [FOUNDATION, TEMPLATE] {
            let text = std::fs::read_to_string(root.join(file)).unwrap();
            let bytes = text.len();
            assert!(bytes <= 51_200, "{file} has {bytes} bytes; more would have to go through a bucket");
            assert!(text.is_ascii(), "{file}: CloudFormation gives other letters back as ?, and make update compares");
        }
    }
}
