//! What a process has used, as Linux counts it.

use std::fs;
use std::io;
use std::path::PathBuf;

/// CPU time of all threads of a process so far, in µs: `/proc/<pid>/task/*/schedstat`, whose first figure is in ns.
/// What threads used that have ended since is not in it; none of ours ends.
pub fn cpu_us(process: u32) -> io::Result<f64> {
    let mut ns = 0_u64;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        ns += text.split(' ').next().and_then(|figure| figure.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(ns as f64 / 1_000.0)
}

/// The most that was ever resident, in MB of 10^6 bytes: `VmHWM`.
pub fn peak_mb(process: u32) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
    Ok(kib * 1_024.0 / 1e6)
}

/// A share of one core for a process, by the kernel's CPU controller (version 1 or 2); given back when dropped.
#[derive(Debug)]
pub struct Share(PathBuf);

impl Share {
    /// Lambda gives 1,769 MB one core, and less memory so much less of one: 128 MB is 7.2 %, in slices of 20 ms.
    pub const OF_128_MB: f64 = 128.0 / 1_769.0;
    const SLICE_US: f64 = 20_000.0;

    /// # Errors
    /// When this machine does not let the caller: not root, or no CPU controller.
    pub fn limit(process: u32, share: f64) -> io::Result<Self> {
        let name = format!("bench-{process}");
        let (quota, slice) = (share * Self::SLICE_US, Self::SLICE_US);
        let (first, second) = ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup");
        let group = if fs::exists(format!("{first}/cpu.cfs_quota_us"))? || fs::exists(format!("{first}/tasks"))? {
            let group = PathBuf::from(first).join(name);
            fs::create_dir_all(&group)?;
            fs::write(group.join("cpu.cfs_period_us"), format!("{slice:.0}"))?;
            fs::write(group.join("cpu.cfs_quota_us"), format!("{quota:.0}"))?;
            group
        } else {
            let group = PathBuf::from(second).join(name);
            fs::create_dir_all(&group)?;
            fs::write(group.join("cpu.max"), format!("{quota:.0} {slice:.0}"))?;
            group
        };
        let group = Self(group);
        fs::write(group.0.join("cgroup.procs"), process.to_string())?;
        Ok(group)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Empty once its process has ended; a group that stays behind does nothing.
        drop(fs::remove_dir(&self.0));
    }
}
