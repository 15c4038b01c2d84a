//! How the bot wants its updates: setWebhook, deleteWebhook, getWebhookInfo, getUpdates.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::api::Answer;
use super::params::Params;
use super::refusal::Refusal;
use super::server::Shared;
use super::updates::Webhook;
use super::world::World;

/// The longest wait of a long poll.
const MAX_POLL: i64 = 50;

/// Telegram also refuses a second call within a second with 429; that would only slow tests down, who can order it.
pub(crate) fn set(world: &mut World, params: &Params) -> Result<Answer, Refusal> {
    let url = params.text("url");
    if url.is_empty() {
        return Ok(delete(world, params));
    }
    let url = check_url(url)?;
    let secret_token = params.text("secret_token");
    if secret_token.len() > 256 {
        return Err(Refusal::bad_request("secret token is too long"));
    }
    if !secret_token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return Err(Refusal::bad_request("secret token contains unallowed characters"));
    }
    let webhook = Webhook {
        url,
        secret_token: secret_token.to_owned(),
        // As every integer of the Bot API: out of range is brought into it, no number is the default.
        max_connections: params.integer("max_connections").unwrap_or(40).clamp(1, 100).unsigned_abs(),
        ip_address: params.text("ip_address").to_owned(),
        has_custom_certificate: params.upload("certificate").is_some(),
        last_error_s: None,
        last_error: None,
    };
    if params.flag("drop_pending_updates") {
        world.updates.drop_pending();
    }
    allow_updates(world, params);
    let same = world.updates.webhook.as_ref().is_some_and(|current| {
        (&current.url, &current.secret_token, current.max_connections)
            == (&webhook.url, &webhook.secret_token, webhook.max_connections)
    });
    if same {
        return Ok(Answer { result: json!(true), description: Some("Webhook is already set") });
    }
    world.updates.recall();
    world.updates.webhook = Some(webhook);
    Ok(Answer { result: json!(true), description: Some("Webhook was set") })
}

/// `https` on four ports, as Telegram; plain `http` only to this machine, as its server's local mode.
fn check_url(text: &str) -> Result<String, Refusal> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let invalid = |_| Refusal::bad_request("invalid webhook URL specified");
    let url = Url::parse(&with_scheme).map_err(invalid)?;
    let bad = |reason: &str| Err(Refusal::bad_request(format!("bad webhook: {reason}")));
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "http" if host == "127.0.0.1" => Ok(with_scheme),
        "http" => bad("An HTTPS URL must be provided for webhook"),
        "https" if !matches!(url.port_or_known_default(), Some(443 | 80 | 88 | 8443)) => {
            bad("Webhook can be set up only on ports 80, 88, 443 or 8443")
        }
        "https" if !host.contains('.') => bad("Failed to resolve host: Name or service not known"),
        "https" => Ok(with_scheme),
        _ => Err(Refusal::bad_request("invalid webhook URL specified")),
    }
}

/// An absent list changes nothing, an empty one is the default.
fn allow_updates(world: &mut World, params: &Params) {
    if let Some(kinds) = params.json::<Vec<String>>("allowed_updates") {
        world.updates.allowed = Some(kinds).filter(|kinds| !kinds.is_empty());
    }
}

pub(crate) fn delete(world: &mut World, params: &Params) -> Answer {
    if params.flag("drop_pending_updates") {
        world.updates.drop_pending();
    }
    world.updates.recall();
    let was_set = world.updates.webhook.take().is_some();
    let description = if was_set { "Webhook was deleted" } else { "Webhook is already deleted" };
    Answer { result: json!(true), description: Some(description) }
}

pub(crate) fn info(world: &World) -> Value {
    let pending = world.updates.pending().count();
    let webhook = world.updates.webhook.clone().unwrap_or_default();
    let mut info = json!({ "url": webhook.url, "has_custom_certificate": webhook.has_custom_certificate, "pending_update_count": pending });
    if !webhook.url.is_empty() {
        info["max_connections"] = json!(webhook.max_connections);
    }
    let ip_address = Some(webhook.ip_address).filter(|address| !address.is_empty());
    let optional = [
        ("ip_address", json!(ip_address)),
        ("last_error_date", json!(webhook.last_error_s)),
        ("last_error_message", json!(webhook.last_error)),
        ("allowed_updates", json!(world.updates.allowed)),
    ];
    for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_null()) {
        info[name] = value;
    }
    info
}

/// Waits up to `timeout` seconds for an update; refused while a webhook is set.
pub(crate) async fn get_updates(shared: &Arc<Shared>, params: &Params) -> Result<Value, Refusal> {
    let offset = params.integer("offset").unwrap_or(0);
    let limit = usize::try_from(params.integer("limit").unwrap_or(100).clamp(1, 100)).unwrap_or(100);
    let wait_s = params.integer("timeout").unwrap_or(0).clamp(0, MAX_POLL).unsigned_abs();
    let deadline = Instant::now() + Duration::from_secs(wait_s);
    let mut changes = shared.changes();
    shared.with(|world| allow_updates(world, params));
    loop {
        changes.mark_unchanged();
        let bodies = shared.with(|world| match world.updates.webhook {
            Some(_) => Err(Refusal::new(
                409,
                "Conflict: can't use getUpdates method while webhook is active; \
                 use deleteWebhook to delete the webhook first",
            )),
            None => Ok(world.updates.hand_out(offset, limit)),
        })?;
        if !bodies.is_empty() || Instant::now() >= deadline {
            return Ok(bodies.iter().filter_map(|body| serde_json::from_str::<Value>(body).ok()).collect());
        }
        drop(tokio::time::timeout_at(deadline, changes.changed()).await);
    }
}
