//! `metrics`: the last hour along the path of an update, in figures and with a chart of its minutes.

use anyhow::Result;
use shared::metrics::{Metric as Own, NAMESPACE};

use crate::cloudformation::Stack;
use crate::place::Place;
use crate::say::{paint, say};
use crate::watch::chart::{blocks, grouped};
use crate::watch::clock::{self, span};
use crate::watch::measure::{Figures, Measured, Metric, Series, Window, together};

const MINUTE_MS: u64 = 60_000;
const MINUTES: u64 = 60;

struct Row {
    /// The step of the path that it belongs to.
    step: &'static str,
    what: String,
    metric: Metric,
    how: How,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    /// So many in the hour.
    Total,
    /// As `Total`, left out when there were none: nobody looks for it then.
    Rare,
    /// An average, and the longest.
    Time,
    /// How many at the most.
    Level,
    /// A time in s: how long at the most.
    Age,
}

/// # Errors
/// As a call of the AWS CLI.
pub(crate) async fn show(place: &Place) -> Result<()> {
    let stack = place.without_secrets().await?;
    let until_ms = (clock::now_ms() / MINUTE_MS + 1) * MINUTE_MS;
    let window = Window { since_ms: until_ms - MINUTES * MINUTE_MS, until_ms, period_s: MINUTE_MS / 1000 };
    let measured = Measured::over(window, place, &stack).await?;
    let rows = rows(&stack, &measured.own().await?)?;
    let metrics: Vec<Metric> = rows.iter().map(|row| row.metric.clone()).collect();
    let series = measured.of(&metrics).await?;
    say(&format!(
        "{}, {} to {} UTC; a column is a minute, the full block the most of its row\n",
        place.stack,
        &clock::time(window.since_ms)[..5],
        &clock::time(until_ms)[..5]
    ));
    for line in table(&rows, &series, window) {
        say(&line);
    }
    if place.aws.endpoint().is_some() {
        say("\nThe emulated AWS has no metrics of its own; what the functions measure is read from their log.");
    }
    Ok(())
}

/// The path from left to right, here from top to bottom. `seen`: the functions' own metrics of late.
fn rows(stack: &Stack, seen: &[Metric]) -> Result<Vec<Row>> {
    let (ingress, worker) = (stack.output("IngressFunctionName")?, stack.output("WorkerFunctionName")?);
    // A queue's URL ends with its name.
    let name = |url: &str| url.rsplit('/').next().unwrap_or_default().to_owned();
    let (queue, dlq) = (name(stack.output("QueueUrl")?), name(stack.output("DlqUrl")?));
    let own = |step, what: &str, metric: Own, how| {
        let function = if step == "ingress" { ingress } else { worker };
        let metric = Metric::of(NAMESPACE, &format!("{metric:?}"), ("FunctionName", function));
        Row { step, what: what.to_owned(), metric, how }
    };
    let lambda = |step, what: &str, name, how| {
        let function = if step == "ingress" { ingress } else { worker };
        Row { step, what: what.to_owned(), metric: Metric::of("AWS/Lambda", name, ("FunctionName", function)), how }
    };
    let sqs = |step, what: &str, name, queue: &str, how| Row {
        step,
        what: what.to_owned(),
        metric: Metric::of("AWS/SQS", name, ("QueueName", queue)),
        how,
    };
    let mut rows = vec![
        own("ingress", "accepted", Own::Accepted, How::Total),
        own("ingress", "ignored", Own::Ignored, How::Rare),
        own("ingress", "refused", Own::Refused, How::Rare),
        lambda("ingress", "5xx", "Url5xxCount", How::Rare),
        lambda("ingress", "throttled", "Throttles", How::Rare),
        own("queue", "wait", Own::QueueWaitMs, How::Time),
        sqs("queue", "waiting", "ApproximateNumberOfMessagesVisible", &queue, How::Level),
        sqs("queue", "oldest", "ApproximateAgeOfOldestMessage", &queue, How::Age),
        own("worker", "turn", Own::TurnMs, How::Time),
        own("worker", "whole wait", Own::WaitMs, How::Time),
        lambda("worker", "crashed", "Errors", How::Rare),
        lambda("worker", "throttled", "Throttles", How::Rare),
        own("gemini", "answer", Own::GeminiMs, How::Time),
        own("gemini", "tokens in", Own::PromptTokens, How::Total),
        own("gemini", "tokens out", Own::OutputTokens, How::Total),
        own("gemini", "pictures", Own::Pictures, How::Rare),
        own("telegram", "messages", Own::Parts, How::Total),
    ];
    for failed in seen.iter().filter(|metric| metric.class().is_some()) {
        let what = failed.class().unwrap_or_default().replace('_', " ");
        rows.push(Row { step: "failed", what, metric: failed.clone(), how: How::Rare });
    }
    rows.push(sqs("failed", "dead letters", "ApproximateNumberOfMessagesVisible", &dlq, How::Level));
    Ok(rows)
}

fn table(rows: &[Row], series: &[Series], window: Window) -> Vec<String> {
    let (mut lines, mut step) = (Vec::new(), "");
    for (row, series) in rows.iter().zip(series) {
        let all = together(series);
        if row.how == How::Rare && all.sum <= 0.0 {
            continue;
        }
        let shown = if row.step == step { "" } else { row.step };
        step = row.step;
        let minutes: Vec<f64> = (window.since_ms..window.until_ms)
            .step_by(60_000)
            .map(|at_ms| series.get(&at_ms).map_or(0.0, |figures| height(row.how, figures)))
            .collect();
        let bad = row.step == "failed" && all.sum > 0.0;
        let chart = paint(if bad { "31" } else { "36" }, &blocks(&minutes));
        let line = format!("{shown:<9} {:<16} {:<30} {chart}", row.what, figures(row.how, &all));
        lines.push(line.trim_end().to_owned());
    }
    lines
}

fn height(how: How, figures: &Figures) -> f64 {
    match how {
        How::Total | How::Rare => figures.sum,
        How::Time => figures.average(),
        How::Level | How::Age => figures.max,
    }
}

fn figures(how: How, all: &Figures) -> String {
    match how {
        How::Total | How::Rare => grouped(all.sum),
        _ if all.count <= 0.0 => "-".to_owned(),
        How::Time => format!("{} on average, {} most", span(all.average() as u64), span(all.max as u64)),
        How::Level => format!("{} at the most", grouped(all.max)),
        How::Age => span(all.max as u64 * 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_its_figures_and_a_column_for_each_minute() {
        let metric = Metric::of(NAMESPACE, "TurnMs", ("FunctionName", "fox-worker"));
        let row = |what: &str, how| Row { step: "worker", what: what.to_owned(), metric: metric.clone(), how };
        let window = Window { since_ms: 0, until_ms: 4 * MINUTE_MS, period_s: 60 };
        let series = Series::from([
            (MINUTE_MS, Figures { count: 2.0, sum: 2_000.0, max: 1_500.0 }),
            (3 * MINUTE_MS, Figures { count: 1.0, sum: 4_000.0, max: 4_000.0 }),
        ]);
        let rows = [row("turn", How::Time), row("count", How::Total), row("none", How::Rare), row("level", How::Level)];
        let lines = table(&rows, &[series.clone(), series, Series::new(), Series::new()], window);
        assert_eq!(
            lines,
            [
                "worker    turn             2.0 s on average, 4.0 s most    ▂ █",
                "          count            6,000                           ▄ █",
                "          level            -",
            ]
        );
    }
}
