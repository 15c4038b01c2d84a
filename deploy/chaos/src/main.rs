//! `make chaos`: one run of the fault suite, its figures, and exit code 1 when something that must hold did not.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use chaos::check::check;
use chaos::kinds::kinds;
use chaos::plan::Service;
use chaos::run::{self, Settings};
use chaos::{report, stage};
use clap::Parser;

/// Real functions, several at once, against services that fail by a plan; then a judgement on what the services saw.
#[derive(Parser)]
#[command(after_help = "Example: chaos --updates 10000 --conversations 500 --seed 7")]
struct Options {
    /// How many updates people write.
    #[arg(long, default_value_t = 1000)]
    updates: u64,
    #[arg(long, default_value_t = 50)]
    conversations: u64,
    /// The plan of faults; the same again with the same seed. By default the clock's.
    #[arg(long)]
    seed: Option<u64>,
    /// The share of the outside calls that fail.
    #[arg(long, default_value_t = 0.2)]
    failing: f64,
    /// The share of the outside calls at which the function is killed.
    #[arg(long, default_value_t = 0.02)]
    killed: f64,
    #[arg(long, default_value_t = 16)]
    workers: usize,
    #[arg(long, default_value_t = 4)]
    ingresses: usize,
    /// The bucket forgets everything, so the worker has no memory: the judgement must be that promises are broken.
    #[arg(long)]
    forgetful: bool,
    /// Instead: the updates lie in the dead-letter queue, nothing fails, and a replay of them is interrupted twice.
    #[arg(long)]
    interrupted_replay: bool,
    /// The folder with the binaries `worker`, `ingress` and `replay`; by default this program's.
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Seconds after which a run has failed.
    #[arg(long, default_value_t = 3600)]
    patience: u64,
    /// Write the whole record to this file.
    #[arg(long)]
    log: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let settings = Settings {
        seed: options.seed.unwrap_or_else(seed),
        updates: options.updates,
        conversations: options.conversations.max(1),
        workers: options.workers,
        ingresses: options.ingresses,
        failing: if options.interrupted_replay { 0.0 } else { options.failing },
        killed: if options.interrupted_replay { 0.0 } else { options.killed },
        hanging: &Service::ALL,
        forgetful: options.forgetful,
        binaries: options.binaries.map_or_else(stage::binaries, Ok)?,
        patience: Duration::from_secs(options.patience),
    };
    println!(
        "chaos: {} updates, {} conversations, {:.0} % of calls fail, {:.1} % of steps are killed, seed {}",
        settings.updates,
        settings.conversations,
        settings.failing * 100.0,
        settings.killed * 100.0,
        settings.seed
    );
    let (log, took) = if options.interrupted_replay {
        run::timed(run::replay_interrupted_twice(&settings)).await?
    } else {
        run::timed(run::run(&settings)).await?
    };
    let verdict = check(&log);
    print!("{}", report::table(&settings, &verdict, took));
    if !options.interrupted_replay {
        print!("{}", report::kinds(&kinds(settings.hanging, &log)));
    }
    if let Some(path) = options.log {
        let lines: Vec<_> = log.iter().map(|entry| format!("{} {:?}", entry.at_ms, entry.event)).collect();
        std::fs::write(path, lines.join("\n"))?;
    }
    if verdict.broken.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprint!("{}", report::stories(&verdict, &log));
    Ok(ExitCode::FAILURE)
}

fn seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}
