//! The worker: its start, a turn in a young and in an old conversation, batches, and ten large photos at once.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use local::lambda::Function;
use serde_json::{Value, json};

use crate::Contender;
use crate::figures::{Line, Samples};
use crate::gauge::{Share, cpu_us, peak_mb};
use crate::ingress::{ms, settled};
use crate::upstream::{ANSWER, Objects, PHOTO_BYTES, SSM, Upstream};

const TIMEOUT: Duration = Duration::from_secs(120);
/// Turns of a conversation with a history of 20 messages.
const YOUNG: u32 = 10;
/// Turns whose CPU is measured together.
const SLICE: u32 = 20;
/// Above those of any conversation that was grown before: an update id that was answered is not answered again.
const NEW_IDS: u32 = 1_000_000;
/// With a slow Gemini: so many slices, each of as many turns.
const UNHURRIED: u32 = 4;
/// What Gemini takes then, and where batches are compared.
const GEMINI: Duration = Duration::from_millis(200);
/// The batches that are compared.
const SIZES: [(u32, &str); 4] = [(1, "batch_1_ms"), (2, "batch_2_ms"), (5, "batch_5_ms"), (10, "batch_10_ms")];

/// A worker, and the ids that its messages have had.
struct Measured<'a> {
    function: Function,
    process: u32,
    upstream: &'a Upstream,
    last_id: u32,
}

/// One process of each: start, first turn, `warm` turns with a history of 20 messages and as many in an old
/// conversation; some with a slow Gemini; batches. The turns are taken in slices, every contender's after one
/// another's: what disturbs the machine for a second then disturbs all alike.
pub async fn measure(
    contenders: &[Contender],
    upstream: &Upstream,
    warm: u32,
    old: &[Objects],
    all: &mut [Samples],
) -> anyhow::Result<()> {
    let mut workers = Vec::new();
    for (contender, samples) in contenders.iter().zip(&mut *all) {
        workers.push(Measured::begin(contender, upstream, samples).await.context(contender.name.clone())?);
    }
    for _ in 0..warm.div_ceil(SLICE) {
        for (index, ((worker, young), samples)) in workers.iter_mut().zip(&mut *all).enumerate() {
            let measured = worker.slices(young, old.get(index), samples).await;
            measured.context(contenders[index].name.clone())?;
        }
    }
    for (((worker, _), samples), contender) in workers.iter().zip(&mut *all).zip(contenders) {
        samples.add("peak_mb", peak_mb(worker.process).context(contender.name.clone())?);
    }
    upstream.gemini_takes(GEMINI);
    for _ in 0..UNHURRIED {
        for (((worker, young), samples), contender) in workers.iter_mut().zip(&mut *all).zip(contenders) {
            let (cpu, ..) = worker.slice(young, UNHURRIED).await.context(contender.name.clone())?;
            samples.add("unhurried_cpu_us", cpu);
        }
    }
    for (((mut worker, _), samples), contender) in workers.into_iter().zip(all).zip(contenders) {
        worker.batches(samples).await.context(contender.name.clone())?;
        worker.function.finish().await;
    }
    upstream.gemini_takes(Duration::ZERO);
    Ok(())
}

/// The bucket after a conversation of so many messages, spoken to the end.
pub async fn grow(
    contender: &Contender,
    upstream: &Upstream,
    messages: u32,
    samples: &mut Samples,
) -> anyhow::Result<Objects> {
    let function = converse(contender, upstream, messages / 2).await?;
    function.finish().await;
    let old = upstream.objects();
    samples.add("old_history_kb", bytes(&old) as f64 / 1e3);
    Ok(old)
}

/// A worker that has answered so many messages of one conversation.
pub(crate) async fn converse(contender: &Contender, upstream: &Upstream, messages: u32) -> anyhow::Result<Function> {
    upstream.put_back(&Objects::new());
    let mut worker = Measured::start(contender, upstream, &upstream.env(), 0).await?;
    for _ in 0..messages {
        worker.answers(&[1001]).await?;
    }
    Ok(worker.function)
}

/// Start and first turn with the secrets in SSM, as they are on AWS.
///
/// # Errors
/// When they are not asked for there.
pub async fn measure_stored(contender: &Contender, upstream: &Upstream, samples: &mut Samples) -> anyhow::Result<()> {
    upstream.put_back(&Objects::new());
    let asked = upstream.ssm_calls();
    let began = Instant::now();
    let env = [upstream.env(), upstream.env_stored()].concat();
    let mut worker = Measured::start(contender, upstream, &env, 0).await?;
    let init = ms(began);
    let began = Instant::now();
    worker.answers(&[1001]).await?;
    let first = ms(began);
    ensure!(upstream.ssm_calls() > asked, "SSM was not asked for the secrets");
    samples.add("stored_init_ms", init);
    samples.add("stored_first_ms", first);
    samples.add("stored_first_cpu_ms", worker.cpu_us().await? / 1_000.0);
    worker.function.finish().await;
    Ok(())
}

