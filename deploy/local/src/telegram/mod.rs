//! A simulated Telegram: the Bot API on the wire as a bot knows it, and a control API for the people in its chats.
//! Read `api` for a call's way in, `send` for what becomes of a message, `delivery` for updates, `control` for `/_sim`.

mod api;
mod calls;
mod clock;
mod control;
mod delivery;
mod entity;
mod files;
mod incoming;
mod message;
mod methods;
mod params;
mod photo;
mod refusal;
mod send;
mod server;
mod store;
mod target;
mod text;
mod update;
mod updates;
mod view;
mod webhook;
mod world;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use tokio::task::JoinHandle;

pub use self::calls::Call;
pub use self::incoming::{Incoming, Written};
use self::server::Shared;
use self::world::World;
use crate::fault::Faults;
use crate::serve::Server;

/// How to start the simulation.
#[derive(Clone, Debug)]
pub struct Options {
    /// On 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The one bot's token. Its id is what stands before the colon.
    pub token: String,
    pub username: String,
    /// Where webhooks on `*.on.aws` are really reached, with their `Host` header: stands in for DNS and TLS.
    pub gateway: Option<String>,
    /// Loaded at the start, saved after changes and at the end; the bytes of files go to a folder beside it.
    pub state_file: Option<PathBuf>,
    /// A second of Telegram's retry rule; tests make it short.
    pub retry_unit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            token: "123456789:AAH5simulated-token-of-no-worth-xyz".to_owned(),
            username: "lambdagram_bot".to_owned(),
            gateway: None,
            state_file: None,
            retry_unit: Duration::from_secs(1),
        }
    }
}

/// A handle on the running simulation; it ends with the last one, or with [`Telegram::stop`].
#[derive(Clone)]
pub struct Telegram {
    shared: Arc<Shared>,
    running: Arc<Running>,
}

struct Running {
    url: String,
    shared: Arc<Shared>,
    parts: Mutex<Option<(Server, Vec<JoinHandle<()>>)>>,
}

impl Telegram {
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let port = options.port;
        let bot_id = options.token.split(':').next().and_then(|id| id.parse().ok()).unwrap_or(123_456_789);
        let mut world = match &options.state_file {
            Some(path) => store::load(path)?,
            None => None,
        }
        .unwrap_or_else(|| World::new(bot_id, &options.username));
        world.updates.recall();
        let shared = Arc::new(Shared::new(options, world));
        let server = Server::start(port, router(&shared)).await?;
        let tasks = vec![
            tokio::spawn(delivery::deliver(shared.clone(), delivery::client()?)),
            tokio::spawn(store::keep_saved(shared.clone())),
            tokio::spawn(view::expire(shared.clone())),
        ];
        let url = server.url();
        let running = Running { url, shared: shared.clone(), parts: Mutex::new(Some((server, tasks))) };
        Ok(Self { shared, running: Arc::new(running) })
    }

    /// The base URL, for `TELEGRAM_API_URL`: no slash at its end.
    pub fn url(&self) -> String {
        self.running.url.clone()
    }

    /// Everything this serves; the control API is below `/_sim`.
    pub fn router(&self) -> Router {
        router(&self.shared)
    }

    /// The control API alone, without `/_sim`, to be nested elsewhere.
    pub fn control(&self) -> Router {
        control::router(&self.shared)
    }

    pub fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }

    /// What the bot called, newest last.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls().list()
    }

    /// How many updates the bot has answered.
    pub fn answered(&self) -> u64 {
        self.shared.with(|world| world.updates.answered)
    }

    /// Somebody writes to a chat.
    pub fn user_writes(&self, incoming: Incoming) -> anyhow::Result<Written> {
        incoming::write(&self.shared, incoming).map_err(anyhow::Error::msg)
    }

    /// Waits until the bot has made a call that `wanted` accepts, and returns it; `None` after `patience`.
    pub async fn call_matching(&self, patience: Duration, wanted: impl Fn(&Call) -> bool) -> Option<Call> {
        let mut changes = self.shared.changes();
        let found = async {
            loop {
                changes.mark_unchanged();
                if let Some(call) = self.calls().into_iter().find(&wanted) {
                    return Some(call);
                }
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(patience, found).await.ok().flatten()
    }

    /// Ends the server and the delivery, and saves the state.
    pub fn stop(&self) -> anyhow::Result<()> {
        self.running.stop()
    }
}

impl Running {
    fn stop(&self) -> anyhow::Result<()> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((server, tasks)) = parts else { return Ok(()) };
        drop(server);
        tasks.iter().for_each(JoinHandle::abort);
        store::save(&self.shared)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("The simulated Telegram could not save its state: {error:#}");
        }
    }
}

fn router(shared: &Arc<Shared>) -> Router {
    Router::new().nest("/_sim", control::router(shared)).merge(api::router(shared))
}
