//! Brings an account to what the working tree says, and changes parts of it later. Each step finds out by itself what
//! is already done: whatever interrupted it, the same command goes on.

use anyhow::{Context, Result, bail};

use crate::budget;
use crate::cloudformation::{self, Change, Stack, Template};
use crate::code::{self, Code};
use crate::place::Place;
use crate::say::{good, note, step};
use crate::secrets::{self, Stored};
use crate::settings::{self, FOUNDATION, TEMPLATE};
use crate::trigger::Trigger;

/// Secrets ▸ foundation ▸ code ▸ application.
///
/// # Errors
/// What is wrong, and what to do.
pub async fn deploy(place: &Place) -> Result<()> {
    let before = cloudformation::wait(&place.aws, &place.stack).await?;
    let known = before.as_ref().map(|stack| &stack.parameters);
    settings::fit(known)?;

    // Never beside a prompt: if this failed meanwhile, the token would be pasted into the person's shell.
    let (of_foundation, of_template) =
        tokio::try_join!(settings::names(&place.aws, FOUNDATION), settings::names(&place.aws, TEMPLATE))?;

    step("Secrets");
    let stored = secrets::keep_given(place, known).await?;
    good(&format!("/{}/ has the token, the key and the webhook's secret", place.stack));

    step("Foundation: the buckets");
    let name = place.foundation();
    let template = Template::File(FOUNDATION, &of_foundation);
    let foundation = tell(cloudformation::deploy(&place.aws, &name, template, &settings::given(&of_foundation)).await?);
    let bucket =
        |output: &str| foundation.outputs.get(output).cloned().with_context(|| format!("{name} has no {output}"));
    let (artifacts, conversations) = (bucket("ArtifactsBucketName")?, bucket("ConversationsBucketName")?);

    step("Code");
    let code = code::upload(place, &artifacts).await?;
    if let Some(runs) = before.as_ref().filter(|stack| !stack.is_still_born()) {
        code::keep_way_back(place, &Code::of(runs), &code).await?;
    }

    step("Application");
    let mut parameters = settings::given(&of_template);
    parameters.push(("ArtifactsBucket".to_owned(), artifacts));
    parameters.push(("ConversationsBucket".to_owned(), conversations));
    parameters.extend(code.parameters());
    parameters.extend(of_secrets(&stored)?);
    let stack = change(place, before.as_ref(), Template::File(TEMPLATE, &of_template), &parameters).await?;
    budget::follow(place, &stack).await;
    Ok(())
}

/// The code alone: template and settings stay as they are.
///
/// # Errors
/// As [`deploy`].
pub async fn update(place: &Place) -> Result<()> {
    let stack = place.settled().await?;
    let bucket = stack.parameters.get("ArtifactsBucket").context("the stack names no bucket for code")?;
    step("Code");
    let code = code::upload(place, bucket).await?;
    code::keep_way_back(place, &Code::of(&stack), &code).await?;
    change(place, Some(&stack), Template::Same, &code.parameters()).await?;
    let deployed = cloudformation::template(&place.aws, &place.stack).await;
    if deployed
        .is_some_and(|deployed| std::fs::read_to_string(TEMPLATE).is_ok_and(|ours| ours.trim() != deployed.trim()))
    {
        note("the template has changed too, and is deployed as it was\n▸ make deploy-all");
    }
    Ok(())
}

/// The code that was deployed before; once more, the one before that.
///
/// # Errors
/// As [`deploy`]; when there is none.
pub async fn rollback(place: &Place) -> Result<()> {
    let stack = place.settled().await?;
    let current = Code::of(&stack);
    let mut way_back = code::way_back(place).await?;
    let Some(previous) = way_back.pop() else {
        bail!(
            "no code was deployed before this one ({})\n    ▸ git checkout an older commit, then make update",
            current.short()
        )
    };
    step(&format!("Back to {}", previous.short()));
    if previous == current {
        note("it runs already: what was under way was cut off. Once more, the one before it");
    }
    change(place, Some(&stack), Template::Same, &previous.parameters()).await?;
    code::write_way_back(place, &way_back).await?;
    note("settings, secrets and templates are as they were; make update deploys this working tree's code again");
    Ok(())
}

/// The settings that are set in the environment; all others and the code stay.
///
/// # Errors
/// As [`deploy`]; when none is set.
pub async fn update_env(place: &Place) -> Result<()> {
    let stack = place.settled().await?;
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
    settings::fit(Some(&stack.parameters))?;
    step("Settings");
    let stack = change(place, Some(&stack), Template::Same, &given).await?;
    budget::follow(place, &stack).await;
    Ok(())
}

/// Changes the application. A paused worker stays so: whether CloudFormation leaves alone what the template does not
/// say of a mapping that it changes, it does not tell.
async fn change(
    place: &Place,
    before: Option<&Stack>,
    template: Template<'_>,
    parameters: &[(String, String)],
) -> Result<Stack> {
    if let Some(stack) = before {
        stack.usable()?;
    }
    let trigger = before.and_then(|stack| Trigger::of_stack(place, stack));
    let paused = match &trigger {
        Some(trigger) => trigger.is_paused().await?,
        None => false,
    };
    let outcome = cloudformation::deploy(&place.aws, &place.stack, template, parameters).await;
    if let Some(trigger) = trigger.filter(|_| paused)
        && !trigger.is_paused().await?
    {
        trigger.pause().await?;
    }
    Ok(tell(outcome?))
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
