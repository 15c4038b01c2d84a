//! The history, as Gemini is shown it and as the bucket holds it at the end: user and model by turns, each answer once.

use std::collections::BTreeSet;

use serde_json::Value;

use super::facts::Facts;
use super::{Broken, Rule};
use crate::event::{Entry, Event};
use crate::mark::{Mark, marks};

pub(super) fn all(log: &[Entry], facts: &Facts) -> Vec<Broken> {
    let judged = log.iter().filter_map(|entry| match &entry.event {
        Event::Asked { update, roles, seen, .. } => {
            let problem = shown(roles, seen)?;
            let conversation = facts.updates.get(update).map(|facts| facts.conversation.clone()).unwrap_or_default();
            Some(Broken {
                rule: Rule::History,
                update: *update,
                conversation,
                why: format!("shown to Gemini: {problem}"),
            })
        }
        Event::LeftObject { conversation, json } if !left_corrupt(log, conversation) => {
            let why = format!("in the bucket: {}", kept(json)?);
            Some(Broken { rule: Rule::History, update: 0, conversation: conversation.clone(), why })
        }
        _ => None,
    });
    judged.collect()
}

/// It broke, and nobody came to write it anew.
fn left_corrupt(log: &[Entry], wanted: &str) -> bool {
    let last = log.iter().rev().find_map(|entry| match &entry.event {
        Event::Corrupted { conversation } if conversation == wanted => Some(true),
        Event::Stored { conversation, .. } if conversation == wanted => Some(false),
        _ => None,
    });
    last.unwrap_or(false)
}

/// A request: begins and ends with the user.
fn shown(roles: &[String], seen: &[Mark]) -> Option<String> {
    let by_turns = roles.iter().enumerate().all(|(n, role)| role == if n % 2 == 0 { "user" } else { "model" });
    if !by_turns || roles.len().is_multiple_of(2) {
        return Some(format!("roles {roles:?}"));
    }
    twice(seen)
}

fn kept(json: &str) -> Option<String> {
    let Ok(object) = serde_json::from_str::<Value>(json) else { return Some("no JSON".to_owned()) };
    let contents = object["turns"].as_array().into_iter().flatten().flat_map(|turn| turn["contents"].as_array());
    let contents: Vec<_> = contents.flatten().collect();
    let mut roles: Vec<_> =
        contents.iter().map(|content| content["role"].as_str().unwrap_or_default().to_owned()).collect();
    // As if the next question were asked.
    roles.push("user".to_owned());
    let seen: Vec<_> = contents.iter().flat_map(|content| marks(&content.to_string())).collect();
    shown(&roles, &seen)
}

fn twice(seen: &[Mark]) -> Option<String> {
    let mut paragraphs = BTreeSet::new();
    let again = seen.iter().find(|mark| !paragraphs.insert((mark.update, mark.paragraph)))?;
    Some(format!("{again} stands there twice"))
}
