//! The chat page: several chats side by side, and the pipeline beside them. Served on loopback to this machine's browser alone.

mod guard;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::{Value, json};

use crate::gemini::Gemini;
use crate::pipeline::Pipeline;
use crate::serve::Server;
use crate::telegram::Telegram;

/// Nothing from elsewhere is loaded, nothing inline runs, nobody may frame the page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, content type and text of every asset.
const ASSETS: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("index.html")),
    ("/page.css", CSS, include_str!("page.css")),
    ("/message.css", CSS, include_str!("message.css")),
    ("/pipeline.css", CSS, include_str!("pipeline.css")),
    ("/icon.svg", SVG, include_str!("icon.svg")),
    ("/page.js", JS, include_str!("page.js")),
    ("/chat.js", JS, include_str!("chat.js")),
    ("/composer.js", JS, include_str!("composer.js")),
    ("/dom.js", JS, include_str!("dom.js")),
    ("/entities.js", JS, include_str!("entities.js")),
    ("/message.js", JS, include_str!("message.js")),
    ("/pipeline.js", JS, include_str!("pipeline.js")),
    ("/trouble.js", JS, include_str!("trouble.js")),
];

#[derive(Clone)]
struct Parts {
    telegram: Option<Telegram>,
    gemini: Option<Gemini>,
    pipeline: Pipeline,
}

/// Serves the page on 127.0.0.1. What is not simulated is `None`, and the page says so.
pub async fn start(
    port: u16,
    telegram: Option<Telegram>,
    gemini: Option<Gemini>,
    pipeline: Pipeline,
) -> std::io::Result<Server> {
    let mut router = Router::new();
    if let Some(telegram) = &telegram {
        router = router.nest("/_sim/telegram", telegram.control());
    }
    if let Some(gemini) = &gemini {
        router = router.nest("/_sim/gemini", gemini.control());
    }
    let parts = Parts { telegram, gemini, pipeline };
    let own = Router::new().route("/_sim/page", get(setup)).route("/_sim/pipeline", get(depth)).with_state(parts);
    let assets = ASSETS.iter().fold(Router::new(), |router, (path, content_type, text)| {
        let headers = [(header::CONTENT_TYPE, *content_type), (header::CACHE_CONTROL, "no-cache")];
        router.route(path, get(async move || (headers, *text).into_response()))
    });
    let router = router.merge(own).merge(assets).layer(middleware::from_fn(guard::check));
    Server::start(port, router).await
}

/// What is simulated here.
async fn setup(State(parts): State<Parts>) -> Json<Value> {
    Json(json!({"telegram": parts.telegram.is_some(), "gemini": parts.gemini.is_some()}))
}

async fn depth(State(parts): State<Parts>) -> Json<Value> {
    let mut depth = json!(parts.pipeline.depth().await);
    depth["answered"] = parts.telegram.as_ref().map(Telegram::answered).into();
    Json(depth)
}
