//! Looking at the bot at work: how it is, what it logs, what became of one update, how much it does and costs.
//! Nothing here changes anything. CloudWatch has all of it; `log` reads its lines and `measure` its metrics.

mod chart;
mod clock;
mod cost;
mod log;
mod logs;
mod measure;
mod metrics;
mod prices;
mod status;
mod trace;

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;

use crate::place::Place;

#[derive(Subcommand)]
pub enum Command {
    /// At a glance: functions, queue, dead-letter queue, webhook, alarms, last deployment
    Status,
    /// What both functions log, in the order of time
    Logs {
        /// How far back: 90s, 15m, 2h, 3d
        #[arg(long, default_value = "15m", value_parser = clock::age)]
        since: Duration,
        /// Goes on until Ctrl-C
        #[arg(long, short)]
        follow: bool,
    },
    /// Everything about one update, from the ingress to its end
    Trace {
        /// Its id, as the log and the dead-letter queue name it
        #[arg(env = "UPDATE", value_parser = update_id)]
        update: Option<u64>,
        /// How far back to search
        #[arg(long, default_value = "14d", value_parser = clock::age)]
        since: Duration,
    },
    /// The last hour in figures and small charts
    Metrics,
    /// What this month has cost so far, estimated from its metrics
    Cost,
}

const WHERE: &str = "its id, which make logs and make dlq show";

fn update_id(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| format!("an update is named by {WHERE}"))
}

/// # Errors
/// As a call of the AWS CLI, or of Telegram.
pub async fn run(place: &Place, command: Command) -> Result<()> {
    match command {
        Command::Status => status::show(place).await,
        Command::Logs { since, follow } => logs::show(place, since, follow).await,
        Command::Trace { update: Some(update), since } => trace::show(place, update, since).await,
        Command::Trace { update: None, .. } => bail!("which update?\n    ▸ make trace UPDATE={WHERE}"),
        Command::Metrics => metrics::show(place).await,
        Command::Cost => cost::show(place).await,
    }
}
