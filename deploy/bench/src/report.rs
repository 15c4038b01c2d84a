//! The figures as a table for people and as JSON for programs, with the machine they come from.

use std::io::Read;
use std::path::Path;

use comfy_table::{CellAlignment, Table};
use flate2::Compression;
use flate2::read::DeflateEncoder;
use serde::Serialize;

use crate::figures::Line;

#[derive(Debug, Serialize)]
pub struct Section {
    pub title: String,
    pub contenders: Vec<String>,
    pub lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub kernel: String,
    /// Load of the last minute when the run began: much more than 0 disturbs wall times.
    pub load: f64,
}

impl Machine {
    pub fn this() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo");
        let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("\t: unknown");
        Self {
            processor: processor.trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default(),
        }
    }
}

/// Three digits are all that such figures hold.
fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

impl Section {
    /// Every contender after the first with its ratio to the first.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::ASCII_MARKDOWN);
        table.set_header(["".to_owned(), "unit".to_owned()].into_iter().chain(self.contenders.iter().cloned()));
        for line in &self.lines {
            let ours = line.values.first().copied().flatten();
            let cells = line.values.iter().enumerate().map(|(index, value)| match (value, ours) {
                (None, _) => "–".to_owned(),
                (Some(value), Some(ours)) if index > 0 => format!("{} (× {})", short(*value), short(value / ours)),
                (Some(value), _) => short(*value),
            });
            table.add_row([line.what.clone(), line.unit.to_owned()].into_iter().chain(cells));
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        format!("{}\n{table}", self.title)
    }
}

/// What a binary takes in a zip, in MB of 10^6 bytes: deflated as `deploy/build.sh` does it.
pub fn zipped_mb(binary: &Path) -> std::io::Result<f64> {
    let mut zipped = DeflateEncoder::new(std::fs::File::open(binary)?, Compression::new(6));
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0_usize;
    loop {
        match zipped.read(&mut buffer)? {
            0 => return Ok(bytes as f64 / 1e6),
            read => bytes += read,
        }
    }
}
