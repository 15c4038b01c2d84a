//! The control API: people write, chats change, faults are ordered, and everything can be looked at.
//! Whatever is wrong with a request is answered with 400 and a sentence that says what to do.
//!
//! ```text
//! GET  state, events                  all there is, once or as server-sent events
//! POST messages, photos, updates      somebody writes; a raw Update is delivered as it is
//! POST chats, chats/<id>              create; set blocked, deactivated, kicked, is_forum, title, thread, migrate_to_chat_id
//! POST bot                            can_read_all_group_messages
//! GET, PUT files/<file_id>            bytes; give a file an id
//! GET, DELETE calls                   what the bot called
//! GET, POST, DELETE faults            what shall go wrong
//! ```

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::files;
use super::incoming::{self, Incoming};
use super::server::Shared;
use super::view;
use super::world::{Chat, ChatKind, User, World};
use crate::fault::Fault;

type Control = State<Arc<Shared>>;
/// A result or a sentence for whoever asked.
type Outcome = Result<Json<Value>, Advice>;

/// 400: what to do instead.
pub(crate) struct Advice(String);

impl From<String> for Advice {
    fn from(sentence: String) -> Self {
        Self(sentence)
    }
}

impl IntoResponse for Advice {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/state", get(state))
        .route("/events", get(events))
        .route("/messages", post(write))
        .route("/photos", post(write_photo))
        .route("/updates", post(raw_update))
        .route("/chats", post(create_chat))
        .route("/chats/{id}", post(change_chat))
        .route("/bot", post(change_bot))
        .route("/files/{file_id}", get(file).put(give_file))
        .route("/calls", get(calls).delete(forget_calls))
        .route("/faults", get(faults).post(order_fault).delete(clear_faults))
        .fallback(|| async {
            (
                StatusCode::NOT_FOUND,
                Json(json!({ "error": "The control API has no such path; see telegram/control.rs." })),
            )
        })
        .layer(DefaultBodyLimit::disable())
        .with_state(shared.clone())
}

fn parse<T: DeserializeOwned>(body: &Bytes, example: &str) -> Result<T, Advice> {
    serde_json::from_slice(body).map_err(|error| Advice(format!("{error}. Send JSON such as {example}.")))
}

async fn state(State(shared): Control) -> Json<Value> {
    Json(view::state(&shared))
}

