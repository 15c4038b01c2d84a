//! Telegram keeps a hundred entities; the rest vanishes without a word.

use super::super::entity::{Class, Entity, Kind, sort};
use super::overlap;

const MAX: usize = 100;

/// Code, links and quotes come first, in order; styles get what is left. Custom emoji and what Telegram finds by
/// itself do not count.
pub(super) fn limit(entities: Vec<Entity>) -> Vec<Entity> {
    let is_style = |entity: &Entity| entity.kind.class() == Class::Style;
    let uncounted = |entity: &Entity| entity.kind == Kind::CustomEmoji || entity.kind.is_found();
    let styles: Vec<Entity> = entities.iter().filter(|entity| is_style(entity)).cloned().collect();
    let first = entities.iter().filter(|entity| !is_style(entity) && !uncounted(entity)).count();
    // A style counts once more for each other style that begins inside it.
    let pieces = overlap::split(&styles, &[]);
    if first + pieces.len() <= MAX {
        return entities;
    }
    let mut room = MAX;
    let mut kept: Vec<Entity> = entities
        .into_iter()
        .filter(|entity| !is_style(entity))
        .filter(|entity| {
            let counted = !uncounted(entity);
            let fits = !counted || room > 0;
            room = room.saturating_sub(usize::from(counted));
            fits
        })
        .collect();
    kept.extend(pieces.into_iter().take(room));
    sort(&mut kept);
    kept
}
