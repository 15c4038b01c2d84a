//! `make bench`: measures both release binaries, beside any other bootstrap, in one interleaved run.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bench::figures::Samples;
use bench::guard::Budgets;
use bench::report::{Machine, Section, zipped_mb};
use bench::upstream::Upstream;
use bench::{Contender, ingress, worker};
use clap::{Parser, Subcommand};
use serde::Serialize;

/// What a cold start, a request and a turn cost, over TLS on loopback. Fails on any wrong result.
///
/// CPU figures are the process's own clock and hardly move with the machine's load; wall times want an idle machine.
#[derive(Parser)]
struct Args {
    /// Folder with the release binaries `ingress` and `worker`
    #[arg(long, default_value = "target/release", global = true)]
    binaries: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures times, CPU and memory, and prints them
    Run(Run),
    /// Counts instructions, and compares them with those in a file
    Guard {
        #[arg(long, default_value = "deploy/bench/budget.json")]
        file: PathBuf,
        /// Writes what is counted into the file
        #[arg(long)]
        write: bool,
    },
}

#[derive(clap::Args)]
struct Run {
    /// Interleaved rounds, each with a new process of every contender
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Warm requests and turns in each round, rounded up to slices of 50 and 20
    #[arg(long, default_value_t = 1000)]
    warm: u32,
    /// Messages of the old conversation; 0 leaves it out
    #[arg(long, default_value_t = 10_000)]
    old: u32,
    /// Another ingress in the same run, e.g. go=/tmp/go/bootstrap; may be repeated
    #[arg(long, value_name = "NAME=PATH")]
    ingress: Vec<Contender>,
    /// Another worker in the same run
    #[arg(long, value_name = "NAME=PATH")]
    worker: Vec<Contender>,
    /// Writes the figures to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    rounds: u32,
    warm: u32,
    sections: Vec<Section>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { binaries, command } = Args::parse();
    match command {
        Command::Run(args) => run(&binaries, &args).await,
        Command::Guard { file, write } => guard(&binaries, &file, write).await,
    }
}

async fn guard(binaries: &Path, file: &Path, write: bool) -> anyhow::Result<()> {
    let measured = Budgets::measure(binaries).await?;
    println!("{}", serde_json::to_string_pretty(&measured)?);
    if write {
        return measured.write(file);
    }
    Budgets::read(file)?.compare(&measured).map_err(|differing| {
        anyhow::anyhow!(
            "{differing}\nIf that is meant, and worth it: make guard ARGS=--write, and say why in the commit"
        )
    })
}

async fn run(binaries: &Path, args: &Run) -> anyhow::Result<()> {
    ensure!(args.rounds > 0 && args.warm > 0, "at least one round with one warm request is needed");
    let machine = Machine::this();
    eprintln!("{}, {} cores, Linux {}, load {}", machine.processor, machine.cores, machine.kernel, machine.load);
    let upstream = Upstream::start().await?;
    let sections = vec![of_ingress(binaries, args, &upstream).await?, of_worker(binaries, args, &upstream).await?];
    for section in &sections {
        println!("\n{}", section.table());
    }
    if let Some(file) = &args.json {
        let report = Report { machine, rounds: args.rounds, warm: args.warm, sections };
        std::fs::write(file, serde_json::to_string_pretty(&report)?).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

async fn of_ingress(binaries: &Path, args: &Run, upstream: &Upstream) -> anyhow::Result<Section> {
    let contenders = contenders(binaries, "ingress", &args.ingress)?;
    let mut all = samples(&contenders)?;
    for round in 1..=args.rounds {
        eprintln!("ingress, round {round} of {}", args.rounds);
        ingress::measure(&contenders, upstream, args.warm, &mut all).await?;
        for (contender, samples) in contenders.iter().zip(&mut all) {
            unless_denied(ingress::measure_small(contender, upstream, samples).await, contender)?;
        }
    }
    Ok(section("ingress", &contenders, ingress::lines(&all)))
}

async fn of_worker(binaries: &Path, args: &Run, upstream: &Upstream) -> anyhow::Result<Section> {
    let contenders = contenders(binaries, "worker", &args.worker)?;
    let mut all = samples(&contenders)?;
    let mut old = Vec::new();
    for (contender, samples) in contenders.iter().zip(&mut all) {
        if args.old > 0 {
            eprintln!("worker, {}: a conversation of {} messages", contender.name, args.old);
            let grown = worker::grow(contender, upstream, args.old, samples).await;
            old.push(grown.context(contender.name.clone())?);
        }
    }
    for round in 1..=args.rounds {
        eprintln!("worker, round {round} of {}", args.rounds);
        worker::measure(&contenders, upstream, args.warm, &old, &mut all).await?;
        for (index, (contender, samples)) in contenders.iter().zip(&mut all).enumerate() {
            unless_denied(worker::measure_small(contender, upstream, samples).await, contender)?;
            let stored = worker::measure_stored(contender, upstream, samples).await;
            // Others may have their secrets elsewhere: those lines stay empty.
            ensure!(stored.is_ok() || index > 0, "{}: {stored:?}", contender.name);
            worker::measure_photos(contender, upstream, samples).await.context(contender.name.clone())?;
        }
    }
    Ok(section("worker", &contenders, worker::lines(&all)))
}

/// Without a CPU controller for the caller the lines of a small function stay empty.
fn unless_denied(measured: anyhow::Result<()>, contender: &Contender) -> anyhow::Result<()> {
    match measured {
        Err(error) if error.downcast_ref::<std::io::Error>().is_some() => Ok(()),
        measured => measured.context(contender.name.clone()),
    }
}

fn contenders(folder: &Path, function: &str, others: &[Contender]) -> anyhow::Result<Vec<Contender>> {
    let ours: Contender = format!("ours={}", folder.join(function).display())
        .parse()
        .map_err(|error| anyhow::anyhow!("{error}\nmake release builds it"))?;
    Ok([ours].into_iter().chain(others.iter().cloned()).collect())
}

fn samples(contenders: &[Contender]) -> anyhow::Result<Vec<Samples>> {
    let of = |contender: &Contender| {
        let mut samples = Samples::default();
        samples.add("zip_mb", zipped_mb(&contender.bootstrap)?);
        Ok(samples)
    };
    contenders.iter().map(of).collect()
}

fn section(title: &str, contenders: &[Contender], lines: Vec<bench::figures::Line>) -> Section {
    let contenders = contenders.iter().map(|contender| contender.name.clone()).collect();
    Section { title: title.to_owned(), contenders, lines }
}
