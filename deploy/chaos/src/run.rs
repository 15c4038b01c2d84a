//! One run: start everything, let people write, wait until all is quiet, replay, wait again, and hand over the record.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use local::lambda::Function;
use local::serve::Server;
use tokio::task::JoinSet;

use crate::door::Door;
use crate::event::{Entry, Event, Kind};
use crate::feed::{SECRET_SHA256, Webhook};
use crate::plan::Plan;
use crate::world::World;
use crate::{mapping, script, telegram};

/// Without faults.
const REPLAYS: usize = 2;

#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    pub updates: u64,
    pub conversations: u64,
    pub workers: usize,
    pub ingresses: usize,
    /// Shares of the outside calls.
    pub failing: f64,
    pub killed: f64,
    /// The bucket forgets everything: the worker has no memory.
    pub forgetful: bool,
    /// Where the functions' binaries are.
    pub binaries: PathBuf,
    /// A run that takes longer has failed.
    pub patience: Duration,
}

/// # Errors
/// When the functions cannot be started, or the run does not come to its end.
pub async fn run(settings: &Settings) -> Result<Vec<Entry>> {
    let plan = Plan::new(settings.seed, settings.failing, settings.killed);
    let world = Arc::new(World::new(plan, settings.forgetful));
    let stop = Arc::new(AtomicBool::new(false));
    let (mut servers, mut mappings) = (Vec::new(), JoinSet::new());
    for n in 0..settings.workers {
        let (function, door, server) = worker(settings, &world, n).await?;
        servers.push(server);
        mappings.spawn(mapping::run(Arc::clone(&world), function, door, Arc::clone(&stop)));
    }
    let mut ingresses = Vec::new();
    for n in 0..settings.ingresses {
        let (function, door, server) = ingress(settings, &world, n).await?;
        servers.push(server);
        ingresses.push((function, door));
    }
    let webhook = Arc::new(Webhook::new(Arc::clone(&world), ingresses));
    tokio::select! {
        played = tokio::time::timeout(settings.patience, play(settings, &world, webhook)) => match played {
            Ok(ended) => ended?,
            // What has no end by now counts as lost.
            Err(_elapsed) => eprintln!("it does not end: judged as it stands after {:?}", settings.patience),
        },
        () = progress(&world) => {}
    }
    stop.store(true, Ordering::Relaxed);
    mappings.join_all().await;
    Ok(ended(&world))
}

async fn play(settings: &Settings, world: &World, webhook: Arc<Webhook>) -> Result<()> {
    let mut talks = JoinSet::new();
    for lines in script::write(settings.seed, settings.updates, settings.conversations) {
        let webhook = Arc::clone(&webhook);
        talks.spawn(async move { webhook.talk(lines).await });
    }
    while let Some(talk) = talks.join_next().await {
        talk?;
    }
    quiet(world).await;
    // Once under faults, then without any.
    replay(world);
    quiet(world).await;
    world.lock().plan.end();
    // A replay may end in the dead-letter queue again: the next one is allowed one send more.
    for _ in 0..REPLAYS {
        replay(world);
        quiet(world).await;
    }
    Ok(())
}

/// A line now and then, for long runs.
async fn progress(world: &World) {
    let mut ticks = tokio::time::interval(Duration::from_secs(30));
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let state = world.lock();
        let sent = state.log.iter().filter(|entry| matches!(entry.event, Event::Accepted { .. })).count();
        let (waiting, dead) = (state.queue.waiting().len(), state.queue.dead().len());
        eprintln!("{:>5} s: {sent} updates sent, {waiting} on the queue, {dead} dead", state.now_ms / 1000);
    }
}

/// Until nothing is on the queue.
async fn quiet(world: &World) {
    while !world.lock().queue.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything in the dead-letter queue that is not there by right goes back, in order, under a new deduplication id.
fn replay(world: &World) {
    let mut state = world.lock();
    let is_poison = |event: &Event| match event {
        Event::Accepted { update, kind: Kind::Poison, .. } => Some(*update),
        _ => None,
    };
    let poison: BTreeSet<_> = state.log.iter().filter_map(|entry| is_poison(&entry.event)).collect();
    let now_ms = state.now_ms;
    for message in state.queue.take_dead(|update| !poison.contains(&update)) {
        let dedup = format!("replay-{}-{now_ms}", message.id);
        state.queue.send(now_ms, &message.group, &dedup, message.update, message.body);
        state.note(Event::Replayed { update: message.update });
    }
}

fn ended(world: &World) -> Vec<Entry> {
    let mut state = world.lock();
    for update in state.queue.waiting() {
        state.note(Event::LeftWaiting { update });
    }
    for update in state.queue.dead() {
        state.note(Event::LeftDead { update });
    }
    let objects: Vec<_> = state.bucket.objects().map(|(key, bytes)| (key.to_owned(), bytes.clone())).collect();
    for (conversation, bytes) in objects {
        let json = String::from_utf8_lossy(&bytes).into_owned();
        state.note(Event::LeftObject { conversation, json });
    }
    std::mem::take(&mut state.log)
}

type Started = (Arc<Function>, Arc<Door>, Server);

async fn worker(settings: &Settings, world: &Arc<World>, n: usize) -> Result<Started> {
    let (door, server) = Door::open(format!("worker-{n}"), Arc::clone(world)).await?;
    let url = server.url();
    let env = [
        ("AWS_ENDPOINT_URL", url.clone()),
        ("QUEUE_URL", format!("{url}/000000000000/updates.fifo")),
        ("S3_BUCKET", "bucket".to_owned()),
        ("TELEGRAM_API_URL", url.clone()),
        ("TELEGRAM_TOKEN", telegram::TOKEN.to_owned()),
        ("GEMINI_API_URL", format!("{url}/v1beta")),
        ("GEMINI_API_KEY", "a-key-of-no-worth".to_owned()),
        ("ALLOWED_CHATS", "*".to_owned()),
    ];
    start(settings, "worker", &env, door, server).await
}

async fn ingress(settings: &Settings, world: &Arc<World>, n: usize) -> Result<Started> {
    let (door, server) = Door::open(format!("ingress-{n}"), Arc::clone(world)).await?;
    let env = [
        ("AWS_ENDPOINT_URL", server.url()),
        ("QUEUE_URL", format!("{}/000000000000/updates.fifo", server.url())),
        ("WEBHOOK_SECRET_SHA256", SECRET_SHA256.to_owned()),
    ];
    start(settings, "ingress", &env, door, server).await
}

async fn start(
    settings: &Settings,
    name: &str,
    env: &[(&str, String)],
    door: Arc<Door>,
    server: Server,
) -> Result<Started> {
    let binary = settings.binaries.join(name);
    ensure!(binary.exists(), "there is no {}: cargo build --workspace makes it", binary.display());
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let function = Arc::new(Function::start(&binary, &env).await?);
    door.belongs_to(Arc::clone(&function));
    Ok((function, door, server))
}

/// The folder of the functions' binaries: where this program is, or above it for a test.
///
/// # Errors
/// When this program cannot be found.
pub fn binaries() -> Result<PathBuf> {
    let exe = std::env::current_exe()?;
    let folder = exe.parent().context("a program without a folder")?;
    let above = folder.parent().filter(|_| folder.ends_with("deps"));
    Ok(above.unwrap_or(folder).to_path_buf())
}

/// For the table: how long a run took.
pub async fn timed(settings: &Settings) -> Result<(Vec<Entry>, Duration)> {
    let began = Instant::now();
    let log = run(settings).await?;
    Ok((log, began.elapsed()))
}