/// With the CPU share of a 128 MB function from the first turn on: a start has a whole core.
pub async fn measure_small(contender: &Contender, upstream: &Upstream, samples: &mut Samples) -> anyhow::Result<()> {
    upstream.put_back(&Objects::new());
    let began = Instant::now();
    let mut worker = Measured::start(contender, upstream, &upstream.env(), 0).await?;
    let init = ms(began);
    let _share = Share::limit(worker.process, Share::OF_128_MB)?;
    let began = Instant::now();
    worker.answers(&[1001]).await?;
    samples.add("small_first_ms", ms(began));
    samples.add("small_cold_ms", init + ms(began));
    for _ in 0..10 {
        let began = Instant::now();
        worker.answers(&[1001]).await?;
        samples.add("small_warm_ms", ms(began));
    }
    worker.function.finish().await;
    Ok(())
}

/// Ten conversations in one batch, each with a photo of 20 MB.
pub async fn measure_photos(contender: &Contender, upstream: &Upstream, samples: &mut Samples) -> anyhow::Result<()> {
    upstream.put_back(&Objects::new());
    let mut worker = Measured::start(contender, upstream, &upstream.env(), 0).await?;
    let chats: Vec<_> = (1001..1011).collect();
    let photo =
        json!([{"file_id": "p", "file_unique_id": "p", "width": 4000, "height": 3000, "file_size": PHOTO_BYTES}]);
    let began = Instant::now();
    worker.answers_to(&chats, &json!({"photo": photo, "caption": "What is this?"})).await?;
    samples.add("photos_ms", ms(began));
    samples.add("photos_peak_mb", peak_mb(worker.process)?);
    worker.function.finish().await;
    Ok(())
}

pub fn lines(all: &[Samples]) -> Vec<Line> {
    let mut lines = vec![
        Line::median("init", "ms", "init_ms", all),
        Line::median("first turn", "ms", "first_ms", all),
        Line::median("init + first turn, CPU", "ms", "first_cpu_ms", all),
        Line::median(&format!("secrets in SSM ({} ms): init", SSM.as_millis()), "ms", "stored_init_ms", all),
        Line::median("secrets in SSM: first turn", "ms", "stored_first_ms", all),
        Line::median("secrets in SSM: init + first turn, CPU", "ms", "stored_first_cpu_ms", all),
        Line::median("turn, p50", "ms", "warm_ms", all),
        Line::quantile("turn, p99", "ms", "warm_ms", 0.99, all),
        Line::median("turn with a history of 20, CPU", "µs", "warm_cpu_us", all),
        Line::median("turn with a history of 10,000, CPU", "µs", "old_cpu_us", all),
        Line::median("Gemini 200 ms: turn with a history of 20, CPU", "µs", "unhurried_cpu_us", all),
        Line::median("turn with a history of 20, bytes moved", "kB", "moved_kb", all),
        Line::median("turn with a history of 10,000, bytes moved", "kB", "old_moved_kb", all),
        Line::median("object with a history of 20", "kB", "history_kb", all),
        Line::median("object with a history of 10,000", "kB", "old_history_kb", all),
        Line::median("128 MB: init + first turn", "ms", "small_cold_ms", all),
        Line::median("128 MB: first turn", "ms", "small_first_ms", all),
        Line::median("128 MB: turn, p50", "ms", "small_warm_ms", all),
        Line::median("peak RSS, texts", "MB", "peak_mb", all),
        Line::median("peak RSS, ten 20 MB photos in one batch", "MB", "photos_peak_mb", all),
    ];
    for (size, figure) in SIZES {
        let what = format!("Gemini 200 ms: throughput in batches of {size}");
        let values = all.iter().map(|samples| Some(f64::from(size) * 1e3 / samples.median(figure)?)).collect();
        lines.push(Line { what, unit: "1/s", values });
    }
    let ratio = |samples: &Samples| Some(samples.median("batch_10_ms")? / samples.median("batch_1_ms")?);
    let times: Vec<_> = all.iter().map(ratio).collect();
    let billed = times.iter().map(|ratio| Some((*ratio)? / 10.0)).collect();
    lines.push(Line { what: "Gemini 200 ms: batch of 10 against 1".to_owned(), unit: "×", values: times });
    lines.push(Line {
        what: "Gemini 200 ms: billed per message, in a batch of 10 against alone".to_owned(),
        unit: "×",
        values: billed,
    });
    lines.push(Line::median("zip", "MB", "zip_mb", all));
    lines
}

impl<'a> Measured<'a> {
    async fn start(
        contender: &Contender,
        upstream: &'a Upstream,
        env: &[(&str, String)],
        last_id: u32,
    ) -> anyhow::Result<Self> {
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let function = Function::start(&contender.bootstrap, &env)
            .await
            .with_context(|| format!("starting {}", contender.name))?;
        let process = function.process_id().context("it has ended")?;
        Ok(Self { function, process, upstream, last_id })
    }

