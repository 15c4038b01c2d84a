//! Reads the command line, makes each client once, runs one sweep and reports it.

use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use replay::args::{Cli, Command, Place, Selection};
use replay::dlq::Dlq;
use replay::outbox::Outbox;
use replay::outcome::Outcome;
use replay::progress::Progress;
use replay::reasons::Reasons;
use replay::stop::{INTERRUPTED, Stop};
use replay::sweep::{Act, Sweep};
use replay::{aws, question, report};

const FAILED: u8 = 1;
const NOT_FOUND: u8 = 3;
const DECLINED: u8 = 4;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { command, json, place } = Cli::parse();
    match run(command, json, place).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(FAILED)
        }
    }
}

async fn run(command: Command, json: bool, place: Place) -> Result<u8> {
    let stop = Stop::on_signals()?;
    let config = aws::config().await;
    let sqs = aws_sdk_sqs::Client::new(&config);
    let reasons = |wanted: bool| {
        wanted.then(|| Reasons::new(aws::s3(&config), required(&place.s3_bucket, "--s3-bucket", "S3_BUCKET")))
    };
    let dlq = Dlq::new(sqs.clone(), required(&place.dlq_url, "--dlq-url", "DLQ_URL"));
    let begin = |selection: Selection, act: Act, reasons, what| async move {
        let depth = dlq.depth().await?;
        let progress = Progress::begin(what, depth.waiting);
        let (held, outcome) = (Vec::new(), Outcome::default());
        anyhow::Ok(Sweep { dlq, selection, act, reasons, stop, progress, held, outcome })
    };
    match command {
        Command::List { selection } => {
            let selection = Selection { foreign_too: true, ..selection };
            let outcome = begin(selection.clone(), Act::Look, reasons(true), "Looking").await?.run().await;
            Ok(tell(&outcome, json, report::list(&outcome), &selection))
        }
        Command::Show { id, with_text } => {
            let selection = Selection::by_id(id);
            let outcome = begin(selection.clone(), Act::Find, reasons(true), "Looking").await?.run().await;
            let Some((letter, reason)) = outcome.chosen.first() else {
                return Ok(tell(&outcome, json, report::list(&outcome), &selection));
            };
            if json {
                println!("{}", report::show_json(letter, reason.as_ref(), with_text));
            } else {
                print!("{}", report::show(letter, reason.as_ref(), with_text));
            }
            Ok(0)
        }
        Command::Replay { selection, dry_run: true, .. } => {
            let outcome = begin(selection.clone(), Act::Look, reasons(true), "Looking").await?.run().await;
            Ok(tell(&outcome, json, report::dry_run(&outcome), &selection))
        }
        Command::Replay { selection, rate, .. } => {
            let outbox = Outbox::new(sqs, required(&place.queue_url, "--queue-url", "QUEUE_URL"), rate);
            let reasons = reasons(selection.needs_reasons());
            let outcome = begin(selection.clone(), Act::Send(outbox), reasons, "Replaying").await?.run().await;
            Ok(tell(&outcome, json, report::counts(&outcome, "sent back"), &selection))
        }
        Command::Drop { selection, yes } => {
            if !yes && !question::possible() {
                usage(ErrorKind::MissingRequiredArgument, "drop asks first, and nobody is at a terminal: see --yes");
            }
            let reasons = reasons(!yes || selection.needs_reasons());
            let outcome = begin(selection.clone(), Act::Drop { ask: !yes }, reasons, "Dropping").await?.run().await;
            Ok(tell(&outcome, json, report::counts(&outcome, "dropped"), &selection))
        }
    }
}

/// Prints the report; what went wrong goes to standard error. Returns the exit code.
fn tell(outcome: &Outcome, json: bool, text: String, selection: &Selection) -> u8 {
    if json {
        println!("{}", report::json(outcome));
    } else {
        print!("{text}");
    }
    if let Some(problem) = &outcome.problem {
        eprintln!("{problem}");
    }
    let found =
        |id: &&String| outcome.chosen.iter().map(|(letter, _)| letter).chain(&outcome.done).any(|letter| letter.is(id));
    let missing: Vec<&str> = selection.id.iter().filter(|id| !found(id)).map(String::as_str).collect();
    if outcome.interrupted {
        eprintln!("Interrupted: what was not finished lies where it was. Run it again.");
        INTERRUPTED
    } else if outcome.problem.is_some() || !outcome.failures.is_empty() {
        FAILED
    } else if outcome.declined {
        DECLINED
    } else if !missing.is_empty() {
        eprintln!("Not found: {}", missing.join(", "));
        NOT_FOUND
    } else {
        0
    }
}

fn required(value: &Option<String>, flag: &str, variable: &str) -> String {
    match value.as_deref() {
        Some(value) if !value.is_empty() => value.to_owned(),
        _ => usage(ErrorKind::MissingRequiredArgument, &format!("give {flag} or set {variable}")),
    }
}

/// Ends with exit code 2, as every wrong command line.
fn usage(kind: ErrorKind, problem: &str) -> ! {
    Cli::command().error(kind, problem).exit()
}
