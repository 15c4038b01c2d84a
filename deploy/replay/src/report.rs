//! What the operator reads: aligned tables and counts, or one JSON object. Nothing of what people wrote, unless asked.

use serde_json::{Value, json};
use shared::Envelope;

use crate::age;
use crate::letter::{Content, Letter};
use crate::outcome::{Outcome, conversations};
use crate::reasons::{Reason, UNKNOWN};

pub type Row<'a> = (&'a Letter, Option<Reason>);

pub fn messages(count: usize) -> String {
    format!("{count} message{}", if count == 1 { "" } else { "s" })
}

/// One line a message, conversations together, errors cut; `show` has them whole.
pub fn table(rows: &[Row]) -> String {
    const ERROR_MAX: usize = 90;
    let mut lines = vec![["CONVERSATION", "UPDATE", "AGE", "ATTEMPTS", "CLASS", "LAST ERROR"].map(str::to_owned)];
    for (letter, reason) in together(rows) {
        let update = letter.update_id().map_or_else(|| letter.message_id.clone(), |update_id| update_id.to_string());
        let (class, error) = reason.as_ref().map_or((UNKNOWN, None), |why| (&*why.class, why.error.as_deref()));
        let error = cut(error.unwrap_or("-"), ERROR_MAX);
        let age = age::words(letter.age_ms());
        let attempts = reason.as_ref().and_then(|why| why.attempts).map_or("-".to_owned(), |count| count.to_string());
        lines.push([printable(&letter.group), update, age, attempts, printable(class), error]);
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 5] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  "));
        text.push_str(&cells.collect::<String>());
        text.push_str(&line[5]);
        text.push('\n');
    }
    text
}

/// What this run could not look at, and why; nothing to say is an empty text.
pub fn unseen(outcome: &Outcome) -> String {
    let mut text = String::new();
    if outcome.not_seen > 0 {
        text += &format!(
            "{} more could not be looked at: SQS hands out at most ten of a conversation while these stay.\n",
            outcome.not_seen
        );
    }
    if outcome.held_elsewhere > 0 {
        text += &format!(
            "{} held by another run, or by one that was killed (then free again within {} s).\n",
            if outcome.held_elsewhere == 1 { "1 is".to_owned() } else { format!("{} are", outcome.held_elsewhere) },
            crate::dlq::HOLD_S
        );
    }
    text
}

pub fn list(outcome: &Outcome) -> String {
    let rows: Vec<Row> = outcome.chosen.iter().map(|(letter, reason)| (letter, reason.clone())).collect();
    let nothing = rows.is_empty() && outcome.skipped == 0;
    if nothing && outcome.not_seen == 0 && outcome.held_elsewhere == 0 && !outcome.interrupted {
        return "The dead-letter queue is empty: every update found its end.\n".to_owned();
    }
    let mut text = if rows.is_empty() { "Nothing fits.\n".to_owned() } else { table(&rows) };
    if !rows.is_empty() {
        let count = conversations(rows.iter().map(|(letter, _)| *letter));
        text += &format!("{} of {count} conversation{}.\n", messages(rows.len()), if count == 1 { "" } else { "s" });
    }
    text + &others(outcome) + &unseen(outcome)
}

/// After `replay` or `drop`: `did` is `sent back` or `dropped`.
pub fn counts(outcome: &Outcome, did: &str) -> String {
    let mut text = format!("{} {did}.\n", messages(outcome.done.len()));
    let nothing = outcome.done.is_empty() && outcome.failures.is_empty() && outcome.chosen.is_empty();
    if nothing && outcome.skipped == 0 && outcome.not_seen == 0 && outcome.held_elsewhere == 0 && !outcome.interrupted {
        return "The dead-letter queue is empty: there is nothing to do.\n".to_owned();
    }
    if outcome.came_back > 0 {
        text += &format!("{} came back and stay: they failed again.\n", outcome.came_back);
    }
    for (letter, error) in &outcome.failures {
        let name = letter.update_id().map_or_else(|| letter.message_id.clone(), |update_id| update_id.to_string());
        text += &format!("{name} of {}: {}\n", printable(&letter.group), printable(error));
    }
    if !outcome.chosen.is_empty() && !outcome.declined {
        text += &format!("{} chosen, but still there: run it again.\n", messages(outcome.chosen.len()));
    }
    text + &others(outcome) + &unseen(outcome)
}

