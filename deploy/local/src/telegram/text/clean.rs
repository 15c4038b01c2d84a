//! What TDLib does to characters: some become blanks, some vanish, and the entities move with them.

use super::super::entity::Entity;
use super::overlap;

const LRM: char = '\u{200e}';
const RLM: char = '\u{200f}';
const ZWNJ: char = '\u{200c}';

/// The cleaned text and its entities, which are sorted; one that does not fit the text refuses the message.
pub(super) fn clean(text: &str, entities: Vec<Entity>) -> Result<(String, Vec<Entity>), String> {
    check_bounds(text, &entities)?;
    // For each UTF-16 offset of the text, the one it has afterwards.
    let mut moved: Vec<i64> = Vec::new();
    let (mut cleaned, mut offset) = (Vec::new(), 0);
    for c in text.chars() {
        moved.extend(std::iter::repeat_n(offset, c.len_utf16()));
        if let Some(c) = clean_char(c) {
            cleaned.push(c);
            offset += i64::from(c.len_utf16() == 2) + 1;
        }
    }
    let place = |at: i64| usize::try_from(at).ok().and_then(|at| moved.get(at).copied()).unwrap_or(offset);
    let place = |mut entity: Entity| {
        (entity.offset, entity.length) = (place(entity.offset), place(entity.end()) - place(entity.offset));
        entity
    };
    let entities = entities.into_iter().map(place).filter(|entity| entity.length > 0).collect();
    join_marks(&mut cleaned);
    // Pieces that an entity kept apart are one again if nothing is left of it.
    Ok((cleaned.into_iter().collect(), overlap::fix(entities)))
}

/// Walks the text as TDLib does, so that of several faults the same one is named.
fn check_bounds(text: &str, entities: &[Entity]) -> Result<(), String> {
    let mut coming = entities.iter().peekable();
    let mut within: Vec<&Entity> = Vec::new();
    let mut at = 0;
    for (byte, c) in text.char_indices().chain([(text.len(), '\0')]) {
        while let Some(entity) = within.pop_if(|entity| entity.end() <= at) {
            if entity.end() != at {
                let begin = entity.offset;
                return Err(format!(
                    "entity beginning at UTF-16 offset {begin} ends in a middle of a UTF-16 symbol at byte offset {byte}"
                ));
            }
        }
        while let Some(entity) = coming.next_if(|entity| entity.offset <= at) {
            if entity.offset != at {
                return Err(format!("entity begins in a middle of a UTF-16 symbol at byte offset {byte}"));
            }
            within.push(entity);
        }
        at += if c.len_utf16() == 2 { 2 } else { 1 };
    }
    if let Some(entity) = coming.next() {
        return Err(format!("entity begins after the end of the text at UTF-16 offset {}", entity.offset));
    }
    within.last().map_or(Ok(()), |entity| {
        let (begin, end) = (entity.offset, entity.end());
        Err(format!("entity beginning at UTF-16 offset {begin} ends after the end of the text at UTF-16 offset {end}"))
    })
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
