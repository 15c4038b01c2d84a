//! Where a message goes: the chat, the topic and the message replied to, or why it cannot go there.

use serde_json::Value;

use super::params::Params;
use super::refusal::Refusal;
use super::world::{Chat, ChatKind, World};

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) chat_id: i64,
    pub(crate) thread_id: Option<i64>,
    pub(crate) reply_to: Option<i64>,
}

impl Target {
    /// Checks in the server's order: the reply's form, the chat, the message replied to, the topic.
    pub(crate) fn find(world: &World, params: &Params) -> Result<Self, Refusal> {
        let reply = Reply::read(params)?;
        let chat = chat(world, params)?;
        let reply_to = reply.find(chat)?;
        let thread_id = params.integer("message_thread_id").filter(|id| *id != 0);
        if thread_id.is_some_and(|id| !chat.threads.contains_key(&id)) {
            return Err(Refusal::bad_request("message thread not found"));
        }
        Ok(Self { chat_id: chat.id, thread_id, reply_to })
    }
}

/// The chat that `chat_id` names, if the bot may write there as far as the Bot API server knows.
pub(crate) fn chat<'a>(world: &'a World, params: &Params) -> Result<&'a Chat, Refusal> {
    let name = params.text("chat_id");
    if name.is_empty() {
        return Err(Refusal::bad_request("chat_id is empty"));
    }
    let chat = match name.strip_prefix('@') {
        Some(username) => world.chats.values().find(|chat| {
            chat.kind != ChatKind::Private && chat.username.as_deref().is_some_and(|u| u.eq_ignore_ascii_case(username))
        }),
        None => params.integer("chat_id").and_then(|id| world.chats.get(&id)),
    };
    let chat = chat.ok_or_else(|| Refusal::bad_request("chat not found"))?;
    if let Some(to) = chat.migrate_to_chat_id {
        return Err(Refusal::migrated(to));
    }
    if chat.deactivated {
        return Err(Refusal::forbidden("user is deactivated"));
    }
    if chat.kicked {
        let kind = match chat.kind {
            ChatKind::Group => "group",
            ChatKind::Supergroup => "supergroup",
            ChatKind::Channel | ChatKind::Private => "channel",
        };
        return Err(Refusal::forbidden(&format!("bot was kicked from the {kind} chat")));
    }
    Ok(chat)
}

/// What only Telegram's own servers know, and say last.
pub(crate) fn check_peer(chat: &Chat) -> Result<(), Refusal> {
    if chat.blocked {
        return Err(Refusal::forbidden("bot was blocked by the user"));
    }
    Ok(())
}

/// `reply_parameters`, or the two parameters that did this before.
struct Reply {
    message_id: Option<i64>,
    /// Another chat than the message's own.
    chat: Option<Value>,
    without: bool,
    quote: Option<String>,
}

impl Reply {
    fn read(params: &Params) -> Result<Self, Refusal> {
        if params.text("reply_parameters").is_empty() {
            let message_id = params.integer("reply_to_message_id");
            return Ok(Self {
                message_id,
                chat: None,
                without: params.flag("allow_sending_without_reply"),
                quote: None,
            });
        }
        let unparsed = || Refusal::bad_request("can't parse reply parameters JSON object");
        let given: Value = params.json("reply_parameters").ok_or_else(unparsed)?;
        let given = given.as_object().ok_or_else(|| Refusal::bad_request("object expected as reply parameters"))?;
        if given.is_empty() {
            return Ok(Self { message_id: None, chat: None, without: false, quote: None });
        }
        let message_id = given.get("message_id").and_then(integer);
        if message_id.is_none() {
            return Err(Refusal::bad_request("can't find field \"message_id\""));
        }
        Ok(Self {
            message_id,
            chat: given.get("chat_id").filter(|id| !id.is_null()).cloned(),
            without: given.get("allow_sending_without_reply").and_then(Value::as_bool).unwrap_or(false),
            quote: given.get("quote").and_then(Value::as_str).map(str::to_owned),
        })
    }

    fn find(&self, chat: &Chat) -> Result<Option<i64>, Refusal> {
        let Some(message_id) = self.message_id.filter(|id| *id != 0) else { return Ok(None) };
        let here = self.chat.as_ref().is_none_or(|id| integer(id) == Some(chat.id));
        let original = if here { chat.messages.get(&message_id) } else { None };
        match original {
            Some(original) => {
                let quote = self.quote.as_deref().unwrap_or_default();
                if !original.content.words().contains(quote) {
                    return Err(Refusal::bad_request("QUOTE_TEXT_INVALID"));
                }
                Ok(Some(message_id))
            }
            // A reply to another chat is never sent without it.
            None if self.without && here => Ok(None),
            None => Err(Refusal::bad_request("message to be replied not found")),
        }
    }
}

/// Integers are taken as numbers and as text.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
