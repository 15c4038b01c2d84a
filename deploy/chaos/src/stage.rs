//! Everything of a run that is started and stopped: the world, the functions with their doors, and the operator.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use axum::body::Bytes;
use local::lambda::Function;
use local::serve::Server;
use tokio::task::JoinSet;

use crate::door::Door;
use crate::event::{Entry, Event};
use crate::feed::{SECRET_SHA256, Webhook};
use crate::operator::Operator;
use crate::plan::Plan;
use crate::run::Settings;
use crate::world::World;
use crate::{call, mapping, script, sqs, telegram};

pub struct Stage {
    pub world: Arc<World>,
    pub operator: Operator,
    pub webhook: Arc<Webhook>,
    stop: Arc<AtomicBool>,
    mappings: JoinSet<()>,
    servers: Vec<Server>,
}

type Started = (Arc<Function>, Arc<Door>, Server);

impl Stage {
    /// # Errors
    /// When a function cannot be started.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let Settings { seed, failing, killed, hanging, .. } = *settings;
        // What is never remembered cannot break.
        let breaks = failing > 0.0 && !settings.forgetful;
        let corruptions = if breaks { script::corruptions(seed, settings.conversations) } else { [].into() };
        let world = Arc::new(World::new(Plan::new(seed, failing, killed, hanging), settings.forgetful, corruptions));
        let operator = Operator::open(&settings.binaries, &world).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let (mut servers, mut mappings, mut ingresses) = (Vec::new(), JoinSet::new(), Vec::new());
        for n in 0..settings.workers {
            let (function, door, server) = worker(settings, &world, n).await?;
            servers.push(server);
            mappings.spawn(mapping::run(Arc::clone(&world), function, door, Arc::clone(&stop)));
        }
        for n in 0..settings.ingresses {
            let (function, door, server) = ingress(settings, &world, n).await?;
            servers.push(server);
            ingresses.push((function, door));
        }
        let webhook = Arc::new(Webhook::new(Arc::clone(&world), ingresses));
        Ok(Self { world, operator, webhook, stop, mappings, servers })
    }

    /// Lets the functions end what they are at, and hands over the record with what is left everywhere.
    pub async fn close(self) -> Vec<Entry> {
        self.stop.store(true, Ordering::Relaxed);
        self.mappings.join_all().await;
        drop(self.servers);
        ended(&self.world)
    }
}

fn ended(world: &World) -> Vec<Entry> {
    let mut state = world.lock();
    for update in state.queue.waiting() {
        state.note(Event::LeftWaiting { update });
    }
    for update in state.dead.waiting() {
        state.note(Event::LeftDead { update });
    }
    let kept =
        |(key, bytes): (&str, &Bytes)| Some((call::conversation(key)?, String::from_utf8_lossy(bytes).into_owned()));
    let objects: Vec<_> = state.bucket.objects().filter_map(kept).collect();
    for (conversation, json) in objects {
        state.note(Event::LeftObject { conversation, json });
    }
    std::mem::take(&mut state.log)
}

async fn worker(settings: &Settings, world: &Arc<World>, n: usize) -> Result<Started> {
    let (door, server) = Door::open(format!("worker-{n}"), Arc::clone(world)).await?;
    let url = server.url();
    let env = [
        ("AWS_ENDPOINT_URL", url.clone()),
        ("QUEUE_URL", format!("{url}/{}", sqs::UPDATES)),
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
        ("QUEUE_URL", format!("{}/{}", server.url(), sqs::UPDATES)),
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

/// The folder of the binaries: where this program is, or above it for a test.
///
/// # Errors
/// When this program cannot be found.
pub fn binaries() -> Result<PathBuf> {
    let exe = std::env::current_exe()?;
    let folder = exe.parent().context("a program without a folder")?;
    let above = folder.parent().filter(|_| folder.ends_with("deps"));
    Ok(above.unwrap_or(folder).to_path_buf())
}
