//! `status`: at a glance whether the bot is well, and where it is not.

use anyhow::Result;
use serde_json::Value;

use crate::budget;
use crate::place::{Deployed, Place};
use crate::queue;
use crate::say::{bad, good, note, say};
use crate::trigger::Trigger;
use crate::watch::clock::{self, span};
use crate::watch::measure::{Measured, Metric, Window};
use crate::webhook;

/// What one line says, and how well that is.
#[derive(Debug, PartialEq)]
enum Said {
    Well(String),
    Note(String),
    Bad(String),
}

/// # Errors
/// As a call of the AWS CLI; what Telegram refuses is a line of its own.
pub(crate) async fn show(place: &Place) -> Result<()> {
    let deployed = place.deployed().await?;
    let (stack, aws) = (&deployed.stack, &place.aws);
    let configuration = ["lambda", "get-function-configuration", "--function-name"];
    let ingress = [&configuration[..], &[deployed.output("IngressFunctionName")?]].concat();
    let worker = [&configuration[..], &[deployed.output("WorkerFunctionName")?]].concat();
    let mapping = Trigger::of(place, &deployed)?;
    let prefix = format!("{}-", stack.name);
    let alarms = ["cloudwatch", "describe-alarms", "--alarm-name-prefix", &prefix];
    // Each call is a process of its own, which takes its time to start.
    let (ingress, worker, mapping, depth, oldest_s, dlq, alarms, mail, webhook, region) = tokio::try_join!(
        aws.call(&ingress),
        aws.call(&worker),
        mapping.state(),
        queue::depth(aws, deployed.output("QueueUrl")?),
        oldest_s(place, &deployed),
        queue::depth(aws, deployed.output("DlqUrl")?),
        aws.call(&alarms),
        // Who may not ask this sees the rest.
        async { Ok(budget::unconfirmed(aws, stack).await.unwrap_or_default()) },
        async { Ok(webhook_state(place, &deployed).await) },
        async { Ok(aws.region().await.unwrap_or_default()) },
    )?;
    say(&format!("{} in {region}", stack.name));
    for (name, said) in [
        ("deployed", stack_state(&stack.status, &Value::from(stack.changed_at.as_str()))),
        ("ingress", function(&ingress)),
        ("worker", function(&worker)),
        ("trigger", trigger(&mapping)),
        ("queue", waiting(depth, oldest_s)),
        ("dead letters", dead(dlq)),
        ("webhook", webhook),
        ("alarms", alarm_state(&alarms, &ours(&deployed)?)),
    ] {
        let line = |text: &str| format!("{name:<13}{text}");
        match said {
            Said::Well(text) => good(&line(&text)),
            Said::Note(text) => note(&line(&text)),
            Said::Bad(text) => bad(&line(&text)),
        }
    }
    if let Some(address) = mail {
        note(&budget::unconfirmed_words(&address));
    }
    Ok(())
}

fn stack_state(status: &str, changed_at: &Value) -> Said {
    let text = format!("{status}, {}", when(changed_at));
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Said::Well(text),
        busy if busy.ends_with("_IN_PROGRESS") => Said::Note(text),
        _ => Said::Bad(format!("{text}\n▸ make deploy-all goes on from there")),
    }
}

/// `2026-11-22 15:04 UTC (2h 5m ago)`
fn when(value: &Value) -> String {
    match clock::read_ms(value) {
        Some(ms) => format!("{} UTC ({} ago)", clock::day_and_time(ms), span(clock::now_ms().saturating_sub(ms))),
        None => "at an unknown time".to_owned(),
    }
}

fn function(configuration: &Value) -> Said {
    let text = |key: &str| configuration[key].as_str().unwrap_or("?");
    let changed = format!("changed {}", when(&configuration["LastModified"]));
    match (text("State"), text("LastUpdateStatus")) {
        ("Active", "Successful" | "?") => Said::Well(format!("active, {changed}")),
        ("Active", "InProgress") | ("Pending", _) => Said::Note(format!("being updated, {changed}")),
        // Lambda puts a function to sleep that was not called for weeks; the next call wakes it up.
        ("Inactive", _) => Said::Note(format!("asleep until the next call, {changed}")),
        (state, update) => {
            let why = configuration["StateReason"].as_str().or(configuration["LastUpdateStatusReason"].as_str());
            Said::Bad(format!("{state}, its last update {update}: {}", why.unwrap_or("no reason given")))
        }
    }
}

