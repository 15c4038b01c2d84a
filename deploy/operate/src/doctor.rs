//! Whether this machine and account can deploy the bot, line by line, with a remedy for what is not well.

use anyhow::{Result, bail};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::cloudformation::Stack;
use crate::gemini::Gemini;
use crate::place::{self, Place, given};
use crate::say::{bad, good, note, step};
use crate::secrets::{self, Secret, Stored};
use crate::settings;
use crate::telegram::Telegram;
use crate::webhook;

/// The account's share below which a busy bot is slow.
const FEW: u64 = 100;

/// Everything is looked at, whatever is found.
///
/// # Errors
/// When something has to be mended first.
pub async fn check(place: &Place) -> Result<()> {
    let mut doctor = Doctor { place, problems: 0, stack: None, stored: Stored::default(), ready_for_aws: false };
    step("AWS");
    doctor.account().await;
    if doctor.ready_for_aws {
        doctor.stacks().await;
        doctor.concurrency().await;
    }
    step("Telegram");
    doctor.bot().await;
    step("Gemini");
    doctor.gemini().await;
    doctor.settings();
    match doctor.problems {
        0 => Ok(()),
        1 => bail!("one thing is to be mended first: see above"),
        problems => bail!("{problems} things are to be mended first: see above"),
    }
}

struct Doctor<'a> {
    place: &'a Place,
    problems: u32,
    stack: Option<Stack>,
    stored: Stored,
    ready_for_aws: bool,
}

impl Doctor<'_> {
    fn line(&mut self, outcome: Result<String>) -> bool {
        match outcome {
            Ok(line) => good(&line),
            Err(ref error) => {
                bad(&format!("{error:#}"));
                self.problems += 1;
            }
        }
        self.problems == 0
    }

    async fn account(&mut self) {
        let aws = &self.place.aws;
        let region = aws.region().await;
        let profile =
            given("AWS_PROFILE").map_or("no profile named".to_owned(), |profile| format!("profile {profile}"));
        let identity = aws.call(&["sts", "get-caller-identity"]).await.map(|identity| {
            let text = |key: &str| identity[key].as_str().unwrap_or_default().to_owned();
            format!("account {} as {} ({profile})", text("Account"), text("Arn"))
        });
        let known = self.line(identity);
        let located = region.is_some();
        self.line(region.map(|region| format!("region {region}")).ok_or_else(|| {
            anyhow::anyhow!(
                "no region is set\n▸ export AWS_REGION=eu-central-1 (or another one near you), or aws configure"
            )
        }));
        if let Some(endpoint) = aws.endpoint() {
            note(&format!("an emulated AWS: {endpoint}"));
        }
        let history = aws.keeps_a_history().await;
        if history {
            self.line(Err(anyhow::anyhow!(
                "the AWS CLI keeps a history on this disk (cli_history), and the bot's secrets would stand in it\n▸ \
                 aws configure set cli_history disabled; if this bot was deployed with it, remove ~/.aws/cli/history too"
            )));
        }
        // From here on secrets are read.
        self.ready_for_aws = known && located && !history;
    }

    async fn stacks(&mut self) {
        let (aws, name) = (&self.place.aws, self.place.stack.clone());
        let found = async {
            let foundation = Stack::find(aws, &self.place.foundation()).await?;
            anyhow::Ok((foundation, Stack::find(aws, &name).await?, secrets::stored(self.place).await?))
        };
        match found.await {
            Ok((foundation, stack, stored)) => {
                for (stack, name) in [(&foundation, self.place.foundation()), (&stack, name)] {
                    match stack {
                        Some(stack) if stack.is_still_born() => note(&format!(
                            "stack {name}: {}, with nothing in it\n▸ make deploy-all makes it anew",
                            stack.status
                        )),
                        Some(stack) => {
                            self.line(stack.usable().map(|()| format!("stack {name}: {}", stack.status)));
                        }
                        None => good(&format!("stack {name}: not there yet")),
                    }
                }
                (self.stack, self.stored) = (stack, stored);
            }
            Err(error) => {
                self.line(Err(error));
            }
        }
    }

    async fn concurrency(&mut self) {
        let limit = match webhook::concurrency(self.place).await {
            Ok(Some(limit)) => limit,
            Ok(None) => {
                return note(
                    "AWS does not tell how many functions may run at once (lambda:GetAccountSettings): taken as 10",
                );
            }
            Err(error) => {
                self.line(Err(error));
                return;
            }
        };
        if limit < FEW {
            note(&format!(
                "{limit} functions may run at once in this account: enough to begin with\n▸ for a busy bot, ask for more, it \
                 is free: aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 \
                 --desired-value 1000"
            ));
        } else {
            good(&format!("{limit} functions may run at once in this account"));
        }
        let deployed = self.stack.as_ref().and_then(|stack| stack.parameters.get("WorkerMaxConcurrency")).cloned();
        let workers = given("WORKER_MAX_CONCURRENCY").or(deployed).and_then(|number| number.parse().ok());
        match too_many_workers(workers.unwrap_or(webhook::WORKERS), limit) {
            Some((true, words)) => drop(self.line(Err(anyhow::anyhow!(words)))),
            Some((false, words)) => note(&words),
            None => {}
        }
    }

    async fn bot(&mut self) {
        let Some(token) = token(&self.stored.telegram_token, "TELEGRAM_TOKEN") else {
            let asked = "no token: neither TELEGRAM_TOKEN is set nor one stored\n▸ @BotFather gives one (/newbot); \
                make deploy-all asks for it, or takes it from the environment";
            return self.missing(asked);
        };
        let parameters = self.stack.as_ref().map(|stack| &stack.parameters);
        let (url, ours) =
            (place::telegram_url(parameters), self.stack.as_ref().and_then(|s| s.outputs.get("FunctionUrl")));
        let ours = ours.cloned();
        let asked = async {
            let telegram = Telegram::new(&url, token.clone())?;
            let me = telegram.me().await?;
            anyhow::Ok((me, telegram.webhook().await?))
        };
        match asked.await {
            Ok((me, info)) => {
                good(&format!("@{} takes the token", me.username));
                if let Some(problem) = another_bot(&self.stored.telegram_token, &token) {
                    self.line(Err(anyhow::anyhow!(problem)));
                }
                self.webhook(&info, ours.as_deref()).await;
            }
            Err(error) => {
                self.line(Err(error));
            }
        }
    }

    async fn webhook(&mut self, info: &Value, ours: Option<&str>) {
        if let Some(problem) = webhook::foreign(info, ours, self.place.aws.region().await.as_deref()) {
            self.line(Err(anyhow::anyhow!(problem)));
            return;
        }
        let waiting = info["pending_update_count"].as_u64().unwrap_or(0);
        match info["url"].as_str().unwrap_or_default() {
            "" => good(&format!("no webhook yet; {waiting} updates wait at Telegram, and are kept")),
            url => good(&format!("webhook {url}; {waiting} updates wait at Telegram")),
        }
        if let Some(error) = info["last_error_message"].as_str() {
            note(&format!("Telegram's last delivery that failed: {error}"));
        }
    }

    async fn gemini(&mut self) {
        let Some(key) = token(&self.stored.gemini_key, "GEMINI_API_KEY") else {
            let asked = "no key: neither GEMINI_API_KEY is set nor one stored\n▸ https://aistudio.google.com/apikey makes \
                one; make deploy-all asks for it, or takes it from the environment";
            return self.missing(asked);
        };
        let parameters = self.stack.as_ref().map(|stack| &stack.parameters);
        let url = place::gemini_url(parameters);
        let deployed = |name: &str| parameters.and_then(|parameters| parameters.get(name)).cloned();
        let models = [("CHAT_MODEL", "ChatModel"), ("IMAGE_MODEL", "ImageModel")]
            .map(|(variable, parameter)| (variable, given(variable).or_else(|| deployed(parameter))));
        let gemini = match Gemini::new(&url, key) {
            Ok(gemini) => gemini,
            Err(error) => {
                self.line(Err(error));
                return;
            }
        };
        let key = gemini.check_key().await;
        let taken = key.is_ok();
        self.line(key.map(|()| "Gemini takes the key".to_owned()));
        for (variable, model) in models {
            let (true, Some(model)) = (taken, model) else { continue };
            let found = gemini.check_model(&model, variable).await;
            self.line(found.map(|()| format!("{variable}: {model}")));
        }
    }

    /// Whoever sits at a terminal is asked for it later; else nobody can be.
    fn missing(&mut self, asked: &str) {
        if crate::terminal::present() {
            note(asked);
        } else {
            self.line(Err(anyhow::anyhow!(asked.to_owned())));
        }
    }

    fn settings(&mut self) {
        if let Err(error) = settings::fit(self.stack.as_ref().map(|stack| &stack.parameters)) {
            self.line(Err(error));
        }
        let deployed = || self.stack.as_ref().and_then(|stack| stack.parameters.get("AllowedChats")).cloned();
        if given("ALLOWED_CHATS").or_else(deployed).unwrap_or_default().is_empty() {
            note(
                "ALLOWED_CHATS is empty: nobody may talk to the bot yet\n▸ write to it, it tells you your id; then \
                 make update-env ALLOWED_CHATS=…",
            );
        }
    }
}

