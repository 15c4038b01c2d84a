//! What the bot sends, edits and deletes.

use serde_json::{Value, json};

use super::clock::{now_ms, now_s};
use super::files;
use super::message::{Content, Message};
use super::params::Params;
use super::refusal::Refusal;
use super::server::Shared;
use super::target::{self, Target};
use super::text::{Given, Place};
use super::world::{Action, ChatKind, Draft, World};

/// How long an action and a draft are shown.
const ACTION_MS: u64 = 5_000;
const DRAFT_MS: u64 = 30_000;

const ACTIONS: [&str; 14] = [
    "cancel",
    "typing",
    "record_video",
    "upload_video",
    "record_voice",
    "record_audio",
    "upload_voice",
    "upload_audio",
    "upload_photo",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

pub(crate) fn message(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let given = Given::read(params, Place::Text)?;
    let target = Target::find(world, params)?;
    let text = given.as_kept(world)?;
    post(world, &target, Content::Text(text))
}

pub(crate) fn photo(shared: &Shared, world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let source = files::source(world, params, "photo")?;
    let given = Given::read(params, Place::Caption)?;
    let target = Target::find(world, params)?;
    let caption = given.as_kept(world)?;
    let sizes = files::photo(shared, world, source)?;
    post(world, &target, Content::Photo { sizes, caption })
}

pub(crate) fn document(shared: &Shared, world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let source = files::source(world, params, "document")?;
    let given = Given::read(params, Place::Caption)?;
    let target = Target::find(world, params)?;
    let caption = given.as_kept(world)?;
    let file_id = files::document(shared, world, source)?;
    post(world, &target, Content::Document { file_id, caption })
}

/// Puts the bot's message into the chat and returns it as the method's result.
fn post(world: &mut World, target: &Target, content: Content) -> Result<Value, Refusal> {
    let from = world.bot.id;
    let Some(chat) = world.chats.get_mut(&target.chat_id) else {
        return Err(Refusal::bad_request("chat not found"));
    };
    target::check_peer(chat)?;
    let message = Message {
        message_id: 0,
        date: now_s(),
        edit_date: None,
        from,
        content,
        reply_to: target.reply_to,
        thread_id: target.thread_id,
    };
    let message_id = chat.add(message, true);
    world.updates.note_answer(target.chat_id, target.reply_to);
    Ok(described(world, target.chat_id, message_id))
}

fn described(world: &World, chat_id: i64, message_id: i64) -> Value {
    let chat = world.chats.get(&chat_id);
    let message = chat.and_then(|chat| Some((chat, chat.messages.get(&message_id)?)));
    message.map_or(Value::Null, |(chat, message)| message.json(world, chat))
}

pub(crate) fn action(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let kind = params.text("action").to_ascii_lowercase();
    if !ACTIONS.contains(&kind.as_str()) {
        return Err(Refusal::bad_request("wrong parameter action in request"));
    }
    let target = Target::find(world, params)?;
    if let Some(chat) = world.chats.get_mut(&target.chat_id) {
        target::check_peer(chat)?;
        chat.action = (kind != "cancel").then(|| Action { kind, until_ms: now_ms() + ACTION_MS });
    }
    Ok(json!(true))
}

pub(crate) fn draft(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let given = Given::read(params, Place::Draft)?;
    let draft_id = params.integer("draft_id").unwrap_or(0);
    if draft_id == 0 {
        return Err(Refusal::bad_request("draft identifier must be non-zero"));
    }
    let target = Target::find(world, params)?;
    let text = given.as_kept(world)?;
    let Some(chat) = world.chats.get_mut(&target.chat_id).filter(|chat| chat.kind == ChatKind::Private) else {
        return Err(Refusal::bad_request("can't send drafts to the chat: only private chats are supported"));
    };
    target::check_peer(chat)?;
    chat.draft = Some(Draft { draft_id, content: json!(text), until_ms: now_ms() + DRAFT_MS });
    Ok(json!(true))
}

pub(crate) fn edit(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let given = Given::read(params, Place::Text)?;
    let (bot, chat_id) = (world.bot.id, target::chat(world, params)?.id);
    let message_id = params.integer("message_id").unwrap_or(0);
    if message_id == 0 {
        return Err(Refusal::bad_request("message identifier is not specified"));
    }
    let text = given.as_kept(world)?;
    let message = world.chats.get_mut(&chat_id).and_then(|chat| chat.messages.get_mut(&message_id));
    let Some(message) = message else {
        return Err(Refusal::bad_request("message to edit not found"));
    };
    if message.from != bot {
        return Err(Refusal::bad_request("message can't be edited"));
    }
    match &mut message.content {
        Content::Text(old) if *old == text => {
            return Err(Refusal::bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same \
                 as a current content and reply markup of the message",
            ));
        }
        Content::Text(old) => *old = text,
        Content::Photo { .. } | Content::Document { .. } | Content::Raw(_) => {
            return Err(Refusal::bad_request("there is no text in the message to edit"));
        }
    }
    message.edit_date = Some(now_s());
    Ok(described(world, chat_id, message_id))
}

pub(crate) fn delete(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let chat_id = target::chat(world, params)?.id;
    let message_id = params.integer("message_id").unwrap_or(0);
    if message_id == 0 {
        return Err(Refusal::bad_request("message identifier is not specified"));
    }
    let removed = world.chats.get_mut(&chat_id).and_then(|chat| chat.messages.remove(&message_id));
    removed.map(|_| json!(true)).ok_or_else(|| Refusal::bad_request("message to delete not found"))
}