fn trigger(state: &str) -> Said {
    match state {
        "Enabled" => Said::Well("enabled: the worker gets what is queued".to_owned()),
        "Disabled" | "Disabling" => Said::Note("paused: updates are accepted and wait\n▸ make resume".to_owned()),
        other => Said::Note(other.to_lowercase()),
    }
}

fn waiting(depth: queue::Depth, oldest_s: Option<f64>) -> Said {
    /// The alarm's: longer, and somebody waits too long.
    const LONG_S: f64 = 300.0;
    let oldest = match oldest_s {
        Some(age_s) if depth.waiting + depth.in_flight > 0 => {
            format!(", the oldest for {}", span((age_s * 1000.0) as u64))
        }
        _ => String::new(),
    };
    let text = format!("{} waiting, {} in work or waiting for a retry{oldest}", depth.waiting, depth.in_flight);
    if !oldest.is_empty() && oldest_s.is_some_and(|age_s| age_s > LONG_S) { Said::Bad(text) } else { Said::Well(text) }
}

/// Of the last minutes, since CloudWatch is some behind; nothing where it does not know.
async fn oldest_s(place: &Place, deployed: &Deployed) -> Result<Option<f64>> {
    let now_ms = clock::now_ms();
    let window = Window { since_ms: now_ms.saturating_sub(5 * 60_000), until_ms: now_ms, period_s: 60 };
    let queue = deployed.output("QueueUrl")?.rsplit('/').next().unwrap_or_default();
    let metric = Metric::of("AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName", queue));
    let series = Measured::over(window, place, deployed).await?.of(&[metric]).await?;
    Ok(series.first().and_then(|series| series.values().next_back()).map(|figures| figures.max))
}

fn dead(depth: queue::Depth) -> Said {
    match depth.waiting + depth.in_flight {
        0 => Said::Well("none".to_owned()),
        count => Said::Bad(format!("{count}\n▸ make dlq shows why, make replay sends them back")),
    }
}

async fn webhook_state(place: &Place, deployed: &Deployed) -> Said {
    let telegram = match deployed.telegram() {
        Ok(telegram) => telegram,
        Err(error) => return Said::Bad(format!("{error:#}")),
    };
    match telegram.webhook().await {
        Ok(info) => {
            let ours = deployed.output("FunctionUrl").ok();
            let foreign = webhook::foreign(&info, ours, place.aws.region().await.as_deref());
            foreign.map_or_else(|| delivery(&info), Said::Bad)
        }
        Err(error) => Said::Bad(format!("{error:#}")),
    }
}

/// How Telegram's deliveries go.
fn delivery(info: &Value) -> Said {
    /// An older failure is over.
    const LATELY_MS: u64 = 3_600_000;
    if info["url"] == "" {
        return Said::Bad("none: the bot gets nothing\n▸ make deploy-all sets it".to_owned());
    }
    let pending = info["pending_update_count"].as_u64().unwrap_or_default();
    let text = format!("set, {pending} waiting at Telegram");
    let Some(failed_ms) = clock::read_ms(&info["last_error_date"]) else { return Said::Well(text) };
    let said: String =
        info["last_error_message"].as_str().unwrap_or("no reason").chars().filter(|c| !c.is_control()).collect();
    let text = format!("{text}; the last delivery that failed: {}, {said}", when(&info["last_error_date"]));
    if clock::now_ms().saturating_sub(failed_ms) < LATELY_MS || pending > 0 {
        Said::Bad(text)
    } else {
        Said::Well(text)
    }
}

/// What the alarms watch: a stack whose name only begins like ours has its own.
fn ours(deployed: &Deployed) -> Result<[&str; 4]> {
    let queue = |output| Ok::<_, anyhow::Error>(deployed.output(output)?.rsplit('/').next().unwrap_or_default());
    let functions = [deployed.output("IngressFunctionName")?, deployed.output("WorkerFunctionName")?];
    Ok([functions[0], functions[1], queue("QueueUrl")?, queue("DlqUrl")?])
}

