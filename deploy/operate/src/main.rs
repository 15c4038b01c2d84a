//! The operator's commands: from an account to a running bot, and back. `make` calls them; see the Makefile.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use operate::aws::Aws;
use operate::place::Place;
use operate::{code, deploy, destroy, doctor, info, pack, place, rotate, say, smoke, trigger, watch, webhook};

/// Deploys the bot and looks after it, through the AWS CLI as it is set up here.
#[derive(Parser)]
struct Cli {
    /// The bot's stack, from which all names derive
    #[arg(long, env = "STACK", default_value = "lambdagram", global = true, value_parser = place::stack_name)]
    stack: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Whether this machine and account can deploy the bot
    Doctor,
    /// Secrets, buckets, code, application: as the working tree says
    Deploy,
    /// Points the webhook at the bot, and sets its menu
    Webhook,
    /// Tries the deployed bot, without a message to anyone
    Smoke,
    /// What is deployed
    Info,
    /// What code is built for: ARCH, else what the bot runs on, else arm64
    Architecture,
    /// The code alone
    Update,
    /// The code that was deployed before
    Rollback,
    /// The settings that are set in the environment
    UpdateEnv,
    /// Changes a secret while the bot is at work
    Rotate { secret: Rotated },
    /// The worker stops; updates are still accepted, and wait
    Pause,
    /// The worker goes on, with what has waited first
    Resume,
    /// Removes the bot, and keeps the conversations
    Destroy,
    /// Deletes the conversations of a bot that is destroyed
    DestroyData,
    #[command(flatten)]
    Watch(watch::Command),
    /// Packs a function's binary into a zip for Lambda
    Pack { binary: PathBuf, zip: PathBuf },
}

#[derive(Clone, ValueEnum)]
enum Rotated {
    WebhookSecret,
    TelegramToken,
    GeminiKey,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { stack, command } = Cli::parse();
    let place = Place { aws: Aws::from_environment(), stack };
    let outcome = match command {
        Command::Doctor => doctor::check(&place).await,
        Command::Deploy => deploy::deploy(&place).await,
        Command::Webhook => webhook::set(&place).await,
        Command::Smoke => smoke::check(&place).await,
        Command::Info => info::show(&place).await,
        Command::Architecture => code::show_architecture(&place).await,
        Command::Update => deploy::update(&place).await,
        Command::Rollback => deploy::rollback(&place).await,
        Command::UpdateEnv => deploy::update_env(&place).await,
        Command::Rotate { secret: Rotated::WebhookSecret } => rotate::webhook_secret(&place).await,
        Command::Rotate { secret: Rotated::TelegramToken } => rotate::telegram_token(&place).await,
        Command::Rotate { secret: Rotated::GeminiKey } => rotate::gemini_key(&place).await,
        Command::Pause => trigger::pause(&place).await,
        Command::Resume => trigger::resume(&place).await,
        Command::Destroy => destroy::destroy(&place).await,
        Command::DestroyData => destroy::destroy_data(&place).await,
        Command::Watch(command) => watch::run(&place, command).await,
        Command::Pack { binary, zip } => pack::pack(&binary, &zip),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::failed(&error);
            ExitCode::FAILURE
        }
    }
}
