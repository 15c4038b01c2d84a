//! What CloudFormation reports of an operation: progress while it lasts, and the reasons when it failed.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::aws::Aws;

/// Of a reason's words, and what helps.
const REMEDIES: [(&[&str], &str); 6] = [
    (
        &["wait 60 seconds", "QueueDeletedRecently", "deleted recently"],
        "a queue of this name was deleted a moment ago: wait a minute, then the same again",
    ),
    (
        &["BucketAlreadyExists", "BucketAlreadyOwnedByYou", "bucket name is not available"],
        "the bucket's name is taken: deploy under another name, make deploy-all STACK=…",
    ),
    (
        &["already exists", "AlreadyExists"],
        "something of this name was made by hand or by another stack: delete it, or deploy under another STACK=…",
    ),
    (
        &["AccessDenied", "not authorized to perform", "UnauthorizedTaggingOperation"],
        "a permission is missing: ask the account's administrator for the action named above",
    ),
    (
        &["UnreservedConcurrentExecution", "ReservedConcurrentExecutions"],
        "the account's concurrency is too low to reserve any: INGRESS_RESERVED_CONCURRENCY=0, or ask AWS for more",
    ),
    (
        &["LimitExceeded", "quota", "Quota"],
        "a quota of the account is used up: ask AWS for more, or remove what is unused",
    ),
];

/// Which resources have been told of.
#[derive(Default)]
pub(super) struct Progress(BTreeSet<String>);

impl Progress {
    /// Lines about what came to its end since the last look.
    pub(super) async fn next(&mut self, aws: &Aws, stack_id: &str) -> Vec<String> {
        let first = self.0.is_empty();
        let mut lines = Vec::new();
        for event in recent(aws, stack_id).await.iter().rev() {
            let text = |key: &str| event[key].as_str().unwrap_or_default();
            let ended = text("ResourceStatus").ends_with("_COMPLETE") && text("PhysicalResourceId") != stack_id;
            if self.0.insert(text("EventId").to_owned()) && ended && !first {
                lines.push(format!("{} {}", text("LogicalResourceId"), text("ResourceStatus").to_lowercase()));
            }
        }
        lines
    }
}

/// The failures of the last operation, each with its remedy; those that only follow from another are left out.
pub(super) async fn failures(aws: &Aws, stack_id: &str) -> String {
    reasons(&recent(aws, stack_id).await, stack_id)
}

fn reasons(events: &[Value], stack_id: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for event in events {
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        let (status, reason) = (text("ResourceStatus"), text("ResourceStatusReason"));
        // The newest come first: with this one the last operation began.
        if text("PhysicalResourceId") == stack_id
            && matches!(status, "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS")
        {
            break;
        }
        if status.ends_with("_FAILED") && !reason.contains("cancelled") && text("PhysicalResourceId") != stack_id {
            lines.insert(0, format!("{}: {reason}", text("LogicalResourceId")));
        }
    }
    if lines.is_empty() {
        return "no reason is given; aws cloudformation describe-stack-events has all of it".to_owned();
    }
    let all = lines.join("\n    ");
    let remedy = REMEDIES.iter().find(|(marks, _)| marks.iter().any(|mark| all.contains(mark)));
    match remedy {
        Some((_, remedy)) => format!("{all}\n    ▸ {remedy}"),
        None => all,
    }
}

async fn recent(aws: &Aws, stack_id: &str) -> Vec<Value> {
    let args = ["cloudformation", "describe-stack-events", "--stack-name", stack_id, "--max-items", "100"];
    // Only to tell more: without it the state alone is told.
    let answer = aws.call(&args).await.unwrap_or_default();
    answer["StackEvents"].as_array().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: &str, status: &str, reason: &str) -> Value {
        json!({ "LogicalResourceId": id, "PhysicalResourceId": id, "ResourceStatus": status, "ResourceStatusReason": reason })
    }

    #[test]
    fn only_the_causes_of_the_last_failure_are_told() {
        let events = [
            event("stack-id", "ROLLBACK_COMPLETE", ""),
            event("WorkerLogs", "CREATE_FAILED", "Resource creation cancelled"),
            event(
                "UpdatesQueue",
                "CREATE_FAILED",
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
            ),
            event("stack-id", "CREATE_IN_PROGRESS", "User Initiated"),
            event("Older", "UPDATE_FAILED", "long ago"),
        ];
        let told = reasons(&events, "stack-id");
        assert!(told.starts_with("UpdatesQueue: You must wait") && told.contains("wait a minute"), "{told}");
        assert!(!told.contains("cancelled") && !told.contains("long ago"), "{told}");
    }

    #[test]
    fn a_bucket_name_that_is_taken_asks_for_another_stack_name() {
        let reason =
            "lambdagram-foundation-conversations already exists (Service: S3, Status Code: 409, BucketAlreadyExists)";
        let told = reasons(&[event("ConversationsBucket", "CREATE_FAILED", reason)], "stack-id");
        assert!(told.contains("STACK=") && told.contains("taken"), "{told}");
    }
}
