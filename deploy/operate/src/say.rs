//! Lines for people: what is well, what is not and what to do about it. In colour on a terminal only.

use std::io::{IsTerminal, Write};

/// One line. A reader that went away is no reason to fail half-way.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

pub fn step(what: &str) {
    say(&paint("1", &format!("▸ {what}")));
}

pub fn good(what: &str) {
    say(&format!("  {} {what}", paint("32", "✔")));
}

/// Not as it could be, but nothing fails by it.
pub fn note(what: &str) {
    say(&format!("  {} {}", paint("33", "•"), indented(what)));
}

pub fn bad(what: &str) {
    say(&format!("  {} {}", paint("31", "✘"), indented(what)));
}

/// The end of a command that failed: its reason, in red, on standard error.
pub fn failed(error: &anyhow::Error) {
    let text = format!("✘ {error:#}");
    let text = if std::io::stderr().is_terminal() { painted("31", &text) } else { text };
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Further lines stand below the first one's words.
fn indented(text: &str) -> String {
    text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n    ")
}

/// In colour on a terminal only.
pub fn paint(colour: &str, text: &str) -> String {
    if std::io::stdout().is_terminal() { painted(colour, text) } else { text.to_owned() }
}

fn painted(colour: &str, text: &str) -> String {
    if std::env::var_os("NO_COLOR").is_some() { text.to_owned() } else { format!("\x1b[{colour}m{text}\x1b[0m") }
}