    /// Start and first turn, and the bucket once the conversation has 20 messages.
    async fn begin(
        contender: &Contender,
        upstream: &'a Upstream,
        samples: &mut Samples,
    ) -> anyhow::Result<(Self, Objects)> {
        upstream.put_back(&Objects::new());
        let began = Instant::now();
        let mut worker = Self::start(contender, upstream, &upstream.env(), NEW_IDS).await?;
        samples.add("init_ms", ms(began));
        let began = Instant::now();
        worker.answers(&[1001]).await?;
        samples.add("first_ms", ms(began));
        samples.add("first_cpu_ms", worker.cpu_us().await? / 1_000.0);
        for _ in 1..YOUNG {
            worker.answers(&[1001]).await?;
        }
        let young = upstream.objects();
        samples.add("history_kb", bytes(&young) as f64 / 1e3);
        Ok((worker, young))
    }

    async fn cpu_us(&self) -> anyhow::Result<f64> {
        settled().await;
        Ok(cpu_us(self.process)?)
    }

    /// One slice of turns in each conversation.
    async fn slices(&mut self, young: &Objects, old: Option<&Objects>, samples: &mut Samples) -> anyhow::Result<()> {
        let (cpu, moved, times) = self.slice(young, SLICE).await?;
        samples.add("warm_cpu_us", cpu);
        samples.add("moved_kb", moved);
        samples.add_all("warm_ms", times);
        let Some(old) = old else { return Ok(()) };
        let (cpu, moved, _) = self.slice(old, SLICE).await?;
        samples.add("old_cpu_us", cpu);
        samples.add("old_moved_kb", moved);
        Ok(())
    }

    /// Of `turns` turns, every one with these objects in the bucket: CPU in µs and moved bytes in kB of one, and how long
    /// each took in ms but the first, which comes after a rest.
    async fn slice(&mut self, objects: &Objects, turns: u32) -> anyhow::Result<(f64, f64, Vec<f64>)> {
        let (cpu, moved) = (self.cpu_us().await?, self.upstream.moved());
        let mut times = Vec::new();
        for _ in 0..turns {
            self.upstream.put_back(objects);
            let began = Instant::now();
            self.answers(&[1001]).await?;
            times.push(ms(began));
        }
        let (cpu, moved) = (self.cpu_us().await? - cpu, self.upstream.moved() - moved);
        times.remove(0);
        Ok((cpu / f64::from(turns), moved as f64 / f64::from(turns) / 1e3, times))
    }

    /// Batches of each size by turns, the messages of one in conversations of their own.
    async fn batches(&mut self, samples: &mut Samples) -> anyhow::Result<()> {
        const ROUNDS: usize = 3;
        self.upstream.put_back(&Objects::new());
        for _ in 0..ROUNDS {
            for (size, figure) in SIZES {
                let chats: Vec<_> = (2001..2001 + i64::from(size)).collect();
                let began = Instant::now();
                self.answers(&chats).await?;
                samples.add(figure, ms(began));
            }
        }
        Ok(())
    }

    async fn answers(&mut self, chats: &[i64]) -> anyhow::Result<()> {
        self.answers_to(chats, &json!({"text": "What does the fox say?"})).await
    }

    /// One batch with a message of each chat, all of which must be answered, and none stay on the queue.
    async fn answers_to(&mut self, chats: &[i64], content: &Value) -> anyhow::Result<()> {
        let records: Vec<_> = chats.iter().map(|chat| self.record(*chat, content)).collect();
        let answer = self.function.invoke(json!({ "Records": records }), TIMEOUT).await?;
        let kept = answer["batchItemFailures"].as_array().map_or(0, Vec::len);
        ensure!(kept == 0, "{kept} messages stay on the queue: {:?}", self.function.logs().last());
        let mut said = self.upstream.said();
        said.sort_by_key(|(chat, _)| *chat);
        let right =
            said.len() == chats.len() && said.iter().zip(chats).all(|(said, chat)| *said == (*chat, ANSWER.into()));
        ensure!(right, "not answered once each: {said:?}; {:?}", self.function.logs().last());
        Ok(())
    }

    fn record(&mut self, chat: i64, content: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({
            "message_id": id, "date": 1_795_348_800,
            "from": {"id": chat, "is_bot": false, "first_name": "Ada", "language_code": "en"},
            "chat": {"id": chat, "type": "private", "first_name": "Ada"}
        });
        for (name, value) in content.as_object().into_iter().flatten() {
            message[name] = value.clone();
        }
        let envelope = json!({
            "version": 1, "update_id": id, "conversation": chat.to_string(), "received_at": 1_795_348_800_000_u64,
            "update": {"update_id": id, "message": message}
        });
        json!({
            "messageId": format!("{id:08}-0000-0000-0000-000000000000"), "receiptHandle": format!("handle-{id}"),
            "body": envelope.to_string(), "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:updates.fifo",
            "attributes": {
                "ApproximateReceiveCount": "1", "SentTimestamp": "1795348800000", "SenderId": "bench",
                "ApproximateFirstReceiveTimestamp": "1795348800000", "MessageGroupId": chat.to_string(),
                "MessageDeduplicationId": id.to_string(), "SequenceNumber": id.to_string()
            }
        })
    }
}

fn bytes(objects: &Objects) -> usize {
    objects.values().map(|(bytes, _)| bytes.len()).sum()
}
