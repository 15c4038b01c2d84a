//! The steps of a slow start, as they go: a spinner with the time on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// One line for people. A terminal that was closed is no reason to fail before everything is cleaned up.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

/// A step under way; dropped without [`Step::done`], its spinner goes.
pub struct Step {
    name: &'static str,
    began: Instant,
    spinner: Option<ProgressBar>,
}

impl Step {
    pub fn begin(name: &'static str) -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix}  {elapsed}  {wide_msg:.dim}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            let spinner = ProgressBar::new_spinner().with_style(style).with_prefix(name);
            spinner.enable_steady_tick(Duration::from_millis(120));
            spinner
        });
        if spinner.is_none() {
            say(&format!("{name} …"));
        }
        Self { name, began: Instant::now(), spinner }
    }

    /// What the step is at.
    pub fn at(&self, what: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(what.to_owned()),
            None => say(&format!("  {what}")),
        }
    }

    pub fn done(self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        say(&format!("{}: {:.1} s", self.name, self.began.elapsed().as_secs_f32()));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
