//! The control API: what was received, and which faults are on order.

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};

use super::State;
use super::calls::Call;
use crate::fault::Fault;

pub(super) fn router(state: State) -> Router {
    Router::new()
        .route("/calls", get(calls).delete(forget))
        .route("/faults", get(faults).post(order).delete(clear))
        .with_state(state)
}

async fn calls(Shared(state): Shared<State>) -> Json<Vec<Call>> {
    Json(state.calls.list())
}

async fn forget(Shared(state): Shared<State>) -> StatusCode {
    state.calls.clear();
    StatusCode::NO_CONTENT
}

async fn faults(Shared(state): Shared<State>) -> Json<Vec<Fault>> {
    Json(state.faults.list())
}

async fn order(Shared(state): Shared<State>, Json(fault): Json<Fault>) -> StatusCode {
    state.faults.order(fault);
    StatusCode::NO_CONTENT
}

async fn clear(Shared(state): Shared<State>) -> StatusCode {
    state.faults.clear();
    StatusCode::NO_CONTENT
}
