//! The state as the page shows it, and word of every change.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::server::Shared;
use super::update::Update;
use super::world::{Chat, World};

/// Updates shown, the newest last.
const SHOWN: usize = 100;
/// The state goes out at most ten times a second.
const PAUSE: Duration = Duration::from_millis(100);
/// How soon a stale "typing…" disappears.
const EXPIRY_CHECK: Duration = Duration::from_millis(250);

pub(crate) fn state(shared: &Shared) -> Value {
    let version = shared.version();
    shared.with(|world| {
        let updates = &world.updates;
        let webhook = updates.webhook.clone().unwrap_or_default();
        let first = updates.queue.len().saturating_sub(SHOWN);
        json!({
            "bot": world.bot,
            "users": world.users.values().collect::<Vec<_>>(),
            "chats": world.chats.values().map(|chat| describe_chat(world, chat)).collect::<Vec<_>>(),
            "updates": updates.queue[first..].iter().map(describe_update).collect::<Vec<_>>(),
            "webhook": { "url": webhook.url, "last_error_date": webhook.last_error_s, "last_error_message": webhook.last_error,
                "pending_update_count": updates.pending().count() },
            "answered": updates.answered,
            "version": version,
        })
    })
}

fn describe_chat(world: &World, chat: &Chat) -> Value {
    let mut view = chat.json();
    view["members"] = json!(chat.members);
    view["threads"] = json!(chat.threads);
    view["messages"] = chat.messages.values().map(|message| message.view(world, chat)).collect();
    view["action"] = match &chat.action {
        Some(action) => json!({ "kind": action.kind, "until_ms": action.until_ms }),
        None => Value::Null,
    };
    view["draft"] = match &chat.draft {
        Some(draft) => json!({ "draft_id": draft.draft_id, "text": draft.content["text"],
            "entities": draft.content["entities"], "until_ms": draft.until_ms }),
        None => Value::Null,
    };
    for (name, set) in [("blocked", chat.blocked), ("kicked", chat.kicked), ("deactivated", chat.deactivated)] {
        if set {
            view[name] = json!(true);
        }
    }
    if let Some(to) = chat.migrate_to_chat_id {
        view["migrate_to_chat_id"] = json!(to);
    }
    view
}

fn describe_update(update: &Update) -> Value {
    json!({
        "update_id": update.update_id,
        "chat_id": update.chat_id,
        "message_id": update.message_id,
        "kind": update.kind,
        "status": update.status,
        "attempts": update.attempts,
        "last_status": update.last_status,
        "sent_ms": update.sent_ms,
        "accepted_ms": update.accepted_ms,
        "answered_ms": update.answered_ms(),
    })
}

/// Server-sent events: `state` at the start and after every change.
pub(crate) fn events(shared: Arc<Shared>) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let mut changes = shared.changes();
    changes.mark_changed();
    stream::unfold((shared, changes), |(shared, mut changes)| async move {
        changes.changed().await.ok()?;
        sleep(PAUSE).await;
        changes.mark_unchanged();
        let event = format!("event: state\ndata: {}\n\n", state(&shared));
        Some((Ok(Bytes::from(event)), (shared, changes)))
    })
}

/// Lets actions and drafts end when their time is over.
pub(crate) async fn expire(shared: Arc<Shared>) {
    loop {
        sleep(EXPIRY_CHECK).await;
        let expired = shared.with(|world| {
            let expired: Vec<bool> = world.chats.values_mut().map(Chat::forget_expired).collect();
            expired.contains(&true)
        });
        if expired {
            shared.changed();
        }
    }
}