async fn events(State(shared): Control) -> Response {
    let body = Body::from_stream(view::events(shared));
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

async fn write(State(shared): Control, body: Bytes) -> Outcome {
    let incoming: Incoming = parse(&body, r#"{"chat_id": 1001, "text": "hello"}"#)?;
    Ok(Json(json!(incoming::write(&shared, incoming)?)))
}

async fn write_photo(State(shared): Control, mut form: Multipart) -> Outcome {
    let advice =
        || Advice("Send a multipart form with chat_id, photo and, if you like, caption and from_id.".to_owned());
    let (mut incoming, mut photo) = (Incoming::default(), None);
    while let Some(field) = form.next_field().await.map_err(|_| advice())? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(|_| advice())?;
        let text = || String::from_utf8_lossy(&bytes).trim().to_owned();
        match name.as_str() {
            "photo" => photo = Some(bytes),
            "caption" => incoming.text = text(),
            "chat_id" => incoming.chat_id = text().parse().map_err(|_| advice())?,
            "from_id" => incoming.from_id = text().parse().ok(),
            "reply_to_message_id" => incoming.reply_to_message_id = text().parse().ok(),
            "message_thread_id" => incoming.message_thread_id = text().parse().ok(),
            _ => {}
        }
    }
    let photo = photo.ok_or_else(advice)?;
    Ok(Json(json!(incoming::write_photo(&shared, incoming, &photo)?)))
}

async fn raw_update(State(shared): Control, body: String) -> Outcome {
    Ok(Json(json!({ "update_id": incoming::raw_update(&shared, &body)? })))
}

async fn create_chat(State(shared): Control, body: Bytes) -> Outcome {
    let mut chat: Chat = parse(&body, r#"{"id": 1003, "type": "private", "first_name": "Alan"}"#)?;
    shared.change(|world| {
        if chat.kind == ChatKind::Private {
            let name = chat.first_name.get_or_insert_with(|| format!("User {}", chat.id)).clone();
            world.users.entry(chat.id).or_insert_with(|| User::person(chat.id, &name));
            chat.members = vec![chat.id];
        } else if chat.members.is_empty() {
            chat.members = world.users.keys().copied().chain([world.bot.id]).collect();
        }
        let described = chat.json();
        world.chats.insert(chat.id, chat);
        Ok(Json(described))
    })
}

/// Sets any of: blocked, deactivated, kicked, is_forum (booleans), title (text), migrate_to_chat_id (id or null),
/// thread (`{"id": 5, "name": "Foxes"}`: a forum topic).
async fn change_chat(State(shared): Control, Path(id): Path<i64>, body: Bytes) -> Outcome {
    let change: Value = parse(&body, r#"{"blocked": true}"#)?;
    shared.change(|world| {
        let chat = world.chats.get_mut(&id).ok_or_else(|| {
            Advice(format!("There is no chat {id}: create it with POST chats, or see its id in GET state."))
        })?;
        for (name, value) in change.as_object().into_iter().flatten() {
            apply(chat, name, value).ok_or_else(|| {
                Advice(format!(
                    "{name} cannot be {value}. Set blocked, deactivated, kicked or is_forum to \
                    true or false, title to a text, migrate_to_chat_id to an id or null, thread to an id and a name."
                ))
            })?;
        }
        Ok(Json(chat.json()))
    })
}

fn apply(chat: &mut Chat, name: &str, value: &Value) -> Option<()> {
    match name {
        "blocked" => chat.blocked = value.as_bool()?,
        "deactivated" => chat.deactivated = value.as_bool()?,
        "kicked" => chat.kicked = value.as_bool()?,
        "is_forum" => chat.is_forum = value.as_bool()?,
        "title" => chat.title = Some(value.as_str()?.to_owned()),
        "migrate_to_chat_id" if value.is_null() => chat.migrate_to_chat_id = None,
        "migrate_to_chat_id" => chat.migrate_to_chat_id = Some(value.as_i64()?),
        "thread" => {
            let name = value["name"].as_str()?.to_owned();
            chat.threads.insert(value["id"].as_i64()?, name);
        }
        _ => return None,
    }
    Some(())
}

/// `{"can_read_all_group_messages": false}`: group privacy on.
async fn change_bot(State(shared): Control, body: Bytes) -> Outcome {
    let example = r#"{"can_read_all_group_messages": false}"#;
    let change: Value = parse(&body, example)?;
    let all = change["can_read_all_group_messages"].as_bool();
    let all = all.ok_or_else(|| Advice(format!("Send JSON such as {example}.")))?;
    shared.change(|world: &mut World| world.can_read_all_group_messages = all);
    Ok(Json(change))
}

async fn file(State(shared): Control, Path(file_id): Path<String>) -> Response {
    let kind = shared.with(|world| world.files.get(&file_id).map(|file| file.content_type.clone()));
    match (kind, shared.bytes_of(&file_id)) {
        (Some(kind), Some(bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        _ => (StatusCode::NOT_FOUND, Json(json!({ "error": "There is no file of this id." }))).into_response(),
    }
}

/// Makes a file known under an id of the caller's choice, for raw updates that name it.
async fn give_file(
    State(shared): Control,
    Path(file_id): Path<String>,
    headers: axum::http::HeaderMap,
    bytes: Bytes,
) -> Json<Value> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or("application/octet-stream");
    shared.change(|world| files::give(&shared, world, &file_id, kind, &bytes));
    Json(json!({ "file_id": file_id, "file_size": bytes.len() }))
}

async fn calls(State(shared): Control) -> Json<Value> {
    Json(json!(shared.calls().list()))
}

async fn forget_calls(State(shared): Control) -> StatusCode {
    shared.calls().clear();
    StatusCode::NO_CONTENT
}

async fn faults(State(shared): Control) -> Json<Value> {
    Json(json!(shared.faults.list()))
}

async fn order_fault(State(shared): Control, body: Bytes) -> Outcome {
    let example = r#"{"method": "sendMessage", "times": 1, "kind": {"too_many_requests": {"retry_after_s": 3}}}"#;
    let fault: Fault = parse(&body, example)?;
    shared.faults.order(fault.clone());
    Ok(Json(json!(fault)))
}

async fn clear_faults(State(shared): Control) -> StatusCode {
    shared.faults.clear();
    StatusCode::NO_CONTENT
}
