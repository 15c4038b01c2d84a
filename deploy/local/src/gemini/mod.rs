//! A simulated Gemini API: it refuses what the real one refuses, in its words, and answers sensibly enough to show a bot at work.
//! It says that it is simulated, keeps what it received, and goes wrong on order. Read `answer.rs` for what it says.

mod answer;
mod calls;
mod control;
mod draw;
mod media;
mod models;
mod picture;
mod refusal;
mod reply;
mod request;
mod schema;
mod serve;
mod turns;
mod validate;

use std::sync::Arc;

use axum::Router;

pub use calls::Call;

use crate::fault::Faults;
use crate::serve::Server;
use calls::Calls;

/// How to start it; port 0 takes a free one.
pub struct Options {
    pub port: u16,
    pub api_key: String,
}

/// A running simulated Gemini; it ends when the last clone of this is dropped.
#[derive(Clone)]
pub struct Gemini {
    state: State,
    server: Arc<Server>,
}

#[derive(Clone)]
pub(crate) struct State {
    api_key: Arc<str>,
    calls: Calls,
    faults: Faults,
}

impl Gemini {
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let state = State { api_key: options.api_key.into(), calls: Calls::default(), faults: Faults::default() };
        let server = Arc::new(Server::start(options.port, everything(&state)).await?);
        Ok(Self { state, server })
    }

    /// `http://127.0.0.1:PORT`; the API's base is this with `/v1beta`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The API under `/v1beta` and the control API under `/_sim`.
    pub fn router(&self) -> Router {
        everything(&self.state)
    }

    /// The control API alone, relative to where it is mounted: `/calls`, `/faults`.
    pub fn control(&self) -> Router {
        control::router(self.state.clone())
    }

    pub fn faults(&self) -> Faults {
        self.state.faults.clone()
    }

    /// What it received, newest last.
    pub fn calls(&self) -> Vec<Call> {
        self.state.calls.list()
    }
}

fn everything(state: &State) -> Router {
    serve::router(state.clone()).nest("/_sim", control::router(state.clone()))
}