pub fn dry_run(outcome: &Outcome) -> String {
    if outcome.chosen.is_empty() {
        return list(outcome);
    }
    format!("{}Nothing was sent: a dry run.\n", list(outcome))
}

fn others(outcome: &Outcome) -> String {
    if outcome.skipped == 0 { String::new() } else { format!("{} not chosen.\n", messages(outcome.skipped)) }
}

/// All about one message.
pub fn show(letter: &Letter, reason: Option<&Reason>, with_text: bool) -> String {
    let fields = describe(letter, reason);
    let mut text = String::new();
    for (name, value) in fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text += &format!("{:14} {}\n", name.replace('_', " "), printable(&value));
    }
    if with_text {
        text += &format!("\n{}\n", printable(words(letter)));
    }
    text
}

pub fn show_json(letter: &Letter, reason: Option<&Reason>, with_text: bool) -> Value {
    let mut fields = describe(letter, reason);
    if with_text {
        // Whatever is no JSON is told as a string.
        let raw = words(letter);
        fields["text"] = serde_json::from_str(raw).unwrap_or_else(|_| Value::from(raw));
    }
    fields
}

pub fn json(outcome: &Outcome) -> Value {
    let rows: Vec<Value> = outcome.chosen.iter().map(|(letter, reason)| describe(letter, reason.as_ref())).collect();
    let failures = outcome.failures.iter().map(|(letter, error)| {
        json!({ "message_id": letter.message_id, "update_id": letter.update_id(), "conversation": letter.group, "error": error })
    });
    json!({
        "messages": rows,
        "done": outcome.done.len(),
        "done_update_ids": outcome.done.iter().filter_map(Letter::update_id).collect::<Vec<u64>>(),
        "came_back": outcome.came_back,
        "not_chosen": outcome.skipped,
        "not_seen": outcome.not_seen,
        "held_elsewhere": outcome.held_elsewhere,
        "failures": failures.collect::<Vec<Value>>(),
        "declined": outcome.declined,
        "interrupted": outcome.interrupted,
        "error": outcome.problem,
    })
}

fn describe(letter: &Letter, reason: Option<&Reason>) -> Value {
    let received_at_ms = match letter.content {
        Content::Update { received_ms, .. } => Some(received_ms),
        Content::Foreign(_) => None,
    };
    json!({
        "update_id": letter.update_id(),
        "conversation": letter.group,
        "message_id": letter.message_id,
        "kind": kind(letter),
        "bytes": letter.bytes,
        "received_at_ms": received_at_ms,
        "sent_at_ms": letter.sent_ms,
        "age_s": letter.age_ms() / 1000,
        "attempts": reason.and_then(|reason| reason.attempts),
        "receives": letter.receives,
        "class": reason.map_or(UNKNOWN, |reason| &reason.class),
        "error": reason.and_then(|reason| reason.error.as_ref()),
        "failed_at_ms": reason.and_then(|reason| reason.failed_at_ms),
        "object": letter.conversation().map(|conversation| conversation.object_key()),
        "foreign": matches!(letter.content, Content::Foreign(_)),
    })
}

/// `message`, `edited_message` …: the update's one field beside its id, when the body is at hand.
fn kind(letter: &Letter) -> Option<String> {
    let update: Value = serde_json::from_str(Envelope::open(&letter.body).ok()?.update.get()).ok()?;
    update.as_object()?.keys().find(|name| *name != "update_id").map(|name| printable(name))
}

/// What people wrote: the update as Telegram sent it, or the whole body of a foreign message.
fn words(letter: &Letter) -> &str {
    match Envelope::open(&letter.body) {
        Ok(envelope) => envelope.update.get(),
        Err(_) => &letter.body,
    }
}

/// Conversations together, in the order of their first message.
fn together<'a, 'b>(rows: &'b [Row<'a>]) -> Vec<&'b Row<'a>> {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    let first = |row: &Row| rows.iter().position(|other| other.0.group == row.0.group);
    sorted.sort_by_cached_key(|row| first(row));
    sorted
}

fn cut(text: &str, max: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= max { text } else { text.chars().take(max - 1).chain(['…']).collect() }
}

/// What comes from elsewhere must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() && character != '\n' { '\u{fffd}' } else { character })
        .collect()
}
