//! What is deployed: where it is, which code, which settings.

use anyhow::Result;
use serde_json::Value;

use crate::code::{self, Code};
use crate::place::{Deployed, Place};
use crate::say::say;
use crate::{settings, webhook};

/// # Errors
/// As a call of the AWS CLI, or of Telegram.
pub async fn show(place: &Place) -> Result<()> {
    let deployed = place.deployed().await?;
    let (stack, region) = (&deployed.stack, place.aws.region().await.unwrap_or_default());
    line("stack", &format!("{} in {region}: {}, changed {}", stack.name, stack.status, stack.changed_at));
    for (name, output) in [("ingress", "IngressFunctionName"), ("worker", "WorkerFunctionName")] {
        let args = ["lambda", "get-function-configuration", "--function-name", deployed.output(output)?];
        line(name, &function(&place.aws.call(&args).await?));
    }
    let current = Code::of(stack);
    line("code", &current.short());
    let way_back = code::way_back(place).await?;
    let before: Vec<String> =
        way_back.iter().rev().skip_while(|code| **code == current).take(3).map(Code::short).collect();
    let none = "no other code, or it is not known: make rollback has nowhere to go";
    line("before it", if before.is_empty() { none.to_owned() } else { before.join("; ") }.as_str());
    line("webhook", &webhook_state(place, &deployed).await?);
    for output in ["FunctionUrl", "QueueUrl", "DlqUrl", "IngressLogGroup", "WorkerLogGroup", "DashboardUrl"] {
        line(output, deployed.output(output)?);
    }
    line("conversations", stack.parameters.get("ConversationsBucket").map_or("", String::as_str));
    say("settings:");
    for (name, value) in settings::of(&stack.parameters) {
        say(&format!("  {name}={value}"));
    }
    Ok(())
}

fn line(name: &str, value: &str) {
    say(&format!("{name:<16}{value}"));
}

fn function(configuration: &Value) -> String {
    let text = |key: &str| configuration[key].as_str().unwrap_or("?").to_owned();
    let size = configuration["CodeSize"].as_u64().unwrap_or(0) / 1000;
    let architecture = configuration["Architectures"][0].as_str().unwrap_or("?");
    format!(
        "{}: {}, {}, {architecture}, {} MB, {} s, zip {size} kB, changed {}",
        text("FunctionName"),
        text("State"),
        text("Runtime"),
        configuration["MemorySize"],
        configuration["Timeout"],
        text("LastModified")
    )
}

async fn webhook_state(place: &Place, deployed: &Deployed) -> Result<String> {
    let info = deployed.telegram()?.webhook().await?;
    let (ours, region) = (deployed.output("FunctionUrl")?, place.aws.region().await);
    Ok(match webhook::foreign(&info, Some(ours), region.as_deref()) {
        Some(problem) => problem,
        None if info["url"] == "" => "none".to_owned(),
        None => format!("set; {} waiting at Telegram", info["pending_update_count"]),
    })
}
