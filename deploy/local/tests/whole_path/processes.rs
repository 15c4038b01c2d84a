//! Which processes there are, as Linux tells it: those that belong to a run, and what stands in their arguments.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Processes with this folder in their arguments or environment, as `pid arguments`. Every process that a run
/// starts to stay has it there: the emulated AWS, and through it the functions.
pub(crate) fn of(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let mine = std::process::id().to_string();
    let belongs =
        |pid: &String| *pid != mine && (read(pid, "cmdline").contains(folder) || read(pid, "environ").contains(folder));
    pids().filter(belongs).map(|pid| format!("{pid} {}", read(&pid, "cmdline"))).collect()
}

/// Looks at all processes' arguments again and again until it is asked what it saw. An AWS CLI lives half a second.
pub(crate) struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<String>>,
}

impl Watch {
    pub(crate) fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = over.clone();
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !until.load(Ordering::Relaxed) {
                seen.extend(pids().map(|pid| read(&pid, "cmdline")));
                std::thread::park_timeout(Duration::from_millis(50));
            }
            seen
        });
        Self { over, thread }
    }

    /// Arguments that held one of the words.
    pub(crate) fn seen(self, words: &[&str]) -> Vec<String> {
        self.over.store(true, Ordering::Relaxed);
        let all = self.thread.join().unwrap();
        assert!(all.len() > 1, "the watch saw nothing");
        all.into_iter().filter(|line| words.iter().any(|word| line.contains(word))).collect()
    }
}

fn pids() -> impl Iterator<Item = String> {
    let names =
        fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

fn read(pid: &str, file: &str) -> String {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}
