//! Whether the deployed bot works, tried on it: a stranger is refused, and an update that nobody is answered for goes
//! all the way, from the function URL through the queue and the worker, until its trace is in the worker's log.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::HOST;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::place::{Deployed, Place};
use crate::say::{good, note, say, step};
use crate::telegram::{ALLOWED_UPDATES, Telegram};
use crate::webhook;

/// Two cold starts, and until CloudWatch has the log; 5 to 15 s are usual.
const TRACE: Duration = Duration::from_secs(90);
/// A function URL that was just made may answer 403 or 5xx for some seconds.
const URL_SETTLES: Duration = Duration::from_secs(30);
/// The ingress's own answer to a stranger, which AWS's 401 and 403 are not.
const REFUSAL: &str = "wrong or missing secret token";

/// # Errors
/// The first thing that is not as it should be, with what to look at.
pub async fn check(place: &Place) -> Result<()> {
    step("Smoke check");
    let deployed = place.deployed().await?;
    let telegram = deployed.telegram()?;
    let me = telegram.me().await?;
    let door = Door::of(place, &deployed)?;
    door.refuses_strangers().await?;
    let runs = way_through(place, &deployed, &door, me.id).await?;
    webhook_is_as_set(place, &deployed, &telegram).await?;
    let but = if runs { "" } else { ", but paused (make resume)" };
    say(&format!("@{name} is deployed{but}: https://t.me/{name}", name = me.username));
    Ok(())
}

/// The function URL; on the emulated AWS it is reached through its gateway, under its own name.
struct Door {
    http: reqwest::Client,
    address: String,
    host: Option<String>,
}

impl Door {
    fn of(place: &Place, deployed: &Deployed) -> Result<Self> {
        let url = deployed.output("FunctionUrl")?.to_owned();
        let http = crate::http::client()?;
        Ok(match place.aws.endpoint() {
            Some(endpoint) => {
                let host = url::Url::parse(&url)?.host_str().context("a function URL without a host")?.to_owned();
                Self { http, address: endpoint.to_owned(), host: Some(host) }
            }
            None => Self { http, address: url, host: None },
        })
    }

    async fn post(&self, secret: Option<&str>, body: String) -> Result<(u16, String)> {
        let mut request = self.http.post(&self.address).header("Content-Type", "application/json").body(body);
        if let Some(host) = &self.host {
            request = request.header(HOST, host);
        }
        if let Some(secret) = secret {
            request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
        }
        let answer = request.send().await.context("the function URL is not reached")?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await.unwrap_or_default()))
    }

    async fn refuses_strangers(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            let answer = self.post(None, "{}".to_owned()).await;
            match &answer {
                Ok((401, body)) if body == REFUSAL => {
                    good("a stranger is refused: 401");
                    return Ok(());
                }
                _ if began.elapsed() < URL_SETTLES => tokio::time::sleep(Duration::from_secs(1)).await,
                Ok((403, _)) => bail!(
                    "AWS itself answers 403 at the function URL: a permission of it is missing\n    ▸ make deploy-all; \
                     if it stays, an organisation's policy may forbid public function URLs"
                ),
                Ok((status, body)) => {
                    let body: String = body.chars().take(200).collect();
                    bail!("a stranger gets {status} ({body}) instead of the ingress's own 401\n    ▸ make logs");
                }
                Err(_) => drop(answer?),
            }
        }
    }
}

/// The update is one that a bot wrote, in the bot's chat with itself: the worker keeps silent about it as about every
/// bot's, without a call to Telegram, Gemini or S3, and it stands in nobody's conversation. False where the worker is
/// paused: then there is no way through.
async fn way_through(place: &Place, deployed: &Deployed, door: &Door, bot: i64) -> Result<bool> {
    let trigger = deployed.output("TriggerUuid")?;
    let mapping = place.aws.call(&["lambda", "get-event-source-mapping", "--uuid", trigger]).await?;
    let state = mapping["State"].as_str().unwrap_or_default();
    if !matches!(state, "Enabled" | "Enabling" | "Updating" | "Creating") {
        note(&format!(
            "the worker is paused ({state}): the way through it is not checked. make resume, then make smoke"
        ));
        return Ok(false);
    }
    let began = Instant::now();
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
    let update_id = u64::try_from(now_ms)?;
    let update = json!({ "update_id": update_id, "message": {
        "message_id": 1, "date": update_id / 1000, "chat": { "id": bot, "type": "private" },
        "from": { "id": bot, "is_bot": true, "first_name": "smoke check" }, "text": "smoke check",
    }});
    let secret = deployed.webhook_secret()?;
    let (status, body) = door.post(Some(secret.expose_secret()), update.to_string()).await?;
    let told: String = body.chars().take(200).collect();
    ensure!(status != 401, "the ingress refuses the stored webhook secret\n    ▸ make deploy-all");
    ensure!(
        status == 200 && body == "queued",
        "the ingress answers {status} ({told}) instead of queuing\n    ▸ make logs"
    );
    let turn = traced(place, deployed, update_id, update_id - 60_000).await?;
    ensure!(
        turn["outcome"] == "silent",
        "update {update_id} ended as {}, where silence was due\n    ▸ make trace UPDATE={update_id}",
        turn["outcome"]
    );
    good(&format!(
        "ingress ▸ queue ▸ worker: update {update_id} went through in {:.1} s",
        began.elapsed().as_secs_f32()
    ));
    Ok(true)
}

/// The worker's log line about the end of that turn.
async fn traced(place: &Place, deployed: &Deployed, update_id: u64, since_ms: u64) -> Result<Value> {
    let group = deployed.output("WorkerLogGroup")?;
    let pattern = format!("{{ $.span.update_id = {update_id} }}");
    let since = since_ms.to_string();
    let args =
        ["logs", "filter-log-events", "--log-group-name", group, "--start-time", &since, "--filter-pattern", &pattern];
    let began = Instant::now();
    loop {
        let found = place.aws.call(&args).await?;
        let events = found["events"].as_array().cloned().unwrap_or_default();
        let lines = events.iter().filter_map(|event| serde_json::from_str::<Value>(event["message"].as_str()?).ok());
        let mut turns = lines.filter(|line| line["span"]["update_id"] == update_id && line["outcome"].is_string());
        if let Some(turn) = turns.next() {
            return Ok(turn);
        }
        ensure!(
            began.elapsed() < TRACE,
            "update {update_id} was queued, and the worker's log does not have it after {} s\n    ▸ make logs, make status: \
             does the worker start? It stays on the queue until it does",
            TRACE.as_secs()
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn webhook_is_as_set(place: &Place, deployed: &Deployed, telegram: &Telegram) -> Result<()> {
    let info = telegram.webhook().await?;
    let connections = webhook::connections(webhook::concurrency(place).await?, &deployed.stack.parameters);
    let wanted = [
        ("url", json!(deployed.output("FunctionUrl")?)),
        ("allowed_updates", json!(ALLOWED_UPDATES)),
        ("max_connections", json!(connections)),
        ("has_custom_certificate", json!(false)),
    ];
    for (name, wanted) in wanted {
        ensure!(
            info[name] == wanted,
            "Telegram has another webhook than there should be: {name} is {}, not {wanted}\n    ▸ make deploy-all sets it anew",
            info[name]
        );
    }
    let waiting = info["pending_update_count"].as_u64().unwrap_or(0);
    good(&format!("Telegram's webhook is what was set; {waiting} waiting there"));
    Ok(())
}
