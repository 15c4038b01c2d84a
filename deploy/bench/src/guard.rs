//! Instruction counts, which repeat whatever else the machine is doing: what a start, a request and a turn cost is kept
//! in a file, and a change that makes them dearer is noticed.
//!
//! Counted by valgrind's callgrind, as the difference of two runs: one with a single request, one with many. Each is
//! the least of several: what differs between them (a connection opened once more, a poll in vain) only ever adds.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::report::zipped_mb;
use crate::upstream::Upstream;
use crate::{Contender, ingress, worker};

/// Requests beyond the first, in the longer of the two runs.
const MORE: u32 = 40;
/// Runs of which the least counts.
const RUNS: usize = 3;
/// What Gemini takes, so that what goes on beside a question is over before the answer, as it is in life.
const GEMINI: Duration = Duration::from_millis(50);
const TOLERANCE: f64 = 0.03;

/// What a function may cost.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Budget {
    /// Its start and first request, in thousands of instructions.
    pub first_k: f64,
    /// Each request or turn after it.
    pub warm_k: f64,
    /// Deflated, in MB of 10^6 bytes.
    pub zip_mb: f64,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Budgets {
    pub ingress: Budget,
    pub worker: Budget,
}

impl Budgets {
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(file).with_context(|| file.display().to_string())?;
        serde_json::from_slice(&text).with_context(|| file.display().to_string())
    }

    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        std::fs::write(file, serde_json::to_string_pretty(self)? + "\n").with_context(|| file.display().to_string())
    }

    /// # Errors
    /// Without valgrind, or when a function gives a wrong result.
    pub async fn measure(binaries: &Path) -> anyhow::Result<Self> {
        let valgrind = Path::new("/usr/bin/valgrind");
        ensure!(valgrind.is_file(), "valgrind is needed: on Debian and Ubuntu, apt install valgrind");
        let folder = tempfile::tempdir()?;
        let upstream = Upstream::start().await?;
        upstream.gemini_takes(GEMINI);
        let ingress = wrapped(&binaries.join("ingress"), valgrind, folder.path())?;
        let worker = wrapped(&binaries.join("worker"), valgrind, folder.path())?;
        Ok(Self {
            ingress: budget(
                count_ingress(&ingress, &upstream, 0).await?,
                count_ingress(&ingress, &upstream, MORE).await?,
                zipped_mb(&binaries.join("ingress"))?,
            ),
            worker: budget(
                count_worker(&worker, &upstream, 0).await?,
                count_worker(&worker, &upstream, MORE).await?,
                zipped_mb(&binaries.join("worker"))?,
            ),
        })
    }

    /// # Errors
    /// Names each figure that differs by more than the tolerance. Less is an error too: a budget that is too large
    /// would hide the next regression.
    pub fn compare(&self, measured: &Self) -> Result<(), String> {
        let figures = |budgets: &Self| {
            [("ingress", budgets.ingress), ("worker", budgets.worker)].map(|(name, budget)| {
                [
                    (format!("{name}: start and first request, thousand instructions"), budget.first_k),
                    (format!("{name}: warm request, thousand instructions"), budget.warm_k),
                    (format!("{name}: zip, MB"), budget.zip_mb),
                ]
            })
        };
        let pairs = figures(self).into_iter().flatten().zip(figures(measured).into_iter().flatten());
        let differing: Vec<_> = pairs
            .filter(|((_, allowed), (_, is))| (is / allowed - 1.0).abs() > TOLERANCE)
            .map(|((what, allowed), (_, is))| {
                format!("{what}: {allowed:.2} ▸ {is:.2} ({:+.1} %)", (is / allowed - 1.0) * 100.0)
            })
            .collect();
        if differing.is_empty() { Ok(()) } else { Err(differing.join("\n")) }
    }
}

fn budget(one: u64, all: u64, zip_mb: f64) -> Budget {
    let warm = all.saturating_sub(one) / u64::from(MORE);
    Budget { first_k: (one / 1_000) as f64, warm_k: (warm / 1_000) as f64, zip_mb: (zip_mb * 100.0).round() / 100.0 }
}

/// A bootstrap that runs the binary under callgrind.
fn wrapped(binary: &Path, valgrind: &Path, folder: &Path) -> anyhow::Result<Contender> {
    let binary = std::path::absolute(binary)?;
    ensure!(binary.is_file(), "{} is missing: make release builds it", binary.display());
    let name = binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bootstrap: PathBuf = folder.join(&name);
    let script = format!(
        "#!/bin/sh\nexec {} --tool=callgrind --callgrind-out-file=/dev/null '{}'\n",
        valgrind.display(),
        binary.display()
    );
    std::fs::write(&bootstrap, script)?;
    std::fs::set_permissions(&bootstrap, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(Contender { name, bootstrap })
}

async fn count_ingress(contender: &Contender, upstream: &Upstream, more: u32) -> anyhow::Result<u64> {
    let mut least = u64::MAX;
    for _ in 0..RUNS {
        let function = ingress::start(contender, upstream).await?;
        for update_id in 0..=more {
            ingress::deliver(&function, upstream, update_id + 1).await?;
        }
        least = least.min(counted(function).await?);
    }
    Ok(least)
}

async fn count_worker(contender: &Contender, upstream: &Upstream, more: u32) -> anyhow::Result<u64> {
    let mut least = u64::MAX;
    for _ in 0..RUNS {
        least = least.min(counted(worker::converse(contender, upstream, more + 1).await?).await?);
    }
    Ok(least)
}

/// Ends the function as Lambda ends an environment, and reads what callgrind says then.
async fn counted(function: local::lambda::Function) -> anyhow::Result<u64> {
    let process = function.process_id().context("it has ended")?;
    let ended = std::process::Command::new("kill").args(["-TERM", &process.to_string()]).status()?;
    ensure!(ended.success(), "could not end process {process}");
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        let collected = function.logs().iter().rev().find_map(|line| {
            let (_, figure) = line.split_once("Collected : ")?;
            figure.trim().parse().ok()
        });
        if let Some(collected) = collected {
            return Ok(collected);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("callgrind says nothing: {:?}", function.logs().last())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets(warm_k: f64) -> Budgets {
        let budget = Budget { first_k: 1_000.0, warm_k, zip_mb: 1.5 };
        Budgets { ingress: budget, worker: budget }
    }

    #[test]
    fn dearer_and_much_cheaper_are_both_said_and_a_little_is_not() {
        assert_eq!(budgets(100.0).compare(&budgets(101.9)), Ok(()));
        let dearer = budgets(100.0).compare(&budgets(110.0)).unwrap_err();
        assert!(dearer.starts_with("ingress: warm request") && dearer.contains("(+10.0 %)"), "{dearer}");
        assert!(budgets(100.0).compare(&budgets(97.0)).is_err());
    }
}
