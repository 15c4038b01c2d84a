//! `cost`: what the month has cost so far, estimated from its metrics at list prices, and what is not in it.

use anyhow::Result;
use shared::metrics::{Metric as Own, NAMESPACE};

use crate::cloudformation::Stack;
use crate::place::Place;
use crate::say::say;
use crate::watch::chart::grouped;
use crate::watch::clock;
use crate::watch::measure::{Figures, Measured, Metric, Window, together};
use crate::watch::prices::{self, free};

struct Item {
    what: &'static str,
    amount: String,
    /// At list price.
    listed: f64,
    /// Beyond what an account has free each month.
    charged: f64,
}

/// The month's figures, as far as they are paid for.
#[derive(Default)]
struct Usage {
    prompt_tokens: f64,
    output_tokens: f64,
    pictures: f64,
    turns: f64,
    parts: f64,
    calls: f64,
    gb_s: f64,
    queue_requests: f64,
    log_bytes: f64,
    own_metrics: f64,
    arm: bool,
}

/// # Errors
/// As a call of the AWS CLI.
pub(crate) async fn show(place: &Place) -> Result<()> {
    let stack = place.without_secrets().await?;
    let now_ms = clock::now_ms();
    let window = Window { since_ms: clock::month_start_ms(now_ms), until_ms: now_ms, period_s: 24 * 3600 };
    let usage = usage(place, &stack, window).await?;
    say(&format!(
        "{}, {} to {} UTC, estimated from its metrics\n",
        place.stack,
        since(window),
        clock::day_and_time(now_ms)
    ));
    for line in table(&items(&usage)) {
        say(&line);
    }
    say("");
    for note in notes(place, &stack) {
        say(&note);
    }
    Ok(())
}

fn since(window: Window) -> String {
    clock::day_and_time(window.since_ms)
}

async fn usage(place: &Place, stack: &Stack, window: Window) -> Result<Usage> {
    let measured = Measured::over(window, place, stack).await?;
    let found: Vec<Figures> = measured.of(&paid_for(stack)?).await?.iter().map(together).collect();
    let sum = |index: usize| found.get(index).map_or(0.0, |figures| figures.sum);
    let (ingress, worker) = (stack.output("IngressFunctionName")?, stack.output("WorkerFunctionName")?);
    let gb_s = |ms: f64, memory_mb: f64| ms / 1000.0 * memory_mb / 1024.0;
    Ok(Usage {
        prompt_tokens: sum(0),
        output_tokens: sum(1),
        pictures: sum(2),
        turns: found.get(3).map_or(0.0, |figures| figures.count),
        parts: sum(4),
        calls: sum(5) + sum(6),
        gb_s: gb_s(sum(7), memory_mb(place, ingress).await?) + gb_s(sum(8), memory_mb(place, worker).await?),
        queue_requests: sum(9) + sum(10) + sum(11) + sum(12),
        log_bytes: sum(13) + sum(14),
        own_metrics: measured.own().await?.len() as f64,
        arm: stack.parameters.get("Architecture").is_none_or(|architecture| architecture == "arm64"),
    })
}

/// In the order in which [`usage`] reads them.
fn paid_for(stack: &Stack) -> Result<[Metric; 15]> {
    let (ingress, worker) = (stack.output("IngressFunctionName")?, stack.output("WorkerFunctionName")?);
    let queue = stack.output("QueueUrl")?.rsplit('/').next().unwrap_or_default();
    let own = |metric: Own| Metric::of(NAMESPACE, &format!("{metric:?}"), ("FunctionName", worker));
    let lambda = |name, function: &str| Metric::of("AWS/Lambda", name, ("FunctionName", function));
    let sqs = |name| Metric::of("AWS/SQS", name, ("QueueName", queue));
    let logs = |group: &str| Metric::of("AWS/Logs", "IncomingBytes", ("LogGroupName", group));
    Ok([
        own(Own::PromptTokens),
        own(Own::OutputTokens),
        own(Own::Pictures),
        own(Own::TurnMs),
        own(Own::Parts),
        lambda("Invocations", ingress),
        lambda("Invocations", worker),
        lambda("Duration", ingress),
        lambda("Duration", worker),
        sqs("NumberOfMessagesSent"),
        sqs("NumberOfMessagesReceived"),
        sqs("NumberOfMessagesDeleted"),
        sqs("NumberOfEmptyReceives"),
        logs(stack.output("IngressLogGroup")?),
        logs(stack.output("WorkerLogGroup")?),
    ])
}

async fn memory_mb(place: &Place, function: &str) -> Result<f64> {
    let configuration = place.aws.call(&["lambda", "get-function-configuration", "--function-name", function]).await?;
    Ok(configuration["MemorySize"].as_f64().unwrap_or_default())
}

const MILLION: f64 = 1_000_000.0;

fn items(usage: &Usage) -> Vec<Item> {
    let [text, pictures] = gemini(usage);
    let [lambda, sqs, s3] = work(usage);
    let [logs, metrics] = watching(usage);
    vec![text, pictures, lambda, sqs, s3, logs, metrics]
}

fn gemini(usage: &Usage) -> [Item; 2] {
    let tokens = format!("{} tokens in, {} out", grouped(usage.prompt_tokens), grouped(usage.output_tokens));
    let text =
        usage.prompt_tokens * prices::PROMPT_MILLION_TOKENS + usage.output_tokens * prices::OUTPUT_MILLION_TOKENS;
    let (text, pictures) = (text / MILLION, usage.pictures * prices::PICTURE);
    [
        Item { what: "Gemini, text", amount: tokens, listed: text, charged: text },
        Item { what: "Gemini, pictures", amount: grouped(usage.pictures), listed: pictures, charged: pictures },
    ]
}

