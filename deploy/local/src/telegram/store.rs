//! The world in a file: loaded at the start, replaced whole after changes.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::server::Shared;
use super::world::World;

/// Changes that come together are saved together.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// `None`: there is no such file yet.
pub(crate) fn load(path: &Path) -> anyhow::Result<Option<World>> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let world = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not a state of this version: remove it to start anew", path.display()))?;
    Ok(Some(world))
}

/// Saves after every change until the task is aborted.
pub(crate) async fn keep_saved(shared: Arc<Shared>) {
    let mut changes = shared.changes();
    while changes.changed().await.is_ok() {
        tokio::time::sleep(DEBOUNCE).await;
        changes.mark_unchanged();
        if let Err(error) = save(&shared) {
            eprintln!("The simulated Telegram could not save its state: {error:#}");
        }
    }
}

/// Written beside and renamed, so that a crash leaves the old state or the new one.
pub(crate) fn save(shared: &Shared) -> anyhow::Result<()> {
    let Some(path) = &shared.state_file else { return Ok(()) };
    let bytes = shared.with(|world| serde_json::to_vec(world))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut beside = path.clone().into_os_string();
    beside.push(".new");
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
