//! What is this message, and is it for the bot? Pure: the answer is decided from the message alone.

use crate::update::{Entity, Message, byte_at, covered};

/// Who the bot is, as `getMe` says.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Me {
    pub id: i64,
    pub username: String,
}

#[derive(Debug, PartialEq)]
pub enum Route {
    /// Acknowledged without a word; the reason is logged.
    Silent(&'static str),
    Start,
    Help,
    New,
    /// A command that the bot does not have.
    Unknown,
    /// `/image <prompt>`: no model needs to decide.
    Image(String),
    /// Gemini decides whether text or a picture answers it.
    Ask,
    /// Of a kind that the bot cannot read, named in a person's words.
    Unreadable(&'static str),
    /// The group became a supergroup with this id.
    Migrated(i64),
}

/// In a private chat everything a person writes is for the bot. In a group only what names it: a mention, a reply to it,
/// a command with its name.
pub fn route(message: &Message, me: &Me) -> Route {
    if let Some(new_id) = message.migrate_to_chat_id {
        return Route::Migrated(new_id);
    }
    if !message.is_from_a_person() {
        return Route::Silent("not written by a person");
    }
    let (text, entities) = message.words();
    let command = command(text, entities);
    match &command {
        Some(command) if command.addressee.is_some_and(|name| !name.eq_ignore_ascii_case(&me.username)) => {
            return Route::Silent("a command for another bot");
        }
        Some(command) if command.addressee.is_some() => {}
        _ if message.is_private() || is_named(message, me) => {}
        _ => return Route::Silent("not addressed to the bot"),
    }
    if let Some(Command { name, rest, .. }) = command {
        return match name.to_ascii_lowercase().as_str() {
            "start" => Route::Start,
            "help" => Route::Help,
            "new" => Route::New,
            "image" => Route::Image(rest.to_owned()),
            _ => Route::Unknown,
        };
    }
    // `animation` and `live_photo` come with a document or a photo beside them: what can be read is read.
    if !text.trim().is_empty() || !message.photo.is_empty() {
        return match message.unreadable() {
            Some(kind) if message.text.is_none() && message.photo.is_empty() => Route::Unreadable(kind),
            _ => Route::Ask,
        };
    }
    message.unreadable().map_or(Route::Silent("a service message"), Route::Unreadable)
}

/// Whether deciding needs to know the bot's own name: only for what may be meant for another.
pub fn needs_name(message: &Message) -> bool {
    let (text, entities) = message.words();
    !message.is_private() || command(text, entities).is_some_and(|command| command.addressee.is_some())
}

fn is_named(message: &Message, me: &Me) -> bool {
    let (text, entities) = message.words();
    let replied_to = message.reply_to_message.as_ref().and_then(|replied| replied.from.as_ref());
    replied_to.is_some_and(|from| from.id == me.id)
        || entities.iter().any(|entity| match entity.kind.as_str() {
            "mention" => covered(text, entity)
                .and_then(|mention| mention.strip_prefix('@'))
                .is_some_and(|name| name.eq_ignore_ascii_case(&me.username)),
            "text_mention" => entity.user.as_ref().is_some_and(|user| user.id == me.id),
            _ => false,
        })
}

struct Command<'a> {
    name: &'a str,
    addressee: Option<&'a str>,
    rest: &'a str,
}

/// A command stands at the very beginning, as Telegram's own entity says.
fn command<'a>(text: &'a str, entities: &[Entity]) -> Option<Command<'a>> {
    let entity = entities.iter().find(|entity| entity.kind == "bot_command" && entity.offset == 0)?;
    let word = covered(text, entity)?.strip_prefix('/')?;
    let rest = text.get(byte_at(text, entity.length)?..)?.trim();
    let (name, addressee) = word.split_once('@').map_or((word, None), |(name, bot)| (name, Some(bot)));
    Some(Command { name, addressee, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(message: &str) -> Route {
        let me = Me { id: 99, username: "FoxBot".into() };
        route(&serde_json::from_str(message).unwrap(), &me)
    }

    fn private(rest: &str) -> Route {
        routed(&format!(r#"{{"message_id":1,"chat":{{"id":1,"type":"private"}},"from":{{"id":1}},{rest}}}"#))
    }

    fn group(rest: &str) -> Route {
        routed(&format!(r#"{{"message_id":1,"chat":{{"id":-1,"type":"supergroup"}},"from":{{"id":1}},{rest}}}"#))
    }

    #[test]
    fn in_a_private_chat_every_text_is_for_the_bot() {
        assert_eq!(private(r#""text":"hello""#), Route::Ask);
        assert_eq!(private(r#""photo":[{"file_id":"f"}]"#), Route::Ask);
        assert_eq!(private(r#""sticker":{}"#), Route::Unreadable("stickers"));
        assert_eq!(private(r#""document":{},"caption":"read this""#), Route::Unreadable("documents"));
        assert_eq!(private(r#""pinned_message":{}"#), Route::Silent("a service message"));
    }

    #[test]
    fn commands_are_read_from_telegrams_entity() {
        let command = |text: &str, length: usize| {
            private(&format!(r#""text":"{text}","entities":[{{"type":"bot_command","offset":0,"length":{length}}}]"#))
        };
        assert_eq!(command("/start", 6), Route::Start);
        assert_eq!(command("/NEW", 4), Route::New);
        assert_eq!(command("/help@foxbot", 12), Route::Help);
        assert_eq!(command("/image  a 🦊 in snow ", 6), Route::Image("a 🦊 in snow".into()));
        assert_eq!(command("/image", 6), Route::Image(String::new()));
        assert_eq!(command("/dance", 6), Route::Unknown);
        assert_eq!(command("/help@otherbot", 14), Route::Silent("a command for another bot"));
        assert_eq!(private(r#""text":"/start is a command""#), Route::Ask);
    }

    #[test]
    fn in_a_group_only_what_names_the_bot_is_for_it() {
        assert_eq!(group(r#""text":"hello""#), Route::Silent("not addressed to the bot"));
        assert_eq!(group(r#""text":"@foxbot by text alone""#), Route::Silent("not addressed to the bot"));
        let mention = r#""text":"🦊 @foxbot hi","entities":[{"type":"mention","offset":3,"length":7}]"#;
        assert_eq!(group(mention), Route::Ask);
        assert_eq!(group(&mention.replace("@foxbot", "@foxbat")), Route::Silent("not addressed to the bot"));
        let by_id = r#""text":"you","entities":[{"type":"text_mention","offset":0,"length":3,"user":{"id":99}}]"#;
        assert_eq!(group(by_id), Route::Ask);
        let reply = |id: i64| {
            format!(
                r#""text":"why?","reply_to_message":{{"message_id":2,"chat":{{"id":-1,"type":"supergroup"}},"from":{{"id":{id}}}}}"#
            )
        };
        assert_eq!(group(&reply(99)), Route::Ask);
        assert_eq!(group(&reply(98)), Route::Silent("not addressed to the bot"));
        let command = r#""text":"/help@FoxBot","entities":[{"type":"bot_command","offset":0,"length":12}]"#;
        assert_eq!(group(command), Route::Help);
        let bare = r#""text":"/help","entities":[{"type":"bot_command","offset":0,"length":5}]"#;
        assert_eq!(group(bare), Route::Silent("not addressed to the bot"));
    }

    #[test]
    fn bots_and_channels_are_not_answered() {
        let bot = r#"{"message_id":1,"chat":{"id":1,"type":"private"},"from":{"id":1,"is_bot":true},"text":"hi"}"#;
        assert_eq!(routed(bot), Route::Silent("not written by a person"));
        let channel = r#"{"message_id":1,"chat":{"id":-1,"type":"supergroup"},"sender_chat":{"id":-2},"text":"hi"}"#;
        assert_eq!(routed(channel), Route::Silent("not written by a person"));
        let admin =
            channel.replace("-2", "-1").replace(r#""text":"hi""#, r#""from":{"id":9,"is_bot":true},"text":"hi""#);
        assert_eq!(routed(&admin), Route::Silent("not addressed to the bot"), "an anonymous administrator is a person");
    }

    #[test]
    fn a_group_that_became_a_supergroup_moves() {
        assert_eq!(group(r#""migrate_to_chat_id":-1001"#), Route::Migrated(-1001));
    }
}
