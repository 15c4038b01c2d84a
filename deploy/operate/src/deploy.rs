//! Brings an account to what the working tree says, and changes parts of it later. Each step finds out by itself what
//! is already done: whatever interrupted it, the same command goes on.

use anyhow::{Context, Result, bail};

use crate::cloudformation::{self, Change, Stack, Template};
use crate::code::{self, Code};
use crate::place::Place;
use crate::say::{good, note, step};
use crate::secrets::{self, Stored};
use crate::settings::{self, FOUNDATION, TEMPLATE};

/// Secrets ▸ foundation ▸ code ▸ application.
///
/// # Errors
/// What is wrong, and what to do.
pub async fn deploy(place: &Place) -> Result<()> {
    step("Secrets");
    let names =
        async { tokio::try_join!(settings::names(&place.aws, FOUNDATION), settings::names(&place.aws, TEMPLATE)) };
    let (stored, (of_foundation, of_template)) = tokio::try_join!(secrets::keep_given(place), names)?;
    good(&format!("/{}/ has the token, the key and the webhook's secret", place.stack));

    step("Foundation: the buckets");
    let name = place.foundation();
    let template = Template::File(FOUNDATION, &of_foundation);
    let foundation = tell(cloudformation::deploy(&place.aws, &name, template, &settings::given(&of_foundation)).await?);
    let bucket =
        |output: &str| foundation.outputs.get(output).cloned().with_context(|| format!("{name} has no {output}"));
    let (artifacts, conversations) = (bucket("ArtifactsBucketName")?, bucket("ConversationsBucketName")?);

    step("Code");
    let (code, history) = tokio::try_join!(code::upload(place, &artifacts), code::history(place))?;

    step("Application");
    let mut parameters = settings::given(&of_template);
    if place.aws.endpoint().is_some() {
        // The emulated AWS knows no budgets and refuses a template with one, which ALARM_EMAIL alone would make.
        parameters.retain(|(name, _)| name != "MonthlyBudgetUsd");
        parameters.push(("MonthlyBudgetUsd".to_owned(), "0".to_owned()));
    }
    parameters.push(("ArtifactsBucket".to_owned(), artifacts));
    parameters.push(("ConversationsBucket".to_owned(), conversations));
    parameters.extend(code.parameters());
    parameters.extend(of_secrets(&stored)?);
    tell(cloudformation::deploy(&place.aws, &place.stack, Template::File(TEMPLATE, &of_template), &parameters).await?);
    code::remember(place, history, &[code]).await
}

/// The code alone: template and settings stay as they are.
///
/// # Errors
/// As [`deploy`].
pub async fn update(place: &Place) -> Result<()> {
    let stack = place.deployed().await?.stack;
    let bucket = stack.parameters.get("ArtifactsBucket").context("the stack names no bucket for code")?;
    step("Code");
    let (code, history) = tokio::try_join!(code::upload(place, bucket), code::history(place))?;
    tell(cloudformation::deploy(&place.aws, &place.stack, Template::Same, &code.parameters()).await?);
    // What it ran so far may not be noted, when its deployment was cut off just before that.
    code::remember(place, history, &[Code::of(&stack), code]).await
}

/// The code that was deployed before; once more, the one before that.
///
/// # Errors
/// As [`deploy`]; when there is none.
pub async fn rollback(place: &Place) -> Result<()> {
    let stack = place.deployed().await?.stack;
    let current = Code::of(&stack);
    let previous = code::step_back(place, &current).await?;
    step(&format!("Back to {}", previous.short()));
    tell(cloudformation::deploy(&place.aws, &place.stack, Template::Same, &previous.parameters()).await?);
    note("settings, secrets and templates are as they were; make update deploys this working tree's code again");
    Ok(())
}

/// The settings that are set in the environment; all others and the code stay.
///
/// # Errors
/// As [`deploy`]; when none is set.
pub async fn update_env(place: &Place) -> Result<()> {
    let stack = place.deployed().await?.stack;
    let given = settings::given(stack.parameters.keys());
    if given.is_empty() {
        let shown: Vec<String> =
            settings::of(&stack.parameters).iter().map(|(name, value)| format!("      {name}={value}")).collect();
        bail!(
            "no setting is set in the environment\n    ▸ for example make update-env ALLOWED_CHATS=1001,1002; \
             as it is now:\n{}",
            shown.join("\n")
        );
    }
    step("Settings");
    tell(cloudformation::deploy(&place.aws, &place.stack, Template::Same, &given).await?);
    Ok(())
}

/// What the application is told of the secrets: hashes, and that they changed.
///
/// # Errors
/// When the webhook's is missing.
pub fn of_secrets(stored: &Stored) -> Result<Vec<(String, String)>> {
    Ok(vec![
        ("WebhookSecretSha256".to_owned(), stored.webhook_hashes()?),
        ("Generation".to_owned(), stored.generation()),
    ])
}

/// Says what was done to a stack, and hands it on.
pub fn tell((change, stack): (Change, Stack)) -> Stack {
    let name = &stack.name;
    match change {
        Change::Created => good(&format!("stack {name} made")),
        Change::Updated => good(&format!("stack {name} updated")),
        Change::Nothing => good(&format!("stack {name}: nothing changed")),
    }
    stack
}
