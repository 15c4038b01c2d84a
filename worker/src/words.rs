//! Everything that the bot says of itself. Plain words: what happened, and what one can do.

pub(crate) const START: &str = "Hello! Write to me and I answer, with Gemini. Send a photo and ask about it, or ask me to \
    draw something.\n\n/image <what to draw> – a picture\n/new – forget this conversation\n/help – what I can do\n\n\
    In a group, mention me, reply to me, or use a command with my name.";

pub(crate) const HELP: &str = "Write as you would to a person: I remember this conversation.\n\n\
    • Ask anything, in any language.\n\
    • Send a photo, with a question under it if you like.\n\
    • “Draw a fox in the snow”, or /image a fox in the snow. Then: “now with a hat”.\n\
    • /new – start afresh; I forget what was said here.\n\n\
    In a group I answer when you mention me, reply to me, or use a command with my name. \
    I cannot read voice messages, videos, documents or stickers yet.";

pub(crate) const NEW: &str = "A new conversation: I have forgotten what was said here before.";
pub(crate) const UNKNOWN_COMMAND: &str = "I do not know that command. /help says what I can do.";
pub(crate) const IMAGE_USAGE: &str = "Tell me what to draw, for example: /image a fox in the snow";
pub(crate) const TOO_BIG: &str = "That photo is larger than 20 MB, the most that Telegram lets a bot download.";
pub(crate) const BAD_PHOTO: &str = "Gemini cannot read that picture. Please send another one.";
pub(crate) const EMPTY: &str = "Gemini had no answer to that. Please try again in other words.";
pub(crate) const NO_PICTURE: &str = "No picture came of that. Please describe it differently.";
pub(crate) const CUT_OFF: &str = "(The answer was too long and ends here. Write “go on” for the rest.)";
pub(crate) const PICTURE_REFUSED: &str = "The picture is drawn, but it cannot be shown here. Please try another one.";
pub(crate) const LOOK: &str = "What is in this photo?";

/// The mark that the history keeps where a photo was.
pub(crate) const PHOTO_MARK: &str = "[a photo] ";

pub(crate) fn unreadable(kind: &str) -> String {
    format!("I cannot read {kind} yet. Please send text or a photo.")
}

/// The ids are what the bot's owner needs for `ALLOWED_CHATS`.
pub(crate) fn refused(writer: i64, chat_id: i64) -> String {
    let chat = if writer == chat_id { String::new() } else { format!(", that of this chat {chat_id}") };
    format!("This bot talks only to those whom its owner has let in. Your id is {writer}{chat}: give it to the owner.")
}

/// The last attempt failed; the reference finds the update in the log and in the dead-letter queue.
pub(crate) fn failed(update_id: u64) -> String {
    format!(
        "Something went wrong on my side. Your message is kept, and I answer as soon as it is put right. \
         Reference: {update_id}"
    )
}

pub(crate) fn out_of_order(update_id: u64) -> String {
    format!("I am out of order at the moment, and my owner has been told. Your message is kept. Reference: {update_id}")
}

/// Gemini's block and finish reasons in words.
pub(crate) fn blocked(reason: &str) -> &'static str {
    match reason {
        "SAFETY" | "IMAGE_SAFETY" => {
            "Gemini's safety filter stopped this. Please ask in other words, or about something else."
        }
        "PROHIBITED_CONTENT" | "IMAGE_PROHIBITED_CONTENT" => {
            "Gemini does not answer this: its rules forbid such content."
        }
        "RECITATION" | "IMAGE_RECITATION" => {
            "Gemini stopped because the answer came too close to a text or picture of somebody else. \
             Please ask in other words."
        }
        "BLOCKLIST" => "Gemini does not answer this: it holds a term that is blocked. Please ask in other words.",
        "SPII" => "Gemini stopped because the answer held personal data, such as an address or a number.",
        "LANGUAGE" => "Gemini does not speak this language yet. Please try another one.",
        _ => "Gemini did not want to answer this. Please ask in other words.",
    }
}
