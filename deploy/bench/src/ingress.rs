//! The ingress: how long its start takes, its first request, and each one after.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use local::lambda::Function;
use local::lambda::event::url_event;
use serde_json::json;

use crate::Contender;
use crate::figures::{Line, Samples};
use crate::gauge::{Share, cpu_us, peak_mb};
use crate::upstream::Upstream;

const SECRET: &str = "simulated-secret-of-no-worth";
/// Of [`SECRET`].
const SECRET_SHA256: &str = "e59b18c12a7133dfe7033f0cda158432bfb02b7e2b7884885f003e83183d98f4";
const TIMEOUT: Duration = Duration::from_secs(10);
/// Requests whose CPU is measured together.
const SLICE: u32 = 50;

/// One process of each: start, first request, and `warm` more in slices, every contender's after one another's.
pub async fn measure(
    contenders: &[Contender],
    upstream: &Upstream,
    warm: u32,
    all: &mut [Samples],
) -> anyhow::Result<()> {
    let mut functions = Vec::new();
    for (contender, samples) in contenders.iter().zip(&mut *all) {
        functions.push((begin(contender, upstream, samples).await.context(contender.name.clone())?, Vec::new()));
    }
    for first_id in (2..2 + warm).step_by(SLICE as usize) {
        for (((function, cpu), samples), contender) in functions.iter_mut().zip(&mut *all).zip(contenders) {
            let measured = slice(function, upstream, first_id, samples).await;
            cpu.push(measured.context(contender.name.clone())?);
        }
    }
    for (((function, cpu), samples), contender) in functions.into_iter().zip(all).zip(contenders) {
        // Not the median: what a runtime does now and then (collect garbage) is part of what a request costs.
        samples.add("warm_cpu_us", cpu.iter().sum::<f64>() / cpu.len() as f64);
        samples.add(
            "peak_mb",
            process(&function).and_then(|process| Ok(peak_mb(process)?)).context(contender.name.clone())?,
        );
        function.finish().await;
    }
    Ok(())
}

/// Start and first request.
async fn begin(contender: &Contender, upstream: &Upstream, samples: &mut Samples) -> anyhow::Result<Function> {
    let began = Instant::now();
    let function = start(contender, upstream).await?;
    samples.add("init_ms", ms(began));
    let began = Instant::now();
    deliver(&function, upstream, 1).await?;
    samples.add("first_ms", ms(began));
    settled().await;
    samples.add("first_cpu_ms", cpu_us(process(&function)?)? / 1_000.0);
    Ok(function)
}

/// CPU in µs of one request of a slice.
async fn slice(function: &Function, upstream: &Upstream, first_id: u32, samples: &mut Samples) -> anyhow::Result<f64> {
    let process = process(function)?;
    let before = cpu_us(process)?;
    for update_id in first_id..first_id + SLICE {
        let began = Instant::now();
        deliver(function, upstream, update_id).await?;
        // The first comes after a rest.
        if update_id > first_id {
            samples.add("warm_ms", ms(began));
        }
    }
    settled().await;
    Ok((cpu_us(process)? - before) / f64::from(SLICE))
}

fn process(function: &Function) -> anyhow::Result<u32> {
    function.process_id().context("it has ended")
}

/// Start and requests with the CPU share of a 128 MB function from the first request on: a start has a whole core.
pub async fn measure_small(contender: &Contender, upstream: &Upstream, samples: &mut Samples) -> anyhow::Result<()> {
    let began = Instant::now();
    let function = start(contender, upstream).await?;
    let init = ms(began);
    let _share = Share::limit(process(&function)?, Share::OF_128_MB)?;
    let began = Instant::now();
    deliver(&function, upstream, 1).await?;
    samples.add("small_first_ms", ms(began));
    samples.add("small_cold_ms", init + ms(began));
    for update_id in 2..12 {
        let began = Instant::now();
        deliver(&function, upstream, update_id).await?;
        samples.add("small_warm_ms", ms(began));
    }
    function.finish().await;
    Ok(())
}

pub fn lines(all: &[Samples]) -> Vec<Line> {
    vec![
        Line::median("init", "ms", "init_ms", all),
        Line::median("first request", "ms", "first_ms", all),
        Line::median("init + first request, CPU", "ms", "first_cpu_ms", all),
        Line::median("warm request, p50", "ms", "warm_ms", all),
        Line::quantile("warm request, p99", "ms", "warm_ms", 0.99, all),
        Line::median("warm request, CPU", "µs", "warm_cpu_us", all),
        Line::median("peak RSS", "MB", "peak_mb", all),
        Line::median("128 MB: init + first request", "ms", "small_cold_ms", all),
        Line::median("128 MB: first request", "ms", "small_first_ms", all),
        Line::median("128 MB: warm request, p50", "ms", "small_warm_ms", all),
        Line::median("zip", "MB", "zip_mb", all),
    ]
}

pub(crate) async fn start(contender: &Contender, upstream: &Upstream) -> anyhow::Result<Function> {
    let mut env = upstream.env();
    env.push(("WEBHOOK_SECRET_SHA256", SECRET_SHA256.to_owned()));
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Function::start(&contender.bootstrap, &env).await.with_context(|| format!("starting {}", contender.name))
}

/// One delivery of Telegram's, which must be answered 200 and lie on the queue as it came.
pub async fn deliver(function: &Function, upstream: &Upstream, update_id: u32) -> anyhow::Result<()> {
    let update = json!({"update_id": update_id, "message": {
        "message_id": update_id, "date": 1_795_348_800, "text": "What does the fox say?",
        "from": {"id": 1001, "is_bot": false, "first_name": "Ada", "language_code": "en"},
        "chat": {"id": 1001, "type": "private", "first_name": "Ada"}
    }})
    .to_string();
    let headers = [("x-telegram-bot-api-secret-token", SECRET)];
    let answer = function.invoke(url_event("POST", &headers, update.as_bytes(), false), TIMEOUT).await?;
    ensure!(answer["statusCode"] == 200, "answered {answer}");
    let queued = upstream.queued();
    ensure!(queued.len() == 1 && queued[0].contains(&update), "not on the queue as it came: {queued:?}");
    Ok(())
}

/// A function is done with a request a little after it has answered: it asks for the next one.
pub(crate) async fn settled() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

pub(crate) fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
