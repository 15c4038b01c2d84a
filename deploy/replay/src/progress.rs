//! How far it is: a bar on a terminal, nothing elsewhere, since the counts at the end say it.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

pub struct Progress(ProgressBar);

impl Progress {
    /// `total`: as many as SQS thinks there are.
    pub fn begin(what: &'static str, total: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos} of about {len}  {elapsed}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(total).with_style(style).with_prefix(what))
    }

    pub fn add(&self, count: usize) {
        self.0.inc(count as u64);
    }

    /// Out of the way of a question or of the report.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
