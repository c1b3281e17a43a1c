//! How far a run is as a whole, by the music in it rather than by the number of files.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a kind of file is taken for until one of it was opened, in bytes a second: CD audio as it is, packed without
/// loss, and at the bit rates that music is sold at.
const CD_BYTES_PER_S: f64 = 176_400.0;
const LOSSLESS_BYTES_PER_S: f64 = 110_000.0;
const LOSSY_BYTES_PER_S: f64 = 28_000.0;

/// One file: its size is known from the beginning, its length once it was opened.
struct File {
    bytes: u64,
    kind: String,
    total_ms: Option<u64>,
    done_ms: u64,
    ended: bool,
}

/// The files of a run.
pub(crate) struct Tally {
    files: Vec<File>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Standing {
    /// Music heard so far, in ms.
    pub(crate) heard_ms: u64,
    /// Music that is left, in ms: an estimate.
    pub(crate) left_ms: f64,
    /// Files that have ended, well or not.
    pub(crate) ended: usize,
    /// All files.
    pub(crate) files: usize,
}

impl Tally {
    /// For files of so many bytes, each with its extension.
    pub(crate) fn new(files: impl Iterator<Item = (u64, String)>) -> Self {
        let file = |(bytes, kind): (u64, String)| File {
            bytes,
            kind: kind.to_ascii_lowercase(),
            total_ms: None,
            done_ms: 0,
            ended: false,
        };
        Self { files: files.map(file).collect() }
    }

    /// Takes how far a file is.
    pub(crate) fn set(&mut self, index: usize, done_ms: u64, total_ms: Option<u64>) {
        if let Some(file) = self.files.get_mut(index) {
            file.done_ms = done_ms;
            file.total_ms = total_ms.or(file.total_ms);
        }
    }

    /// A file has ended, well or not: nothing is left of it.
    pub(crate) fn end(&mut self, index: usize) {
        if let Some(file) = self.files.get_mut(index) {
            file.ended = true;
        }
    }

    /// Where the run stands. Files that nobody has opened count as long as their size says, at the bit rate of those of
    /// their kind that were.
    pub(crate) fn standing(&self) -> Standing {
        let rates = self.bytes_per_ms();
        let left = |file: &File| {
            let rate = rates.get(&file.kind).copied().unwrap_or_else(|| usual(&file.kind) / 1000.0);
            let total = file.total_ms.map_or(file.bytes as f64 / rate, |ms| ms as f64);
            if file.ended { 0.0 } else { (total - file.done_ms as f64).max(0.0) }
        };
        Standing {
            heard_ms: self.files.iter().map(|file| file.done_ms).sum(),
            left_ms: self.files.iter().map(left).sum(),
            ended: self.files.iter().filter(|file| file.ended).count(),
            files: self.files.len(),
        }
    }

    /// The rate of each kind of which some are known.
    fn bytes_per_ms(&self) -> BTreeMap<String, f64> {
        let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for file in &self.files {
            if let Some(ms) = file.total_ms.filter(|ms| *ms > 0 && file.bytes > 0) {
                let sum = sums.entry(&file.kind).or_default();
                *sum = (sum.0 + file.bytes, sum.1 + ms);
            }
        }
        sums.into_iter().map(|(kind, (bytes, ms))| (kind.to_owned(), bytes as f64 / ms as f64)).collect()
    }
}

fn usual(kind: &str) -> f64 {
    match kind {
        "wav" | "wave" | "aif" | "aiff" | "aifc" => CD_BYTES_PER_S,
        "flac" | "alac" | "caf" => LOSSLESS_BYTES_PER_S,
        _ => LOSSY_BYTES_PER_S,
    }
}

impl Standing {
    /// Part of the music that is heard, 0 to 1.
    pub(crate) fn fraction(&self) -> f64 {
        let all = self.heard_ms as f64 + self.left_ms;
        if all > 0.0 { self.heard_ms as f64 / all } else { 0.0 }
    }

    /// Time until all is heard, at the pace so far; `None` before there is one.
    pub(crate) fn left(&self, elapsed: Duration) -> Option<Duration> {
        let seconds = elapsed.as_secs_f64() * self.left_ms / self.heard_ms as f64;
        Duration::try_from_secs_f64(seconds).ok().filter(|_| self.heard_ms > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(files: &[(u64, &str)]) -> Tally {
        Tally::new(files.iter().map(|(bytes, kind)| (*bytes, (*kind).to_owned())))
    }

    #[test]
    fn a_long_file_counts_for_more_than_a_short_one() {
        let mut tally = tally(&[(1_000, "mp3"), (9_000, "mp3")]);
        tally.set(0, 100, Some(100));
        tally.end(0);
        let standing = tally.standing();
        assert_eq!((standing.ended, standing.files, standing.heard_ms), (1, 2, 100));
        assert!((standing.left_ms - 900.0).abs() < 1e-6, "{standing:?}");
        assert!((standing.fraction() - 0.1).abs() < 1e-9);
        assert_eq!(standing.left(Duration::from_secs(2)), Some(Duration::from_secs(18)));
    }

    #[test]
    fn kinds_are_not_taken_for_each_other_and_failures_leave_nothing() {
        let mut tally = tally(&[(1_000, "mp3"), (176_400, "WAV"), (5, "mp3")]);
        tally.set(0, 0, Some(60_000));
        tally.end(2);
        assert!((tally.standing().left_ms - 61_000.0).abs() < 1e-6, "{:?}", tally.standing());
        tally.end(0);
        assert!((tally.standing().left_ms - 1_000.0).abs() < 1e-6, "{:?}", tally.standing());
    }

    #[test]
    fn nothing_is_estimated_before_anything_was_heard() {
        assert_eq!(tally(&[(10, "mp3")]).standing().left(Duration::from_secs(1)), None);
        assert!(tally(&[]).standing().fraction().abs() < f64::EPSILON);
    }
}
