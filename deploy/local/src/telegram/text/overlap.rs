//! Who may hold whom. Solid entities and quotes that are in each other's way lose one of them; styles are split.

use std::collections::BTreeSet;

use super::super::entity::{Class, Entity, Kind, sort};

pub(super) fn fix(mut entities: Vec<Entity>) -> Vec<Entity> {
    sort(&mut entities);
    if nests_well(&entities) {
        return entities;
    }
    let (styles, others): (Vec<_>, Vec<_>) = entities.into_iter().partition(|e| e.kind.class() == Class::Style);
    let (quotes, solid): (Vec<_>, Vec<_>) = others.into_iter().partition(|e| e.kind.class() == Class::Quote);
    let quotes = without_overlaps(quotes);
    let mut others = without_overlaps(solid);
    // A quote is the stronger one, unless it holds the other.
    others.retain(|solid| quotes.iter().all(|quote| quote.holds(solid) || !quote.overlaps(solid)));
    others.extend(quotes);
    sort(&mut others);
    let mut fixed = split(&styles, &others);
    fixed.extend(others);
    sort(&mut fixed);
    fixed
}

/// Sorted entities that Telegram takes as they are.
fn nests_well(entities: &[Entity]) -> bool {
    let mut around: Vec<&Entity> = Vec::new();
    for (n, entity) in entities.iter().enumerate() {
        around.retain(|outer| entity.offset < outer.end());
        let class = entity.kind.class();
        if let Some(parent) = around.last() {
            let crosses = entity.end() > parent.end();
            let same = around.iter().any(|outer| {
                let outer_class = outer.kind.class();
                outer.kind == entity.kind
                    || (class == Class::Quote && outer_class == Class::Quote)
                    || (class != Class::Style && outer.is_solid())
            });
            let in_mono = parent.kind.class() == Class::Mono;
            let mono_in = class == Class::Mono && parent.kind.class() != Class::Quote;
            let in_style = around.iter().any(|outer| outer.kind.class() == Class::Style);
            let splits = in_style && entity.kind != Kind::CustomEmoji;
            if crosses || same || in_mono || mono_in || splits {
                return false;
            }
        }
        // Two of one style that touch are one.
        let touches = |before: &Entity| before.kind == entity.kind && before.end() == entity.offset;
        if class == Class::Style && entities[..n].iter().any(touches) {
            return false;
        }
        around.push(entity);
    }
    true
}

/// Of two sorted entities that share a character, the earlier stays.
fn without_overlaps(entities: Vec<Entity>) -> Vec<Entity> {
    let mut kept: Vec<Entity> = Vec::new();
    for entity in entities {
        if kept.last().is_none_or(|last| entity.offset >= last.end()) {
            kept.push(entity);
        }
    }
    kept
}

/// Cuts styles where another style begins and at the edges of `others`; equal ones that touch become one, and none is
/// left within mono.
pub(super) fn split(styles: &[Entity], others: &[Entity]) -> Vec<Entity> {
    let edges: BTreeSet<i64> = others.iter().flat_map(|other| [other.offset, other.end()]).collect();
    let mut edges = edges.into_iter().peekable();
    let mut pieces = Pieces::default();
    for style in styles {
        while let Some(edge) = edges.next_if(|edge| *edge <= style.offset) {
            pieces.cut(edge);
        }
        pieces.add(style);
    }
    edges.for_each(|edge| pieces.cut(edge));
    pieces.cut(i64::MAX);
    let mono = |piece: &Entity| others.iter().any(|other| other.kind.class() == Class::Mono && other.overlaps(piece));
    pieces.done.retain(|piece| !mono(piece));
    sort(&mut pieces.done);
    pieces.done
}

#[derive(Default)]
struct Pieces {
    open: Vec<Entity>,
    done: Vec<Entity>,
}

impl Pieces {
    fn add(&mut self, style: &Entity) {
        let same = self.open.iter_mut().find(|open| open.kind == style.kind && style.offset <= open.end());
        match same {
            Some(open) => open.length = open.end().max(style.end()) - open.offset,
            None => {
                self.cut(style.offset);
                self.open.push(style.clone());
            }
        }
    }

    /// Finishes what is before `edge`.
    fn cut(&mut self, edge: i64) {
        for mut style in std::mem::take(&mut self.open) {
            if style.end() <= edge {
                self.done.push(style);
            } else {
                let rest = Entity::new(style.kind, edge.max(style.offset), style.end() - edge.max(style.offset));
                style.length = edge - style.offset;
                if style.length > 0 {
                    self.done.push(style);
                }
                self.open.push(rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::entity::{Entity, Kind, Kind::*};
    use super::fix;

    #[track_caller]
    fn fixed(given: &[(Kind, i64, i64)], expected: &[(Kind, i64, i64)]) {
        let entities = |list: &[(Kind, i64, i64)]| -> Vec<Entity> {
            list.iter().map(|(kind, from, to)| Entity::new(*kind, *from, to - from)).collect()
        };
        assert_eq!(fix(entities(given)), entities(expected));
        let backwards: Vec<_> = given.iter().rev().copied().collect();
        assert_eq!(fix(entities(&backwards)), entities(expected), "the order of the array does not matter");
    }

    #[test]
    fn a_style_is_cut_where_another_begins_and_around_the_rest() {
        fixed(&[(Bold, 0, 9), (Italic, 2, 4)], &[(Bold, 0, 2), (Bold, 2, 9), (Italic, 2, 4)]);
        let around_a_link = [(Bold, 0, 2), (TextLink, 2, 4), (Bold, 2, 4), (Bold, 4, 9)];
        fixed(&[(Bold, 0, 9), (TextLink, 2, 4)], &around_a_link);
    }

    #[test]
    fn solid_in_solid_is_dropped() {
        fixed(&[(TextLink, 0, 9), (Code, 2, 4)], &[(TextLink, 0, 9)]);
        fixed(&[(Pre, 0, 9), (TextLink, 5, 12)], &[(Pre, 0, 9)]);
        fixed(&[(Code, 0, 9), (TextLink, 0, 9)], &[(Code, 0, 9)]);
    }

    #[test]
    fn code_leaves_no_style_within() {
        fixed(&[(Bold, 0, 9), (Code, 3, 5)], &[(Bold, 0, 3), (Code, 3, 5), (Bold, 5, 9)]);
        fixed(&[(Bold, 3, 5), (Code, 3, 5)], &[(Code, 3, 5)]);
    }

    #[test]
    fn a_quote_holds_code_but_nothing_crosses_its_edge() {
        fixed(&[(Blockquote, 0, 9), (Code, 3, 5)], &[(Blockquote, 0, 9), (Code, 3, 5)]);
        fixed(&[(Bold, 0, 9), (Blockquote, 3, 9)], &[(Bold, 0, 3), (Blockquote, 3, 9), (Bold, 3, 9)]);
        fixed(&[(Blockquote, 0, 9), (Code, 3, 12)], &[(Blockquote, 0, 9)]);
        fixed(&[(Blockquote, 3, 5), (TextLink, 0, 9)], &[(Blockquote, 3, 5)]);
        fixed(&[(Blockquote, 0, 9), (ExpandableBlockquote, 3, 5)], &[(Blockquote, 0, 9)]);
    }

    #[test]
    fn styles_that_cross_are_split_and_those_that_touch_are_one() {
        fixed(&[(Bold, 0, 5), (Italic, 3, 8)], &[(Bold, 0, 3), (Italic, 3, 8), (Bold, 3, 5)]);
        fixed(&[(Bold, 0, 5), (Bold, 5, 8)], &[(Bold, 0, 8)]);
    }
}