fn alarm_state(answer: &Value, ours: &[&str]) -> Said {
    let watches_ours =
        |alarm: &&Value| alarm["Dimensions"][0]["Value"].as_str().is_some_and(|name| ours.contains(&name));
    let alarms: Vec<&Value> = answer["MetricAlarms"].as_array().into_iter().flatten().filter(watches_ours).collect();
    let raised: Vec<String> = alarms
        .iter()
        .filter(|alarm| alarm["StateValue"] == "ALARM")
        .map(|alarm| {
            let text = |name: &str| alarm[name].as_str().unwrap_or_default();
            format!(
                "{}, since {}: {}",
                text("AlarmName"),
                when(&alarm["StateUpdatedTimestamp"]),
                text("AlarmDescription")
            )
        })
        .collect();
    match (alarms.len(), raised.is_empty()) {
        (0, _) => Said::Note("none are set".to_owned()),
        (count, true) => Said::Well(format!("{count}, all quiet")),
        (_, false) => Said::Bad(raised.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_function_is_well_when_it_is_active_and_its_update_has_succeeded() {
        let state = |state: &str, update: &str| {
            function(
                &json!({ "State": state, "LastUpdateStatus": update, "LastModified": "2026-11-22T15:04:05.000+0000",
                "StateReason": "the role is gone" }),
            )
        };
        let Said::Well(text) = state("Active", "Successful") else { panic!() };
        assert!(text.starts_with("active, changed 2026-11-22 15:04 UTC ("), "{text}");
        assert!(matches!(state("Active", "InProgress"), Said::Note(_)));
        assert!(matches!(state("Failed", "Failed"), Said::Bad(text) if text.contains("the role is gone")));
    }

    #[test]
    fn telegrams_last_error_counts_while_it_is_fresh_or_updates_wait() {
        let now_s = clock::now_ms() / 1000;
        let info = |pending: u64, failed_s: u64| {
            json!({ "url": "https://x/", "pending_update_count": pending, "last_error_date": failed_s,
                "last_error_message": "Wrong response from the webhook: 503 Service Unavailable" })
        };
        assert!(matches!(delivery(&info(0, now_s - 60)), Said::Bad(text) if text.contains("503")));
        assert!(matches!(delivery(&info(3, now_s - 90_000)), Said::Bad(_)));
        assert!(matches!(delivery(&info(0, now_s - 90_000)), Said::Well(_)));
        assert!(matches!(delivery(&json!({ "url": "" })), Said::Bad(_)));
        assert_eq!(delivery(&json!({ "url": "https://x/" })), Said::Well("set, 0 waiting at Telegram".to_owned()));
    }

    #[test]
    fn only_raised_alarms_of_this_bot_are_named() {
        let alarm_of = |queue: &str, name: &str, state: &str| {
            let dimensions = json!([{ "Name": "QueueName", "Value": queue }]);
            json!({ "AlarmName": name, "StateValue": state, "AlarmDescription": "why", "Dimensions": dimensions })
        };
        let alarm = |name: &str, state: &str| alarm_of("fox-updates.fifo", name, state);
        let all = |alarms: &[Value]| alarm_state(&json!({ "MetricAlarms": alarms }), &["fox-updates.fifo"]);
        let (well, other) = (alarm("fox-a", "OK"), alarm_of("fox-2-updates.fifo", "fox-2-a", "ALARM"));
        assert_eq!(all(&[well.clone(), other]), Said::Well("1, all quiet".to_owned()), "the other is another bot's");
        assert_eq!(all(&[well.clone(), alarm("fox-b", "INSUFFICIENT_DATA")]), Said::Well("2, all quiet".to_owned()));
        assert!(matches!(all(&[well, alarm("fox-b", "ALARM")]), Said::Bad(text) if text.starts_with("fox-b")));
        assert!(matches!(all(&[]), Said::Note(_)));
    }

    #[test]
    fn the_queue_is_bad_when_somebody_waits_too_long() {
        let depth = |waiting| queue::Depth { waiting, in_flight: 0 };
        assert!(matches!(waiting(depth(1), Some(301.0)), Said::Bad(text) if text.ends_with("the oldest for 5m 1s")));
        assert!(matches!(waiting(depth(0), Some(301.0)), Said::Well(_)), "CloudWatch is some minutes behind");
        assert!(matches!(waiting(depth(4), None), Said::Well(_)));
        assert!(matches!(dead(depth(1)), Said::Bad(_)));
    }
}