fn work(usage: &Usage) -> [Item; 3] {
    let gb_s = if usage.arm { prices::LAMBDA_GB_S_ARM } else { prices::LAMBDA_GB_S_X86 };
    let lambda = |calls: f64, seconds: f64| calls / MILLION * prices::LAMBDA_MILLION_REQUESTS + seconds * gb_s;
    let sqs = |requests: f64| requests / MILLION * prices::SQS_MILLION_REQUESTS;
    // A turn loads the conversation, stores its answer, and writes once more for each part.
    let (reads, writes) = (usage.turns, usage.turns + usage.parts);
    let s3 = (reads * prices::S3_MILLION_READS + writes * prices::S3_MILLION_WRITES) / MILLION;
    [
        Item {
            what: "Lambda",
            amount: format!("{} calls, {} GB-seconds", grouped(usage.calls), grouped(usage.gb_s)),
            listed: lambda(usage.calls, usage.gb_s),
            charged: lambda(beyond(usage.calls, free::LAMBDA_REQUESTS), beyond(usage.gb_s, free::LAMBDA_GB_S)),
        },
        Item {
            what: "SQS",
            amount: format!("{} requests", grouped(usage.queue_requests)),
            listed: sqs(usage.queue_requests),
            charged: sqs(beyond(usage.queue_requests, free::SQS_REQUESTS)),
        },
        Item {
            what: "S3",
            amount: format!("about {} reads, {} writes", grouped(reads), grouped(writes)),
            listed: s3,
            charged: s3,
        },
    ]
}

fn watching(usage: &Usage) -> [Item; 2] {
    let log_gb = usage.log_bytes / 1e9;
    [
        Item {
            what: "Logs",
            amount: format!("{:.1} MB", usage.log_bytes / 1e6),
            listed: log_gb * prices::LOGS_GB,
            charged: beyond(log_gb, free::GB_OF_LOGS) * prices::LOGS_GB,
        },
        Item {
            what: "Metrics",
            amount: format!("{} of our own", grouped(usage.own_metrics)),
            listed: usage.own_metrics * prices::METRIC_MONTH,
            charged: beyond(usage.own_metrics, free::METRICS) * prices::METRIC_MONTH,
        },
    ]
}

fn beyond(amount: f64, free: f64) -> f64 {
    (amount - free).max(0.0)
}

fn table(items: &[Item]) -> Vec<String> {
    let line = |what: &str, amount: &str, listed: &str, charged: &str| {
        format!("{what:<18}{amount:<40}{listed:>12}{charged:>14}")
    };
    let dollars = |amount: f64| format!("${amount:.2}");
    let mut lines = vec![line("", "", "list price", "beyond free")];
    lines.extend(items.iter().map(|item| line(item.what, &item.amount, &dollars(item.listed), &dollars(item.charged))));
    let sum = |of: fn(&Item) -> f64| dollars(items.iter().map(of).sum());
    lines.push(line("Together", "", &sum(|item| item.listed), &sum(|item| item.charged)));
    lines
}

fn notes(place: &Place, stack: &Stack) -> Vec<String> {
    let mut notes = vec![
        "\"Beyond free\" takes off what an AWS account has free each month, as if this bot were alone in it."
            .to_owned(),
        "List prices of 2026-11-22: us-east-1, gemini-3.8-flash and gemini-nano-banana-2.1. The bill decides."
            .to_owned(),
        "Rather too much: each queue message as a request of its own, each metric as if sent the whole month."
            .to_owned(),
        "Not counted: cold starts, traffic, stored bytes, SSM, alarms beyond ten, mails, taxes; questions that Gemini \
         answered with an error; Gemini's discount for cached input, and its own free tier."
            .to_owned(),
    ];
    for (parameter, priced) in [("ChatModel", "gemini-3.8-flash"), ("ImageModel", "gemini-nano-banana-2.1")] {
        if let Some(model) = stack.parameters.get(parameter).filter(|model| *model != priced) {
            notes.push(format!("This bot uses {model}, which is counted here at the price of {priced}."));
        }
    }
    if place.aws.endpoint().is_some() {
        notes.push("The emulated AWS charges nothing, and does not count calls, messages and bytes of log.".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million turns of 6 s with 2,000 tokens in and 300 out, worked out by hand.
    #[test]
    fn a_million_turns_cost_what_was_worked_out_by_hand() {
        let million = 1_000_000.0;
        let usage = Usage {
            prompt_tokens: 2_000.0 * million,
            output_tokens: 300.0 * million,
            pictures: 10.0,
            turns: million,
            parts: million,
            calls: 2.0 * million,
            gb_s: 3.0 * million,
            queue_requests: 3.0 * million,
            log_bytes: 4e9,
            own_metrics: 8.0,
            arm: true,
        };
        let lines = table(&items(&usage));
        let prices: Vec<Vec<&str>> =
            lines.iter().map(|line| line.split_whitespace().filter(|word| word.starts_with('$')).collect()).collect();
        assert_eq!(
            prices,
            [
                vec![],
                vec!["$2625.00", "$2625.00"],
                vec!["$0.34", "$0.34"],
                vec!["$40.40", "$34.87"],
                vec!["$1.50", "$1.00"],
                vec!["$10.40", "$10.40"],
                vec!["$2.00", "$0.00"],
                vec!["$2.40", "$0.00"],
                vec!["$2682.04", "$2671.61"],
            ]
        );
    }
}