/// What is wrong with so many workers at once, and whether nothing is left to the ingress then.
fn too_many_workers(workers: u64, limit: u64) -> Option<(bool, String)> {
    let words = |what| format!("WORKER_MAX_CONCURRENCY={workers} {what} of the {limit} functions that may run at once");
    if workers >= limit {
        let remedy =
            "what people write could not be taken in\n▸ a lower one (2 at least), or ask AWS for more, it is free";
        return Some((true, format!("{}: {remedy}", words("leaves nothing"))));
    }
    let share = "what comes in a rush may have to wait at Telegram\n▸ a lower one, where the bot is busy";
    (workers > limit / 2).then(|| (false, format!("{}: {share}", words("takes more than half"))))
}

fn token(stored: &Option<Secret>, variable: &str) -> Option<SecretString> {
    given(variable).map(SecretString::from).or_else(|| stored.as_ref().map(|secret| secret.value.clone()))
}

/// The conversations in the bucket are one bot's: another one has a stack of its own.
fn another_bot(stored: &Option<Secret>, token: &SecretString) -> Option<String> {
    let id = |token: &SecretString| token.expose_secret().split(':').next().unwrap_or_default().to_owned();
    let stored = stored.as_ref().map(|secret| id(&secret.value))?;
    (stored != id(token)).then(|| {
        "TELEGRAM_TOKEN is of another bot than the one deployed here\n▸ a second bot: make deploy-all STACK=another; \
         in this one's place: make destroy and make destroy-data first, since private chats have people's ids, \
         the same for every bot"
            .to_owned()
    })
}
