//! How a worker works.

use crate::Monitor;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Configuration of a worker.
#[derive(Debug, Clone)]
pub struct Config {
    /// Analyses at a time, each on a core of its own. One takes up to about 32 MB for an hour of `full` with default
    /// parameters, and up to 20 MB more for ten hours; larger chunks take more. Default: the number of cores.
    pub jobs: NonZeroUsize,
    /// Where the audio of running analyses is kept that lies in a bucket; other audio is read where it lies. Each worker makes a folder of its own in it, and removes those of
    /// workers that died. Default: the system's folder for temporary files.
    pub temp_dir: PathBuf,
    /// What the worker is called in logs and rows; what makes it unique is added. Default: `worker`.
    pub name: String,
    /// How long a worker that shows no sign of life keeps an analysis (1 s to 1 h). Default 10 s: shorter rescues
    /// sooner, longer bears longer absences of the database.
    pub lease: Duration,
    /// How often the lease is renewed, progress published and a cancel seen; at most a third of `lease`. Default 1 s.
    pub renew_every: Duration,
    /// How long a finished chunk may wait for others, to be stored with them, before those who watch the analysis see
    /// it (up to 1 minute). Default 1 s: shorter shows more and writes more often.
    pub store_every: Duration,
    /// How often to look for expired leases and due analyses (at least 100 ms). Default 2 s.
    pub reap_every: Duration,
    /// How long running analyses may go on after the shutdown began, before they are handed back. Default 20 s.
    pub drain: Duration,
    /// How long an attempt may take altogether. Default 6 hours.
    pub time_limit: Duration,
    /// Largest audio file taken, in bytes. Default 16 GiB. Copies of audio from a bucket take at most `jobs`
    /// times this.
    pub max_file_bytes: u64,
    /// Through which others see how the worker does. Default: one of its own, which nobody looks at.
    pub monitor: Monitor,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            jobs: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            temp_dir: std::env::temp_dir(),
            name: "worker".to_owned(),
            lease: Duration::from_secs(10),
            renew_every: Duration::from_secs(1),
            store_every: Duration::from_secs(1),
            reap_every: Duration::from_secs(2),
            drain: Duration::from_secs(20),
            time_limit: Duration::from_secs(6 * 3600),
            max_file_bytes: 16 << 30,
            monitor: Monitor::default(),
        }
    }
}

impl Config {
    /// Checks what must hold between the times.
    ///
    /// # Errors
    /// Names the first field outside its range.
    pub fn validate(&self) -> anyhow::Result<()> {
        let second = Duration::from_secs(1);
        anyhow::ensure!(
            (second..=3600 * second).contains(&self.lease),
            "lease is {:?}, it must be 1 s to 1 h",
            self.lease
        );
        anyhow::ensure!(
            !self.renew_every.is_zero() && self.renew_every * 3 <= self.lease,
            "renew_every is {:?}, it must be more than 0 and at most a third of the lease of {:?}",
            self.renew_every,
            self.lease
        );
        anyhow::ensure!(
            self.store_every <= 60 * second,
            "store_every is {:?}, it must be at most 1 minute",
            self.store_every
        );
        anyhow::ensure!(
            self.reap_every >= second / 10,
            "reap_every is {:?}, it must be at least 100 ms",
            self.reap_every
        );
        Ok(())
    }
}
