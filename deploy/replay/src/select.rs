//! Which messages are meant.

use std::time::Duration;

use crate::args::Selection;
use crate::letter::{Content, Letter};
use crate::reasons::Reason;

impl Selection {
    pub fn by_id(id: String) -> Self {
        Self { id: vec![id], ..Self::default() }
    }

    pub fn needs_reasons(&self) -> bool {
        !self.class.is_empty()
    }

    /// Every kind of option that is given must fit; of one kind, one value.
    pub fn takes(&self, letter: &Letter, reason: Option<&Reason>) -> bool {
        let class = || reason.is_some_and(|reason| self.class.contains(&reason.class));
        self.fits(letter) && (self.class.is_empty() || class())
    }

    /// All options but the class.
    pub fn fits(&self, letter: &Letter) -> bool {
        let named = self.id.iter().any(|id| letter.is(id));
        let ours = match letter.content {
            Content::Update { .. } => !self.foreign,
            // Named one by one, or on purpose: `replay` without options must not send what nobody can read.
            Content::Foreign(_) => self.foreign || self.foreign_too || self.id.contains(&letter.message_id),
        };
        let age = Duration::from_millis(letter.age_ms());
        ours && (self.id.is_empty() || named)
            && (self.conversation.is_empty() || self.conversation.contains(&letter.group))
            && self.older_than.is_none_or(|older| age > older)
            && self.newer_than.is_none_or(|newer| age < newer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(content: Content) -> Letter {
        Letter {
            message_id: "m-1".into(),
            group: "7".into(),
            body: String::new(),
            bytes: 0,
            content,
            sent_ms: 0,
            receives: 1,
            handle: String::new(),
            held_until_ms: 0,
            chosen: false,
        }
    }

    fn update() -> Letter {
        let received_ms = crate::age::now_ms() - 3_600_000;
        letter(Content::Update { update_id: 42, conversation: "7".parse().unwrap(), received_ms })
    }

    #[test]
    fn without_options_every_update_is_meant_and_nothing_foreign() {
        let foreign = letter(Content::Foreign("no".into()));
        assert!(Selection::default().takes(&update(), None));
        assert!(!Selection::default().takes(&foreign, None));
        assert!(Selection::by_id("m-1".into()).takes(&foreign, None));
        let only_foreign = Selection { foreign: true, ..Selection::default() };
        assert!(only_foreign.takes(&foreign, None) && !only_foreign.takes(&update(), None));
    }

    #[test]
    fn all_kinds_of_options_must_fit_and_one_value_of_each() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600 - 60));
        let fits = Selection {
            id: vec!["1".into(), "42".into()],
            older_than: hours(1),
            newer_than: hours(2),
            ..Default::default()
        };
        assert!(fits.takes(&update(), None));
        assert!(!Selection { older_than: hours(2), ..fits.clone() }.takes(&update(), None));
        assert!(!Selection { newer_than: hours(1), ..fits.clone() }.takes(&update(), None));
        assert!(!Selection { conversation: vec!["8".into()], ..fits.clone() }.takes(&update(), None));
        assert!(!Selection { class: vec!["transient".into()], ..fits }.takes(&update(), None));
    }
}
