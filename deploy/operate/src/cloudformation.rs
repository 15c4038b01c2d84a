//! A stack and its way from whatever state it is in to the wanted one. Whatever was interrupted, the next run goes on.

mod events;
mod stack;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::aws::{Aws, STDIN};
use crate::say::{good, note};
use crate::trouble::Trouble;

use stack::Condition;
pub use stack::Stack;

/// A first deployment takes two or three minutes.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
const FIRST_LOOK: Duration = Duration::from_millis(200);
const NEXT_LOOK: Duration = Duration::from_secs(3);

/// Which template a stack shall have.
pub enum Template<'a> {
    /// This file, with these parameters in it.
    File(&'a str, &'a [String]),
    /// As it is; only parameters change.
    Same,
}

/// What a deployment did to a stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    Created,
    Updated,
    Nothing,
}

/// Brings a stack to `template` with `given` parameters; the others keep their values, new ones begin with their defaults.
///
/// # Errors
/// With CloudFormation's own reasons and what to do about them.
pub async fn deploy(
    aws: &Aws,
    name: &str,
    template: Template<'_>,
    given: &[(String, String)],
) -> Result<(Change, Stack)> {
    loop {
        let found = Stack::find(aws, name).await?;
        match found.as_ref().map(Stack::condition) {
            None => {
                let Template::File(file, _) = template else {
                    bail!("there is no stack {name}\n    ▸ make deploy-all")
                };
                let change = create(aws, name, file, given).await?;
                return settle(aws, name, change).await;
            }
            Some(Condition::Busy) => drop(wait(aws, name).await?),
            Some(Condition::StillBorn) => {
                let Some(stack) = found else { continue };
                if matches!(template, Template::Same) {
                    bail!("stack {name} is {}: it never came to be\n    ▸ make deploy-all makes it anew", stack.status);
                }
                note(&format!("stack {name} is {}: {}", stack.status, stack.reasons(aws).await));
                note("nothing is in it: it is removed and made anew");
                delete(aws, name).await?;
            }
            Some(Condition::Stuck) => bail!(found.map(|stack| stack.way_out()).unwrap_or_default()),
            Some(Condition::Ready) => {
                let Some(stack) = found else { continue };
                return match update(aws, &stack, template, given).await? {
                    Change::Nothing => Ok((Change::Nothing, stack)),
                    change => settle(aws, name, change).await,
                };
            }
        }
    }
}

/// Waits until nothing is in progress, and then until it is gone.
///
/// # Errors
/// With CloudFormation's reasons when something of it stays.
pub async fn delete(aws: &Aws, name: &str) -> Result<()> {
    let Some(stack) = wait(aws, name).await? else { return Ok(()) };
    aws.call(&["cloudformation", "delete-stack", "--stack-name", name]).await?;
    match wait(aws, name).await? {
        None => Ok(()),
        Some(left) if left.status == "DELETE_COMPLETE" => Ok(()),
        Some(left) => bail!(
            "stack {name} is {}: {}\n    ▸ mend that and run the same again",
            left.status,
            events::failures(aws, &stack.id).await
        ),
    }
}

async fn create(aws: &Aws, name: &str, file: &str, given: &[(String, String)]) -> Result<Change> {
    let parameters: Vec<Value> = given.iter().map(|(key, value)| parameter(key, value)).collect();
    let body = format!("file://{file}");
    let args = ["cloudformation", "create-stack", "--stack-name", name, "--template-body", &body];
    let more = ["--capabilities", "CAPABILITY_IAM", "--parameters", STDIN];
    aws.call_with(&[&args[..], &more].concat(), &json!(parameters).to_string()).await?;
    Ok(Change::Created)
}

async fn update(aws: &Aws, stack: &Stack, template: Template<'_>, given: &[(String, String)]) -> Result<Change> {
    let body;
    let (source, stays): (_, &dyn Fn(&String) -> bool) = match template {
        Template::File(file, names) => {
            body = format!("file://{file}");
            (vec!["--template-body", &body], &|name| names.contains(name))
        }
        Template::Same => (vec!["--use-previous-template"], &|_| true),
    };
    let kept = stack.parameters.keys().filter(|name| stays(name) && !given.iter().any(|(key, _)| key == *name));
    let kept = kept.map(|key| json!({ "ParameterKey": key, "UsePreviousValue": true }));
    let parameters: Vec<Value> = given.iter().map(|(key, value)| parameter(key, value)).chain(kept).collect();
    let args = ["cloudformation", "update-stack", "--stack-name", &stack.name];
    let more = ["--capabilities", "CAPABILITY_IAM", "--parameters", STDIN];
    match aws.call_with(&[&args[..], &source, &more].concat(), &json!(parameters).to_string()).await {
        Ok(_) => Ok(Change::Updated),
        Err(error) if Trouble::says(&error, "No updates are to be performed") => Ok(Change::Nothing),
        Err(error) => Err(error),
    }
}

/// The parameters that a template has.
///
/// # Errors
/// As a call of the AWS CLI: the service reads the template.
pub async fn names(aws: &Aws, body: &str) -> Result<Vec<String>> {
    let summary = aws.call(&["cloudformation", "get-template-summary", "--template-body", body]).await?;
    let parameters = summary["Parameters"].as_array().cloned().unwrap_or_default();
    Ok(parameters.iter().filter_map(|parameter| Some(parameter["ParameterKey"].as_str()?.to_owned())).collect())
}

/// A stack's template as it was handed in; nothing where one may not see it.
pub async fn template(aws: &Aws, name: &str) -> Option<String> {
    let args = ["cloudformation", "get-template", "--stack-name", name, "--template-stage", "Original"];
    let answer = aws.call(&args).await.ok()?;
    answer["TemplateBody"].as_str().map(str::to_owned)
}

fn parameter(key: &str, value: &str) -> Value {
    json!({ "ParameterKey": key, "ParameterValue": value })
}

async fn settle(aws: &Aws, name: &str, change: Change) -> Result<(Change, Stack)> {
    let Some(stack) = wait(aws, name).await? else { bail!("stack {name} went away meanwhile: run the same again") };
    if matches!(stack.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE") {
        return Ok((change, stack));
    }
    bail!("stack {name} is {}: {}", stack.status, stack.reasons(aws).await)
}

/// Waits until nothing is in progress; `None` when the stack is gone.
///
/// # Errors
/// When it lasts longer than anything should; as a call of the AWS CLI.
pub async fn wait(aws: &Aws, name: &str) -> Result<Option<Stack>> {
    let began = Instant::now();
    let mut pause = FIRST_LOOK;
    let mut told = events::Progress::default();
    loop {
        let Some(stack) = Stack::find(aws, name).await? else { return Ok(None) };
        if stack.condition() != Condition::Busy {
            return Ok(Some(stack));
        }
        if began.elapsed() > PATIENCE {
            bail!(
                "stack {name} is still {} after 20 minutes\n    ▸ the same command again goes on waiting",
                stack.status
            );
        }
        for line in told.next(aws, &stack.id).await {
            good(&line);
        }
        tokio::time::sleep(pause).await;
        pause = NEXT_LOOK;
    }
}
