//! Delivers updates to the webhook, in parallel over chats and strictly one after another within each.
//!
//! A webhook's answer may hold a method to call; this simulation ignores it, since the bot never answers so.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST, RETRY_AFTER};
use reqwest::{Client, Response, redirect};
use tokio::task::JoinSet;
use url::Url;

use super::clock::now_ms;
use super::server::Shared;
use super::update::Update;
use super::updates::{Attempt, Webhook};

/// How long the webhook may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Delivers until the task is aborted.
pub(crate) async fn deliver(shared: Arc<Shared>, client: Client) {
    let mut changes = shared.changes();
    let mut attempts = JoinSet::new();
    loop {
        changes.mark_unchanged();
        while attempts.try_join_next().is_some() {}
        let (due, next_ms, webhook) = shared.with(|world| {
            let (due, next_ms) = world.updates.take_due(now_ms());
            (due, next_ms, world.updates.webhook.clone())
        });
        if let (Some(webhook), false) = (webhook, due.is_empty()) {
            shared.changed();
            for update in due {
                attempts.spawn(attempt(shared.clone(), client.clone(), webhook.clone(), update));
            }
            continue;
        }
        let wait = next_ms.map_or(Duration::MAX, |next_ms| Duration::from_millis(next_ms.saturating_sub(now_ms())));
        // An error means that the sender is gone, and with it the server.
        drop(tokio::time::timeout(wait, changes.changed()).await);
    }
}

async fn attempt(shared: Arc<Shared>, client: Client, webhook: Webhook, update: Update) {
    let outcome = match post(&shared, &client, &webhook, update.body).await {
        Ok(response) => judge(&response),
        Err(error) => {
            let error = if error.is_timeout() {
                "Read timeout expired"
            } else if error.is_connect() {
                "Connection refused"
            } else {
                "Webhook connection closed"
            };
            Attempt { status: None, retry_after_s: 0, error: Some(error.to_owned()) }
        }
    };
    shared.change(|world| {
        // A webhook set in the meantime has recalled the update: the old one's answer counts no more.
        if world.updates.webhook.as_ref().is_some_and(|current| current.url == webhook.url) {
            world.updates.settle(update.update_id, &outcome, shared.retry_unit);
        }
    });
}

async fn post(shared: &Shared, client: &Client, webhook: &Webhook, body: String) -> reqwest::Result<Response> {
    let (address, host) = route(&webhook.url, shared.gateway.as_deref());
    let mut request = client.post(address).body(body);
    request = request.header(CONTENT_TYPE, "application/json").header(ACCEPT_ENCODING, "gzip, deflate");
    if let Some(host) = host {
        request = request.header(HOST, host);
    }
    if !webhook.secret_token.is_empty() {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", &webhook.secret_token);
    }
    let response = request.send().await?;
    Ok(response)
}

/// Where a webhook is really reached: a Function URL through the gateway, under its own name.
fn route(url: &str, gateway: Option<&str>) -> (String, Option<String>) {
    let parsed = Url::parse(url).ok();
    let host = parsed.as_ref().and_then(Url::host_str).filter(|host| host.ends_with(".on.aws"));
    match (gateway, &parsed, host) {
        (Some(gateway), Some(parsed), Some(host)) => {
            let query = parsed.query().map(|query| format!("?{query}")).unwrap_or_default();
            (format!("{}{}{query}", gateway.trim_end_matches('/'), parsed.path()), Some(host.to_owned()))
        }
        _ => (url.to_owned(), None),
    }
}

fn judge(response: &Response) -> Attempt {
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let reason = status.canonical_reason().unwrap_or_default();
    let error = format!("Wrong response from the webhook: {} {reason}", status.as_u16());
    Attempt {
        status: Some(status.as_u16()),
        retry_after_s: retry_after.unwrap_or(0),
        error: (!status.is_success()).then_some(error),
    }
}

/// A client that trusts the public roots, follows no redirect and keeps its connections alive, as Telegram's.
pub(crate) fn client() -> anyhow::Result<Client> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(ANSWER_TIMEOUT)
        .build()?;
    Ok(client)
}
