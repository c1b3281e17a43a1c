//! How a worker works.

use crate::Monitor;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;
use store::queue::Progress;

/// Far more than a machine has cores.
const MOST_JOBS: usize = 1024;
/// Room is given in pieces of this size.
const LEAST_TEMP_BYTES: u64 = 64 << 10;

/// Configuration of a worker.
#[derive(Debug, Clone)]
pub struct Config {
    /// Analyses at a time (up to 1024), each on a core of its own. One takes up to about 32 MB for an hour of `full` with default
    /// parameters, and up to 20 MB more for ten hours; at most 1 MiB of that are chunks that wait for the database.
    /// Larger chunks take more: the frames of one for each level (up to 64 MiB) while they are gathered and packed, and
    /// up to two packed ones on their way to the database. Default: the number of cores.
    pub jobs: NonZeroUsize,
    /// Where the audio of running analyses is kept that lies in a bucket; other audio is read where it lies. Each
    /// worker makes a folder of its own in it, and removes those of workers that died; that takes a file system whose
    /// files can be locked. Default: the system's folder for temporary files.
    pub temp_dir: PathBuf,
    /// Most bytes that the worker's copies of audio take up together (at least 64 KiB). A job whose copy does not fit
    /// beside those of others waits for them; a file larger than all of it fails. Default 16 GiB: as much as the largest
    /// file that [`Config::max_file_bytes`] takes, and eight of the largest that the API does.
    pub temp_max_bytes: u64,
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
    /// How long the engine may take beside the length of the audio: an analysis that takes longer than both together,
    /// hundreds of times as long as usual, is stopped. Default 10 minutes.
    pub time_base: Duration,
    /// Longest that the engine may take however long the audio is, and that fetching the audio may. Default 6 hours.
    pub time_limit: Duration,
    /// How long an analysis may take to notice that it must stop. After that its outcome is written without it, and its
    /// slot stays taken for as long as it has a core; a worker without another slot ends. Default 30 s: shorter frees
    /// the row of a hanging analysis sooner, longer bears a slower disk.
    pub stop_grace: Duration,
    /// Largest audio file taken, in bytes. Default 16 GiB.
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
            temp_max_bytes: 16 << 30,
            time_base: Duration::from_secs(600),
            time_limit: Duration::from_secs(6 * 3600),
            stop_grace: Duration::from_secs(30),
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
            self.jobs.get() <= MOST_JOBS,
            "jobs is {}, it must be at most {MOST_JOBS}",
            self.jobs
        );
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
        anyhow::ensure!(
            self.temp_max_bytes >= LEAST_TEMP_BYTES,
            "temp_max_bytes is {}, it must be at least {LEAST_TEMP_BYTES}",
            self.temp_max_bytes
        );
        Ok(())
    }

    /// How long the engine may take for audio of which this much is known: [`Config::time_base`] and the audio's
    /// length, or what has been analysed of audio that does not say how long it is; at most [`Config::time_limit`].
    pub(crate) fn allowance(&self, audio: Progress) -> Duration {
        let known_ms = audio.total_ms.unwrap_or_default().max(audio.done_ms);
        self.time_base.saturating_add(Duration::from_millis(known_ms)).min(self.time_limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_worker_takes_more_jobs_than_it_has_places_for() {
        let with = |jobs| Config { jobs: NonZeroUsize::new(jobs).unwrap(), ..Config::default() }.validate();
        with(MOST_JOBS).unwrap();
        for jobs in [MOST_JOBS + 1, usize::MAX] {
            let refusal = with(jobs).unwrap_err().to_string();
            assert_eq!(refusal, format!("jobs is {jobs}, it must be at most 1024"));
        }
    }

    #[test]
    fn the_time_allowed_grows_with_the_audio_up_to_a_limit() {
        let config = Config::default();
        let minutes = |done: u64, total: Option<u64>| {
            let audio = Progress { done_ms: done * 60_000, total_ms: total.map(|total| total * 60_000) };
            config.allowance(audio).as_secs() / 60
        };
        assert_eq!(minutes(0, None), 10);
        assert_eq!(minutes(0, Some(60)), 70);
        assert_eq!(minutes(25, None), 35, "of a length that nobody knows");
        assert_eq!(minutes(25, Some(20)), 35, "longer than it says");
        assert_eq!(minutes(0, Some(24 * 60)), 6 * 60);
        assert_eq!(minutes(0, Some(u64::MAX / 60_000)), 6 * 60);
    }
}
