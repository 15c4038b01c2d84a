//! One run: start everything, let people write, wait until all is quiet, replay, wait again, and hand over the record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use crate::event::{Entry, Event};
use crate::plan::Service;
use crate::script::{self, How};
use crate::stage::Stage;
use crate::world::World;

/// Without faults. What was sent with an unknown outcome may need a second one.
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
    /// Whose calls may hang until the caller gives up waiting.
    pub hanging: &'static [Service],
    /// The bucket forgets everything: the worker has no memory.
    pub forgetful: bool,
    /// Where the functions' binaries are, and the operator's.
    pub binaries: PathBuf,
    /// A run that takes longer has failed.
    pub patience: Duration,
}

/// # Errors
/// When the functions cannot be started, or the operator's command does not do its work.
pub async fn run(settings: &Settings) -> Result<Vec<Entry>> {
    let stage = Stage::open(settings).await?;
    tokio::select! {
        played = tokio::time::timeout(settings.patience, play(settings, &stage)) => match played {
            Ok(ended) => ended?,
            // What has no end by now counts as lost.
            Err(_elapsed) => eprintln!("it does not end: judged as it stands after {:?}", settings.patience),
        },
        () = progress(&stage.world) => {}
    }
    Ok(stage.close().await)
}

async fn play(settings: &Settings, stage: &Stage) -> Result<()> {
    let mut talks = JoinSet::new();
    for lines in script::write(settings.seed, settings.updates, settings.conversations) {
        let webhook = Arc::clone(&stage.webhook);
        talks.spawn(async move { webhook.talk(lines).await });
    }
    while let Some(talk) = talks.join_next().await {
        talk?;
    }
    quiet(&stage.world).await;
    // Once under faults and with a Ctrl-C, then without any.
    stage.operator.replay(&[2]).await?;
    quiet(&stage.world).await;
    stage.world.lock().plan.end();
    for _ in 0..REPLAYS {
        stage.operator.replay(&[]).await?;
        quiet(&stage.world).await;
    }
    Ok(())
}

/// A run of another kind: as many questions as the settings say lie in the dead-letter queue, and the operator replays
/// them all, interrupted twice.
///
/// # Errors
/// When the functions cannot be started, or the operator's command does not do its work.
pub async fn replay_interrupted_twice(settings: &Settings) -> Result<Vec<Entry>> {
    let stage = Stage::open(settings).await?;
    for line in script::questions(settings.updates, settings.conversations) {
        let How::Foreign(body) = line.how else { continue };
        let mut state = stage.world.lock();
        let now_ms = state.now_ms;
        let (update, conversation, kind) = (line.update, line.conversation, line.kind);
        state.dead.send(now_ms, &conversation, &update.to_string(), update, body);
        state.note(Event::Accepted { update, conversation, kind });
    }
    let third = usize::try_from(settings.updates / 3)?;
    let interrupted = tokio::time::timeout(settings.patience, stage.operator.replay(&[third, third])).await??;
    ensure!(interrupted == 2, "replay was interrupted {interrupted} times");
    tokio::time::timeout(settings.patience, quiet(&stage.world)).await?;
    Ok(stage.close().await)
}

/// A line now and then, for long runs.
async fn progress(world: &World) {
    let mut ticks = tokio::time::interval(Duration::from_secs(30));
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let state = world.lock();
        let sent = state.log.iter().filter(|entry| matches!(entry.event, Event::Accepted { .. })).count();
        let (waiting, dead) = (state.queue.waiting().len(), state.dead.waiting().len());
        eprintln!("{:>5} s: {sent} updates sent, {waiting} on the queue, {dead} dead", state.now_ms / 1000);
    }
}

/// Until nothing is on the queue.
async fn quiet(world: &World) {
    while !world.lock().queue.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// For the table: how long a run took.
///
/// # Errors
/// As the run.
pub async fn timed(run: impl Future<Output = Result<Vec<Entry>>>) -> Result<(Vec<Entry>, Duration)> {
    let began = Instant::now();
    let log = run.await?;
    Ok((log, began.elapsed()))
}
