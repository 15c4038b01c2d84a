//! What a run says: the table, and the story of what went wrong.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use crate::check::{Broken, Rule, Verdict};
use crate::event::{Entry, Event};
use crate::run::Settings;

/// More stories of one rule than these tell nothing new.
const STORIES: usize = 2;

pub fn table(settings: &Settings, verdict: &Verdict, took: Duration) -> String {
    let figures = &verdict.figures;
    let rows = [
        ("updates sent", figures.sent.to_string()),
        ("answered", figures.answered.to_string()),
        ("declined, with a word or on purpose without", figures.declined.to_string()),
        ("in the dead-letter queue (poison)", figures.dead.to_string()),
        ("lost", figures.lost.to_string()),
        ("confirmed parts repeated", figures.repeated.to_string()),
        ("unknown sends repeated", format!("{} of {}", figures.repeated_unknown, figures.unknown)),
        ("out of order", figures.out_of_order.to_string()),
        ("their memory lost with a corrupted object", figures.forgotten.to_string()),
        ("Gemini charges", figures.charges.to_string()),
        ("  again, before an answer was stored", figures.charged_again.to_string()),
        ("  again, after an answer was stored", figures.charged_after_stored.to_string()),
        ("replayed", figures.replayed.to_string()),
        ("calls failed", figures.failed_calls.to_string()),
        ("kills", figures.kills.to_string()),
        ("seed", settings.seed.to_string()),
        ("seconds", took.as_secs().to_string()),
    ];
    rows.iter().fold(String::new(), |mut table, (name, value)| {
        let _ = writeln!(table, "  {name:<46} {value:>12}");
        table
    })
}

/// How often each kind of fault happened.
pub fn kinds(kinds: &[(String, usize)]) -> String {
    kinds.iter().fold(String::from("\nWhat happened, and how often:\n"), |mut table, (name, count)| {
        let _ = writeln!(table, "  {name:<46} {count:>12}");
        table
    })
}

/// What is broken, by rule; and for the first of each all that is recorded of their update and conversation.
pub fn stories(verdict: &Verdict, log: &[Entry]) -> String {
    let mut told = String::new();
    for broken in &verdict.broken {
        let _ = writeln!(told, "{:?} {} in {}: {}", broken.rule, broken.update, broken.conversation, broken.why);
    }
    let mut of_rule: HashMap<Rule, usize> = HashMap::new();
    for broken in &verdict.broken {
        let told_before = of_rule.entry(broken.rule).or_default();
        *told_before += 1;
        if *told_before > STORIES {
            continue;
        }
        let _ = writeln!(told, "\nThe story of {} in {} ({:?}):", broken.update, broken.conversation, broken.rule);
        told.push_str(&story(broken, log));
    }
    told
}

fn story(broken: &Broken, log: &[Entry]) -> String {
    let workers: BTreeSet<_> = log.iter().filter_map(|entry| received_by(&entry.event, broken.update)).collect();
    let mine: Vec<_> = log.iter().filter(|entry| concerns(broken, &workers, &entry.event)).collect();
    let (begin, end) = (mine.iter().position(|entry| entry.event.update() == Some(broken.update)), mine.len());
    mine.get(begin.unwrap_or(0)..end).into_iter().flatten().fold(String::new(), |mut story, entry| {
        let line = format!("{:?}", entry.event);
        let _ = writeln!(story, "{:>9} ms  {}", entry.at_ms, line.chars().take(400).collect::<String>());
        story
    })
}

/// Of the update, of its conversation's object, and the deaths of the workers that had it.
fn concerns(broken: &Broken, workers: &BTreeSet<&String>, event: &Event) -> bool {
    match event {
        Event::Loaded { conversation, .. }
        | Event::Stored { conversation, .. }
        | Event::Corrupted { conversation }
        | Event::SetAside { conversation }
        | Event::LeftObject { conversation, .. } => *conversation == broken.conversation,
        Event::Moved { from, to } => [from, to].contains(&&broken.conversation),
        Event::Failed { call, .. } => {
            broken.update > 0 && call.contains(&broken.update.to_string())
                || call.contains(&broken.conversation.replace(':', "/"))
        }
        Event::Killed { worker, .. } => workers.contains(worker),
        _ => event.update() == Some(broken.update),
    }
}

fn received_by(event: &Event, wanted: u64) -> Option<&String> {
    match event {
        Event::Received { update, worker, .. } => (*update == wanted).then_some(worker),
        _ => None,
    }
}
