//! What the Bot API, the control API and the delivery share: the world, and word of its changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::watch;

use super::calls::Calls;
use super::world::World;
use crate::fault::Faults;

pub(crate) struct Shared {
    pub(crate) token: String,
    pub(crate) gateway: Option<String>,
    pub(crate) retry_unit: Duration,
    pub(crate) state_file: Option<PathBuf>,
    pub(crate) faults: Faults,
    world: Mutex<World>,
    calls: Mutex<Calls>,
    /// By file id.
    bytes: Mutex<HashMap<String, Bytes>>,
    version: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(options: super::Options, world: World) -> Self {
        Self {
            token: options.token,
            gateway: options.gateway,
            retry_unit: options.retry_unit,
            state_file: options.state_file,
            faults: Faults::default(),
            world: Mutex::new(world),
            calls: Mutex::default(),
            bytes: Mutex::default(),
            version: watch::Sender::new(1),
        }
    }

    /// Reads the world.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&mut World) -> T) -> T {
        read(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the world, and tells those who wait for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = self.with(change);
        self.changed();
        result
    }

    pub(crate) fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    /// Counts the changes since the start.
    pub(crate) fn version(&self) -> u64 {
        *self.version.borrow()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub(crate) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn bytes(&self) -> MutexGuard<'_, HashMap<String, Bytes>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
