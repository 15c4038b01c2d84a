//! `local run`: the whole bot on this machine. Brings the emulated AWS up, deploys to it with the deployment's own
//! scripts, simulates what is not real, and ends everything that it started, whatever ends it.

use std::fs::{self, File};
use std::io::IsTerminal;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Map, Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::bot::{Bot, TakeOver, Webhook};
use crate::gemini::Gemini;
use crate::ministack::{self, Ministack};
use crate::outside::{Outside, Service};
use crate::page;
use crate::pipeline::Pipeline;
use crate::polling::{Polling, Target};
use crate::progress::{Step, say};
use crate::script::{self, Scripts};
use crate::serve::Server;
use crate::telegram::Telegram;

const SIMULATED_TOKEN: &str = "123456789:the-simulated-Telegram-takes-this";
const SIMULATED_KEY: &str = "the-simulated-Gemini-takes-this";

#[derive(clap::Args)]
pub struct Settings {
    /// Port of the chat page
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Port of the emulated AWS
    #[arg(long, default_value_t = 4566)]
    aws_port: u16,
    /// Port of the simulated Telegram
    #[arg(long, default_value_t = 8081)]
    telegram_port: u16,
    /// Port of the simulated Gemini
    #[arg(long, default_value_t = 8082)]
    gemini_port: u16,
    /// Where everything is kept between runs
    #[arg(long, default_value = ".local")]
    state: PathBuf,
    /// Where to write all addresses, as JSON, once everything is ready
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

/// Runs until it is interrupted (Ctrl-C, SIGTERM, SIGHUP), which is a success, or until something fails.
pub async fn run(settings: Settings) -> Result<()> {
    let (mut int, mut term, mut hup) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    let mut world = World::open(settings)?;
    let outcome = tokio::select! {
        outcome = world.live() => outcome,
        _ = int.recv() => Ok(()),
        _ = term.recv() => Ok(()),
        _ = hup.recv() => Ok(()),
        () = terminal_closed() => Ok(()),
    };
    if outcome.is_ok() {
        say("Stopping …");
    }
    outcome.and(world.stop().await)
}

/// The terminal that this was started at went away. The kernel tells only the session's first process; that is a shell,
/// which passes it on, or make (`ssh -t host make run`), which does not.
async fn terminal_closed() {
    let at_terminal = || std::io::stdin().is_terminal();
    if !at_terminal() {
        return std::future::pending().await;
    }
    while at_terminal() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

struct World {
    settings: Settings,
    root: PathBuf,
    venv: PathBuf,
    state: PathBuf,
    outside: Outside,
    take_over: TakeOver,
    ministack: Option<Ministack>,
    telegram: Option<Telegram>,
    gemini: Option<Gemini>,
    page: Option<Server>,
    polling: Option<Polling>,
    taken_over: Option<Webhook>,
    /// Held as long as this lives: two runs in one state directory would end each other.
    _lock: File,
}

impl World {
    fn open(settings: Settings) -> Result<Self> {
        let root = std::env::current_dir()?;
        ensure!(root.join("deploy/template.yaml").exists(), "run this in the repository's root: `make run`");
        let state = std::path::absolute(&settings.state)?;
        // For the owner's eyes alone: people's words and, with a real bot, its token are in there.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&state)?;
        let lock = File::create(state.join("lock"))?;
        let shown = settings.state.display();
        lock.try_lock().map_err(|_| anyhow!("another run uses {shown}: stop it, or choose another with --state"))?;
        let outside = Outside::from_environment()?;
        let take_over = outside.take_over(state.join("taken-over.json"));
        Ok(Self {
            venv: root.join(".venv"),
            root,
            state,
            outside,
            take_over,
            settings,
            ministack: None,
            telegram: None,
            gemini: None,
            page: None,
            polling: None,
            taken_over: None,
            _lock: lock,
        })
    }

    /// Starts everything and keeps it running; comes back only when something fails.
    async fn live(&mut self) -> Result<()> {
        let bot = match &self.outside.telegram {
            Some(service) => {
                let bot = Bot::new(&service.url, &service.secret).await?;
                let webhook = bot.check_webhook(&self.take_over).await?;
                Some((bot, webhook))
            }
            None => None,
        };
        self.check_ports()?;
        let step = Step::begin("Functions");
        script::build(&self.root, &step).await?;
        step.done();
        let aws_url = self.start_aws().await?;
        let (telegram, gemini) = self.start_services(&aws_url).await?;
        let settings = self.outside.script_settings(&telegram, &gemini);
        let scripts = Scripts::new(&self.root, &self.venv, &aws_url, settings);
        self.deploy(&scripts).await?;
        let outputs = outputs(&scripts).await?;
        if let Some((bot, webhook)) = bot {
            self.receive(bot, webhook, &scripts, &aws_url, &outputs).await?;
        }
        self.show(&aws_url, outputs).await?;
        self.watch().await
    }

    /// Before the slow steps, not after them.
    fn check_ports(&self) -> Result<()> {
        let Settings { port, aws_port, telegram_port, gemini_port, .. } = self.settings;
        let ports = [(port, "--port"), (telegram_port, "--telegram-port"), (gemini_port, "--gemini-port")];
        for (port, flag) in ports {
            // Held until all are looked at, so that two flags with one port are found out here.
            ensure!(
                port == 0 || port != aws_port,
                "{flag} and --aws-port are both {port}: choose another for one of them"
            );
        }
        let mut held = Vec::new();
        for (port, flag) in ports {
            let listener = std::net::TcpListener::bind(("127.0.0.1", port));
            held.push(listener.map_err(|error| taken(error.into(), port, flag))?);
        }
        Ok(())
    }

    async fn start_aws(&mut self) -> Result<String> {
        let step = Step::begin("Emulated AWS");
        let state = self.state.join("aws");
        if ministack::end_left_over(&self.venv, &state).await? {
            step.at("ended the one that a killed run left behind");
        }
        let ministack = Ministack::start(ministack::Options {
            venv: self.venv.clone(),
            port: self.settings.aws_port,
            state_dir: Some(state),
            env: self.outside.way_out(),
        });
        let ministack = ministack.await.map_err(|e| taken(e, self.settings.aws_port, "--aws-port"))?;
        step.done();
        Ok(self.ministack.insert(ministack).url())
    }

    /// Where the functions find Telegram and Gemini: the real ones, or simulations started here.
    async fn start_services(&mut self, aws_url: &str) -> Result<(Service, Service)> {
        if self.outside.telegram.is_none() {
            let telegram = Telegram::start(crate::telegram::Options {
                port: self.settings.telegram_port,
                token: SIMULATED_TOKEN.to_owned(),
                username: "lambdagram_bot".to_owned(),
                gateway: Some(aws_url.to_owned()),
                state_file: Some(self.state.join("telegram.json")),
                retry_unit: Duration::from_secs(1),
            });
            self.telegram = Some(telegram.await.map_err(|e| taken(e, self.settings.telegram_port, "--telegram-port"))?);
        }
        if self.outside.gemini.is_none() {
            let options = crate::gemini::Options { port: self.settings.gemini_port, api_key: SIMULATED_KEY.to_owned() };
            let gemini = Gemini::start(options).await;
            self.gemini = Some(gemini.map_err(|e| taken(e, self.settings.gemini_port, "--gemini-port"))?);
        }
        let simulated = |url: String, secret: &str| Service { url, secret: secret.to_owned() };
        let telegram = self.telegram.as_ref().map(|telegram| simulated(telegram.url(), SIMULATED_TOKEN));
        let gemini = self.gemini.as_ref().map(|gemini| simulated(format!("{}/v1beta", gemini.url()), SIMULATED_KEY));
        let telegram = telegram.or(self.outside.telegram.clone()).context("no Telegram")?;
        Ok((telegram, gemini.or(self.outside.gemini.clone()).context("no Gemini")?))
    }

    async fn deploy(&self, scripts: &Scripts) -> Result<()> {
        let step = Step::begin("Deployment");
        scripts.operate("deploy", &step).await?;
        if self.telegram.is_some() {
            scripts.operate("webhook", &step).await?;
        }
        step.done();
        Ok(())
    }

    /// Makes a real bot's updates come here.
    async fn receive(
        &mut self,
        bot: Bot,
        webhook: Option<Webhook>,
        scripts: &Scripts,
        aws_url: &str,
        outputs: &Map<String, Value>,
    ) -> Result<()> {
        let url = url::Url::parse(outputs["FunctionUrl"].as_str().unwrap_or_default())?;
        let host = url.host_str().context("a Function URL without a host")?.to_owned();
        let secret_token = scripts.ask("secret webhook-secret").await?.trim().to_owned();
        say(&format!("@{} is answered from here: https://t.me/{}", bot.username, bot.username));
        if self.outside.allowed_chats.is_empty() {
            say("ALLOWED_CHATS is empty, so nobody may talk to it yet. Write to the bot: it tells you your id.");
        }
        let target = Target { gateway: aws_url.to_owned(), host, secret_token };
        let polling = self.polling.insert(Polling::new(bot, target)?);
        if let Some(webhook) = webhook {
            // Noted before it is removed: an interruption in between puts back what is still there.
            let webhook = self.taken_over.insert(webhook);
            polling.bot().take_over(webhook, &self.take_over).await?;
        }
        Ok(())
    }

    async fn show(&mut self, aws_url: &str, mut outputs: Map<String, Value>) -> Result<()> {
        let text = |key: &str| outputs[key].as_str().unwrap_or_default();
        let pipeline = Pipeline::new(aws_url, "us-east-1", text("QueueUrl"), text("DlqUrl"));
        let page = page::start(self.settings.port, self.telegram.clone(), self.gemini.clone(), pipeline).await;
        let page = page.map_err(|error| taken(error.into(), self.settings.port, "--port"))?;
        let url = self.page.insert(page).url();
        if let Some(path) = &self.settings.ready_file {
            outputs.insert("page".into(), json!(url));
            outputs.insert("aws".into(), json!(aws_url));
            outputs.insert("telegram".into(), json!(self.telegram.as_ref().map(Telegram::url)));
            outputs.insert("gemini".into(), json!(self.gemini.as_ref().map(Gemini::url)));
            write_whole(path, &Value::Object(outputs).to_string())?;
        }
        say(&format!("Chat page: {url}/"));
        Ok(())
    }

    async fn watch(&mut self) -> Result<()> {
        let Some(ministack) = &mut self.ministack else { return Ok(()) };
        let polling = async {
            match &mut self.polling {
                Some(polling) => polling.poll().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            last_words = ministack.ended() => Err(anyhow!("the emulated AWS ended:\n{last_words}")),
            error = polling => Err(error),
        }
    }

    /// Ends all of it in order. The first problem is told, but stops nothing.
    async fn stop(mut self) -> Result<()> {
        self.page = None;
        if let Some(path) = &self.settings.ready_file {
            drop(fs::remove_file(path));
        }
        let mut outcome = Ok(());
        if let Some(polling) = &mut self.polling {
            outcome = outcome.and(polling.confirm().await.context("confirming the last updates"));
            if let Some(webhook) = &self.taken_over {
                outcome = outcome.and(polling.bot().give_back(webhook, &self.take_over).await);
            }
        }
        if let Some(telegram) = self.telegram.take() {
            outcome = outcome.and(telegram.stop());
        }
        if let Some(ministack) = self.ministack.take() {
            outcome = outcome.and(ministack.stop().await);
        }
        outcome
    }
}

async fn outputs(scripts: &Scripts) -> Result<Map<String, Value>> {
    let lines = scripts.ask(r#"outputs "$STACK-foundation"; outputs "$STACK""#).await?;
    let pairs = lines.lines().filter_map(|line| line.split_once('\t'));
    Ok(pairs.map(|(key, value)| (key.to_owned(), json!(value))).collect())
}

/// A port that is taken is the user's to choose anew: the error says how.
fn taken(error: anyhow::Error, port: u16, flag: &str) -> anyhow::Error {
    let io = error.downcast_ref::<std::io::Error>();
    if io.is_some_and(|io| io.kind() == std::io::ErrorKind::AddrInUse) {
        return anyhow!("port {port} is taken by another program: choose another with {flag}");
    }
    error
}

/// Whoever waits for the file never sees half of it.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    Ok(fs::rename(new, path)?)
}
