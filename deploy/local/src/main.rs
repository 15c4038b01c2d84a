//! `local run`: see `local::run`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::run::{Settings, run};

/// The bot on this machine: the real functions, an emulated AWS, a simulated Telegram and Gemini, a chat page.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Deploys everything on this machine and runs it until Ctrl-C
    Run(Settings),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command: Command::Run(settings) } = Cli::parse();
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed terminal is no reason to panic.
            drop(std::io::Write::write_all(&mut std::io::stderr(), format!("local: {error:#}\n").as_bytes()));
            ExitCode::FAILURE
        }
    }
}
