//! Reads of an update what the queue must know, and nothing of what people write.

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::ConversationKey;

/// No update that Telegram makes comes near (rich messages end at 16 levels); what is deeper comes from somebody else,
/// and would cost the worker's stack.
const MAX_DEPTH: usize = 128;

/// An update, seen from outside.
#[derive(Debug)]
pub(crate) struct Update<'a> {
    pub(crate) id: u64,
    /// `None` for the kinds that the bot never answers: everything but `message`.
    pub(crate) conversation: Option<ConversationKey>,
    pub(crate) raw: &'a RawValue,
}

/// # Errors
/// A few words that say what is wrong, for the one who debugs the webhook; nothing of the body is in them.
pub(crate) fn read(body: &[u8]) -> Result<Update<'_>, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8")?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| "the body is not JSON")?;
    if depth(raw.get()) > MAX_DEPTH {
        return Err("nested too deeply for an update");
    }
    let seen: Seen = serde_json::from_str(raw.get()).map_err(|_| "not an update: update_id or message.chat.id")?;
    let conversation = seen.message.map(|message| ConversationKey {
        chat_id: message.chat.id,
        // Outside a topic the thread id only says which message is replied to.
        thread_id: message.message_thread_id.filter(|_| message.is_topic_message == Some(true)),
    });
    Ok(Update { id: seen.update_id, conversation, raw })
}

#[derive(Deserialize)]
struct Seen {
    update_id: u64,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    chat: Chat,
    message_thread_id: Option<i64>,
    is_topic_message: Option<bool>,
}

#[derive(Deserialize)]
struct Chat {
    id: i64,
}

/// The deepest nesting of arrays and objects in valid JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(json: &str) -> Option<String> {
        read(json.as_bytes()).unwrap().conversation.map(|key| key.to_string())
    }

    #[test]
    fn a_topic_is_a_conversation_of_its_own_and_a_reply_thread_is_not() {
        let message = |rest: &str| format!(r#"{{"update_id":1,"message":{{"chat":{{"id":-5}}{rest}}}}}"#);
        assert_eq!(conversation(&message("")).as_deref(), Some("-5"));
        assert_eq!(conversation(&message(r#","message_thread_id":7"#)).as_deref(), Some("-5"));
        assert_eq!(
            conversation(&message(r#","message_thread_id":7,"is_topic_message":true"#)).as_deref(),
            Some("-5:7")
        );
    }

    #[test]
    fn other_kinds_have_no_conversation() {
        assert_eq!(conversation(r#"{"update_id":1,"edited_message":{"chat":{"id":1}}}"#), None);
        assert_eq!(conversation(r#"{"update_id":1,"of_tomorrow":[[1]]}"#), None);
        assert_eq!(conversation(r#"{"update_id":1}"#), None);
    }

    #[test]
    fn brackets_in_strings_are_not_depth() {
        assert_eq!(depth(r#"{"a":"[[[\"[[","b":[1,{}]}"#), 3);
    }

    #[test]
    fn what_telegram_would_never_send_is_refused() {
        let deep = format!(r#"{{"update_id":1,"x":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        for (body, problem) in [
            (&b""[..], "the body is not JSON"),
            (b"{\"update_id\":1", "the body is not JSON"),
            (b"{\"update_id\":1}x", "the body is not JSON"),
            (b"\xff\xfe", "the body is not UTF-8"),
            (b"[]", "not an update: update_id or message.chat.id"),
            (b"{\"update_id\":-1}", "not an update: update_id or message.chat.id"),
            (b"{\"update_id\":1,\"update_id\":2}", "not an update: update_id or message.chat.id"),
            (b"{\"update_id\":1,\"message\":{\"chat\":{\"id\":\"1\"}}}", "not an update: update_id or message.chat.id"),
            (deep.as_bytes(), "nested too deeply for an update"),
        ] {
            assert_eq!(read(body).unwrap_err(), problem);
        }
    }
}
