//! A stack as CloudFormation describes it, and what can be done with it in its state.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::aws::Aws;
use crate::cloudformation::events;
use crate::trouble::Trouble;

#[derive(Debug)]
pub struct Stack {
    pub name: String,
    pub id: String,
    pub status: String,
    pub changed_at: String,
    pub parameters: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
}

/// What can be done with a stack in its state.
#[derive(Debug, PartialEq)]
pub(super) enum Condition {
    Ready,
    Busy,
    /// Never came to be: there is nothing in it to lose, and CloudFormation lets it only be deleted.
    StillBorn,
    Stuck,
}

impl Stack {
    /// # Errors
    /// As a call of the AWS CLI; that there is none is no error.
    pub async fn find(aws: &Aws, name: &str) -> Result<Option<Self>> {
        match aws.call(&["cloudformation", "describe-stacks", "--stack-name", name]).await {
            Ok(answer) => Ok(Some(Self::read(&answer["Stacks"][0]))),
            // A lost SSO session also says that something does not exist.
            Err(error) if Trouble::is(&error, "ValidationError") && Trouble::says(&error, "does not exist") => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(stack: &Value) -> Self {
        let text = |key: &str| stack[key].as_str().unwrap_or_default().to_owned();
        let pairs = |list: &str, key: &str, value: &str| {
            let list = stack[list].as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter()
                .filter_map(|pair| Some((pair[key].as_str()?.to_owned(), pair[value].as_str()?.to_owned())))
                .collect()
        };
        let changed_at = stack["LastUpdatedTime"].as_str().or(stack["CreationTime"].as_str());
        Self {
            name: text("StackName"),
            id: text("StackId"),
            status: text("StackStatus"),
            changed_at: changed_at.unwrap_or_default().to_owned(),
            parameters: pairs("Parameters", "ParameterKey", "ParameterValue"),
            outputs: pairs("Outputs", "OutputKey", "OutputValue"),
        }
    }

    /// # Errors
    /// When it is not as far that it has one.
    pub fn output(&self, name: &str) -> Result<&str> {
        let found = self.outputs.get(name).map(String::as_str);
        found.with_context(|| {
            format!("stack {} is {} and has no {name} yet\n    ▸ make deploy-all", self.name, self.status)
        })
    }

    pub(super) fn condition(&self) -> Condition {
        condition(&self.status)
    }

    /// Whether it never came to be: the next deployment makes it anew.
    pub fn is_still_born(&self) -> bool {
        self.condition() == Condition::StillBorn
    }

    /// Whether something is being done to it.
    pub fn is_busy(&self) -> bool {
        self.condition() == Condition::Busy
    }

    /// # Errors
    /// When CloudFormation changes nothing of it before somebody mends it; says how.
    pub fn usable(&self) -> Result<()> {
        if self.condition() == Condition::Stuck {
            bail!(self.way_out());
        }
        Ok(())
    }

    pub(super) fn way_out(&self) -> String {
        let Self { name, status, .. } = self;
        // It was in use: what is still in it is not ours to throw away.
        if status == "DELETE_FAILED" {
            let (command, what) = match name.strip_suffix("-foundation") {
                Some(bot) => (format!("make destroy-data CONFIRM={bot}"), ", which deletes the conversations,"),
                None => ("make destroy".to_owned(), ""),
            };
            return format!(
                "stack {name} is {status}: somebody began to delete it, and not all of it went\n    ▸ {command}{what} \
                 goes on with that; then make deploy-all"
            );
        }
        let remedy = if status == "UPDATE_FAILED" { "rollback-stack" } else { "continue-update-rollback" };
        format!(
            "stack {name} is {status}, and CloudFormation changes nothing before that is mended\n    ▸ \
             aws cloudformation {remedy} --stack-name {name}, then the same again"
        )
    }

    /// Why its last operation failed.
    pub async fn reasons(&self, aws: &Aws) -> String {
        events::failures(aws, &self.id).await
    }
}

fn condition(status: &str) -> Condition {
    match status {
        "REVIEW_IN_PROGRESS" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" => Condition::StillBorn,
        "UPDATE_ROLLBACK_FAILED" | "UPDATE_FAILED" | "DELETE_FAILED" => Condition::Stuck,
        busy if busy.ends_with("_IN_PROGRESS") => Condition::Busy,
        _ => Condition::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_stack_has_its_way_on() {
        for (status, wanted) in [
            ("CREATE_COMPLETE", Condition::Ready),
            ("UPDATE_COMPLETE", Condition::Ready),
            ("UPDATE_ROLLBACK_COMPLETE", Condition::Ready),
            ("CREATE_IN_PROGRESS", Condition::Busy),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Condition::Busy),
            ("DELETE_IN_PROGRESS", Condition::Busy),
            ("ROLLBACK_COMPLETE", Condition::StillBorn),
            ("REVIEW_IN_PROGRESS", Condition::StillBorn),
            ("DELETE_FAILED", Condition::Stuck),
            ("UPDATE_ROLLBACK_FAILED", Condition::Stuck),
        ] {
            assert_eq!(condition(status), wanted, "{status}");
        }
    }
}
