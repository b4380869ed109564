//! Reads the resources of a process from Linux.

use std::{fs, io, time::Duration};

/// Returns the processor time of all threads of a process, user and system.
///
/// It is the scheduler's, in nanoseconds; `stat` has steps of 10 ms. Ended threads are not included, but the proxies keep
/// theirs.
pub(crate) fn processor_time(process: u32) -> io::Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may have ended.
        let Ok(line) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        nanos += line.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
    }
    match nanos {
        0 => Err(io::Error::other("this kernel does not report the run time of threads (schedstat)")),
        _ => Ok(Duration::from_nanos(nanos)),
    }
}

/// Returns the resident memory in bytes.
pub(crate) fn memory(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok(kibibytes.ok_or_else(|| io::Error::other("no VmRSS"))? * 1024)
}

/// Returns the processors on which this process may run.
pub(crate) fn processors() -> io::Result<Vec<usize>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    Ok(line.map(|line| expanded(line.trim())).unwrap_or_default())
}

/// Expands `0-2,5` to 0, 1, 2, 5.
fn expanded(list: &str) -> Vec<usize> {
    let ranges = list.split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::expanded;

    #[test]
    fn ranges_of_processors_are_expanded() {
        assert_eq!(expanded("0-2,5"), [0, 1, 2, 5]);
        assert_eq!(expanded("3"), [3]);
        assert!(expanded("").is_empty());
    }
}
