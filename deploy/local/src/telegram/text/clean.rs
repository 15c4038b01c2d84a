//! What TDLib does to characters: some become blanks, some vanish, and the entities move with them.

use super::super::entity::Entity;

const LRM: char = '\u{200e}';
const RLM: char = '\u{200f}';
const ZWNJ: char = '\u{200c}';

/// The cleaned text and its entities; an entity that does not fit the text refuses the message.
pub(super) fn clean(text: &str, mut entities: Vec<Entity>) -> Result<(String, Vec<Entity>), String> {
    // For each UTF-16 offset of the text, the one it has afterwards; none in the middle of a surrogate pair.
    let mut moved: Vec<Option<i64>> = Vec::new();
    let (mut cleaned, mut offset) = (Vec::new(), 0);
    for c in text.chars() {
        moved.push(Some(offset));
        if c.len_utf16() == 2 {
            moved.push(None);
        }
        if let Some(c) = clean_char(c) {
            cleaned.push(c);
            offset += i64::from(c.len_utf16() == 2) + 1;
        }
    }
    moved.push(Some(offset));
    let place = |offset: i64| usize::try_from(offset).ok().and_then(|offset| moved.get(offset).copied());
    for entity in &mut entities {
        let begin = place(entity.offset)
            .ok_or_else(|| format!("entity begins after the end of the text at UTF-16 offset {}", entity.offset))?
            .ok_or("entity begins in a middle of a UTF-16 symbol")?;
        let described = format!("entity beginning at UTF-16 offset {}", entity.offset);
        let end = place(entity.end())
            .ok_or_else(|| format!("{described} ends after the end of the text at UTF-16 offset {}", entity.end()))?
            .ok_or_else(|| format!("{described} ends in a middle of a UTF-16 symbol"))?;
        (entity.offset, entity.length) = (begin, end - begin);
    }
    entities.retain(|entity| entity.length > 0);
    join_marks(&mut cleaned);
    Ok((cleaned.into_iter().collect(), entities))
}

fn clean_char(c: char) -> Option<char> {
    match c {
        '\n' => Some('\n'),
        '\r' | '\u{2028}'..='\u{202e}' | '\u{30a}' | '\u{333}' | '\u{33f}' => None,
        '\0'..=' ' => Some(' '),
        c => Some(c),
    }
}

/// Runs of direction marks become joiners, but for the last of a run.
fn join_marks(text: &mut [char]) {
    for n in 1..text.len() {
        if matches!(text[n - 1], LRM | RLM) && matches!(text[n], LRM | RLM | ZWNJ) {
            text[n - 1] = ZWNJ;
        }
    }
}

/// Nothing that anybody could see.
pub(super) fn is_empty(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(c, ' ' | '\n' | '\u{a0}' | '\u{ad}' | '\u{180e}' | '\u{2000}'..='\u{200f}' | '\u{202f}'
            | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}')
    })
}

/// Cuts blanks and line ends: all at the end, and at the start those before the first entity.
pub(super) fn trim(text: &str, mut entities: Vec<Entity>) -> (String, Vec<Entity>) {
    let blank = |c: char| c == ' ' || c == '\n';
    let text = text.trim_end_matches(blank);
    let end = i64::try_from(text.encode_utf16().count()).unwrap_or(i64::MAX);
    entities.retain(|entity| entity.offset < end);
    let blanks = i64::try_from(text.chars().take_while(|c| blank(*c)).count()).unwrap_or(0);
    let cut = entities.iter().map(|entity| entity.offset).min().unwrap_or(end).min(blanks);
    for entity in &mut entities {
        entity.length = entity.end().min(end) - entity.offset;
        entity.offset -= cut;
    }
    // A blank and a line end are one byte each.
    let kept = usize::try_from(cut).ok().and_then(|cut| text.get(cut..)).unwrap_or(text);
    (kept.to_owned(), entities)
}

#[cfg(test)]
mod tests {
    use super::super::super::entity::{Entity, Kind::*};
    use super::{clean, is_empty, trim};

    #[test]
    fn a_tab_is_one_blank_and_a_carriage_return_nothing() {
        let (text, entities) = clean("a\r\n\tb🦊c", vec![Entity::new(Bold, 4, 3)]).unwrap();
        assert_eq!(text, "a\n b🦊c");
        assert_eq!(entities, [Entity::new(Bold, 3, 3)]);
    }

    #[test]
    fn an_entity_must_not_cut_a_pair_or_leave_the_text() {
        for (offset, length) in [(1, 1), (0, 1), (0, 3), (3, 1)] {
            assert!(clean("🦊", vec![Entity::new(Bold, offset, length)]).is_err(), "{offset} {length}");
        }
        assert!(clean("🦊", vec![Entity::new(Bold, 0, 2)]).is_ok());
    }

    #[test]
    fn trimming_stops_at_the_first_entity() {
        assert_eq!(trim(" \n a \n", vec![]), ("a".to_owned(), vec![]));
        let kept = trim("   a  ", vec![Entity::new(Code, 1, 5)]);
        assert_eq!(kept, ("  a".to_owned(), vec![Entity::new(Code, 0, 3)]));
        assert_eq!(trim("a   ", vec![Entity::new(Bold, 1, 2)]), ("a".to_owned(), vec![]));
    }

    #[test]
    fn what_cannot_be_seen_is_empty() {
        assert!(is_empty("\u{200b} \n\u{3000}\u{2800}"));
        assert!(!is_empty("."));
    }
}
