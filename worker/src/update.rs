//! An update as the bot reads it: lenient, everything optional that the Bot API calls optional, the rest ignored.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// A bot may download no more: 20 MB (Bot API, `getFile`).
pub const FILE_MAX_BYTES: u64 = 20 * 1024 * 1024;

#[derive(Deserialize)]
pub struct Update {
    pub message: Option<Message>,
}

#[derive(Deserialize)]
pub struct Message {
    pub message_id: i64,
    pub chat: Chat,
    pub from: Option<User>,
    pub sender_chat: Option<Chat>,
    pub text: Option<String>,
    #[serde(default)]
    pub entities: Vec<Entity>,
    pub caption: Option<String>,
    #[serde(default)]
    pub caption_entities: Vec<Entity>,
    #[serde(default)]
    pub photo: Vec<PhotoSize>,
    pub reply_to_message: Option<Box<Message>>,
    pub quote: Option<Quote>,
    pub migrate_to_chat_id: Option<i64>,
    // What people send and the bot cannot read yet; see `unreadable`. Not flattened: that would parse every other field.
    voice: Option<IgnoredAny>,
    audio: Option<IgnoredAny>,
    video_note: Option<IgnoredAny>,
    video: Option<IgnoredAny>,
    animation: Option<IgnoredAny>,
    document: Option<IgnoredAny>,
    sticker: Option<IgnoredAny>,
    venue: Option<IgnoredAny>,
    location: Option<IgnoredAny>,
    contact: Option<IgnoredAny>,
    poll: Option<IgnoredAny>,
    dice: Option<IgnoredAny>,
    story: Option<IgnoredAny>,
    checklist: Option<IgnoredAny>,
    game: Option<IgnoredAny>,
    invoice: Option<IgnoredAny>,
    paid_media: Option<IgnoredAny>,
    rich_message: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub struct Chat {
    pub id: i64,
    #[serde(default, rename = "type")]
    pub kind: String,
}

#[derive(Deserialize)]
pub struct User {
    pub id: i64,
    #[serde(default)]
    pub is_bot: bool,
    #[serde(default)]
    pub first_name: String,
}

/// `offset` and `length` in UTF-16 code units.
#[derive(Deserialize)]
pub struct Entity {
    #[serde(rename = "type")]
    pub kind: String,
    pub offset: usize,
    pub length: usize,
    pub user: Option<User>,
}

#[derive(Deserialize)]
pub struct PhotoSize {
    pub file_id: String,
    pub file_size: Option<u64>,
    #[serde(default)]
    pub width: u64,
    #[serde(default)]
    pub height: u64,
}

#[derive(Deserialize)]
pub struct Quote {
    pub text: String,
}

impl Message {
    pub fn is_private(&self) -> bool {
        self.chat.kind == "private"
    }

    /// A person, or an administrator who writes in the group's own name.
    pub fn is_from_a_person(&self) -> bool {
        self.sender_chat.as_ref().is_some_and(|sender| sender.id == self.chat.id)
            || self.from.as_ref().is_some_and(|from| !from.is_bot)
    }

    /// What is written, under a photo or alone, with its entities.
    pub fn words(&self) -> (&str, &[Entity]) {
        match (&self.text, &self.caption) {
            (Some(text), _) => (text, &self.entities),
            (None, Some(caption)) => (caption, &self.caption_entities),
            (None, None) => ("", &[]),
        }
    }

    /// What is sent that the bot cannot read, in a person's words. `animation` comes before `document`, which Telegram
    /// sets beside it; `venue` likewise before `location`.
    pub fn unreadable(&self) -> Option<&'static str> {
        let kinds = [
            (&self.voice, "voice messages"),
            (&self.audio, "audio files"),
            (&self.video_note, "video messages"),
            (&self.video, "videos"),
            (&self.animation, "animations"),
            (&self.document, "documents"),
            (&self.sticker, "stickers"),
            (&self.venue, "places"),
            (&self.location, "locations"),
            (&self.contact, "contacts"),
            (&self.poll, "polls"),
            (&self.dice, "dice"),
            (&self.story, "stories"),
            (&self.checklist, "checklists"),
            (&self.game, "games"),
            (&self.invoice, "invoices"),
            (&self.paid_media, "paid media"),
            (&self.rich_message, "rich messages"),
        ];
        kinds.into_iter().find_map(|(kind, name)| kind.as_ref().map(|_| name))
    }

    /// The largest size that may be downloaded: by bytes, and by area where Telegram does not say the bytes.
    pub fn largest_photo(&self) -> Option<&PhotoSize> {
        let fits = |photo: &&PhotoSize| photo.file_size.is_none_or(|bytes| bytes <= FILE_MAX_BYTES);
        self.photo.iter().filter(fits).max_by_key(|photo| (photo.file_size, photo.width.saturating_mul(photo.height)))
    }
}

/// The part of `text` that an entity covers; nothing if its bounds are not the text's.
pub fn covered<'a>(text: &'a str, entity: &Entity) -> Option<&'a str> {
    let start = byte_at(text, entity.offset)?;
    let end = byte_at(text, entity.offset.checked_add(entity.length)?)?;
    text.get(start..end)
}

/// The byte where the given UTF-16 unit begins.
pub fn byte_at(text: &str, utf16: usize) -> Option<usize> {
    let mut units = 0;
    for (byte, char) in text.char_indices() {
        if units >= utf16 {
            return (units == utf16).then_some(byte);
        }
        units += char.len_utf16();
    }
    (units == utf16).then_some(text.len())
}
