//! How often each kind of fault really happened in a run: one that never does proves nothing.

use std::collections::{HashMap, HashSet};

use crate::event::{Entry, Event, Kind};
use crate::plan::{Fault, Service};

/// By name; all that a run with these settings can have, those that did not happen too.
pub fn kinds(hanging: &[Service], log: &[Entry]) -> Vec<(String, usize)> {
    let calls = Service::ALL.into_iter().flat_map(|service| calls(service, hanging.contains(&service), log));
    let count = |is: fn(&Event) -> bool| log.iter().filter(|entry| is(&entry.event)).count();
    let photo = |event: &Event| matches!(event, Event::Failed { call, .. } if call.contains("sendPhoto"));
    let (answered, unanswered) = replays(log);
    let others = [
        ("sends of a picture failed", count(photo)),
        ("pictures ordered by the model", count(|event| matches!(event, Event::Asked { orders: true, .. }))),
        ("conversations forgotten on request", count(|event| accepted(event) == Some(Kind::Forget))),
        ("groups with a new id", count(|event| matches!(event, Event::Moved { .. }))),
        ("conversation objects corrupted", count(|event| matches!(event, Event::Corrupted { .. }))),
        ("  and set aside", count(|event| matches!(event, Event::SetAside { .. }))),
        ("duplicates within 5 minutes", count(|event| matches!(event, Event::Duplicated { late: false, .. }))),
        ("duplicates later", count(|event| matches!(event, Event::Duplicated { late: true, .. }))),
        ("updates at two workers at once", at_two_workers(log)),
        ("replays of answered updates", answered),
        ("replays of unanswered updates", unanswered),
        ("poison with others behind it", poison(log)),
    ];
    calls.chain(others.map(|(name, count)| (name.to_owned(), count))).collect()
}

/// Of Telegram what people see, since the rest is a courtesy.
fn calls(service: Service, hangs: bool, log: &[Entry]) -> Vec<(String, usize)> {
    let name = format!("{service:?} ");
    let of_service =
        |call: &str| call.starts_with(&name) && !call.contains("sendChatAction") && !call.contains("getMe");
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for entry in log {
        if let Event::Failed { call, fault, .. } = &entry.event
            && of_service(call)
        {
            *counts.entry(words(*fault)).or_default() += 1;
        }
    }
    let possible = |kind: &&str| match *kind {
        "told to wait" => matches!(service, Service::Telegram | Service::Gemini),
        "unreadable" => service != Service::S3,
        "timed out before" | "timed out after" => hangs,
        _ => true,
    };
    let all = ALL.into_iter().filter(possible);
    all.map(|kind| (format!("{name}{kind}"), counts.get(kind).copied().unwrap_or_default())).collect()
}

const ALL: [&str; 9] = [
    "refused",
    "told to wait",
    "broken before",
    "broken after",
    "timed out before",
    "timed out after",
    "unreadable",
    "killed before",
    "killed after",
];

/// Before or after the effect.
fn words(fault: Fault) -> &'static str {
    match fault {
        Fault::Refuse => "refused",
        Fault::Wait(_) => "told to wait",
        Fault::BreakBefore => "broken before",
        Fault::BreakAfter => "broken after",
        Fault::HangBefore => "timed out before",
        Fault::HangAfter => "timed out after",
        Fault::Malformed => "unreadable",
        Fault::KillBefore => "killed before",
        Fault::KillAfter => "killed after",
    }
}

fn accepted(event: &Event) -> Option<Kind> {
    match event {
        Event::Accepted { kind, .. } => Some(*kind),
        _ => None,
    }
}

/// Handed to a worker while another one was still at it.
fn at_two_workers(log: &[Entry]) -> usize {
    let (mut holders, mut count): (HashMap<u64, &String>, _) = (HashMap::new(), 0);
    for entry in log {
        match &entry.event {
            Event::Received { update, worker, .. } => {
                count += usize::from(holders.insert(*update, worker).is_some_and(|holder| holder != worker));
            }
            Event::Returned { worker } => holders.retain(|_, holder| *holder != worker),
            Event::Deleted { update } | Event::Hidden { update, .. } => {
                holders.remove(update);
            }
            _ => {}
        }
    }
    count
}

/// Replays of what a person had read by then, and of the rest.
fn replays(log: &[Entry]) -> (usize, usize) {
    let (mut read, mut answered, mut unanswered) = (HashSet::new(), 0, 0);
    for entry in log {
        match &entry.event {
            Event::Sent { update, words, outcome, .. } if words.is_answer() && outcome.had_effect() => {
                read.insert(*update);
            }
            Event::Replayed { update } if read.contains(update) => answered += 1,
            Event::Replayed { .. } => unanswered += 1,
            _ => {}
        }
    }
    (answered, unanswered)
}

/// Poison after which its conversation went on.
fn poison(log: &[Entry]) -> usize {
    let (mut poisoned, mut count): (HashMap<&String, usize>, _) = (HashMap::new(), 0);
    for entry in log {
        match &entry.event {
            Event::Accepted { conversation, kind: Kind::Poison, .. } => *poisoned.entry(conversation).or_default() += 1,
            Event::Accepted { conversation, kind: Kind::Ask, .. } => {
                count += poisoned.remove(conversation).unwrap_or_default();
            }
            _ => {}
        }
    }
    count
}
