//! The entities that Telegram finds in a text by itself: commands, mentions, hashtags, links, mail addresses.

use super::super::entity::{Entity, Kind};

/// In order of offset, in UTF-16 units, none overlapping another.
pub(crate) fn entities(text: &str) -> Vec<Entity> {
    let mut found = Vec::new();
    let (mut offset, mut before) = (0, ' ');
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if let (true, Some((kind, start, length))) = (before.is_whitespace(), recognise(bare)) {
            found.push(Entity::new(kind, offset + units(&bare[..start]), units(&bare[start..start + length])));
        }
        offset += units(word);
        before = word.chars().next_back().unwrap_or(' ');
    }
    found
}

fn units(text: &str) -> i64 {
    i64::try_from(text.encode_utf16().count()).unwrap_or(i64::MAX)
}

/// What a word is, and its bytes: start and length.
fn recognise(word: &str) -> Option<(Kind, usize, usize)> {
    let start = word.find(|c: char| !"([{\"'«„“".contains(c))?;
    let word = word.get(start..)?;
    let name = |rest: &str| rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    if let Some(rest) = word.strip_prefix('/') {
        let mut length = name(rest);
        let after = rest.get(length..).unwrap_or_default();
        if let Some(bot) = after.strip_prefix('@') {
            length += 1 + name(bot);
        } else if after.starts_with('/') {
            return None;
        }
        return (length > 0 && length <= 64 + 33).then_some((Kind::BotCommand, start, 1 + length));
    }
    if let Some(rest) = word.strip_prefix('@') {
        let length = name(rest);
        return (3..=32).contains(&length).then_some((Kind::Mention, start, 1 + length));
    }
    if let Some(rest) = word.strip_prefix('#') {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let letters = rest.get(..end)?.chars().any(|c| !c.is_ascii_digit());
        return letters.then_some((Kind::Hashtag, start, 1 + end));
    }
    let bare = word.trim_end_matches(|c: char| ".,;:!?)]}\"'»”".contains(c));
    if bare.starts_with("http://") || bare.starts_with("https://") {
        return (bare.len() > 8).then_some((Kind::Url, start, bare.len()));
    }
    if let Some((user, host)) = bare.split_once('@') {
        return (!user.is_empty() && domain(host)).then_some((Kind::Email, start, bare.len()));
    }
    let host = bare.split(['/', '?', '#']).next()?;
    domain(host).then_some((Kind::Url, start, bare.len()))
}

/// A name with a dot and a top-level domain that people write without a scheme.
fn domain(host: &str) -> bool {
    const KNOWN: [&str; 16] =
        ["com", "org", "net", "io", "dev", "me", "de", "fr", "uk", "ru", "eu", "app", "info", "rs", "ai", "md"];
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    host.rsplit_once('.')
        .is_some_and(|(name, top)| name.split('.').all(label) && KNOWN.contains(&top.to_ascii_lowercase().as_str()))
}
