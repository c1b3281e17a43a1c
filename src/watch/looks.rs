//! What is known of the files of a folder from one look to the next, and which of them are to be analysed.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A file as it was seen: if it is written to, one of these changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Its size.
    pub(crate) size_bytes: u64,
    /// When it was last written, in ns since 1970.
    pub(crate) modified_ns: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    stamp: Stamp,
    /// It was handed out as it is: analysed, failed or skipped.
    settled: bool,
}

/// The files of the last look. Memory: one entry a file that is there.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    known: BTreeMap<PathBuf, Known>,
}

impl Looks {
    /// Takes what is there now; gives what was the same in the last look and was not given since. What is gone is
    /// forgotten, and new when it returns.
    pub(crate) fn take(&mut self, now: impl Iterator<Item = (PathBuf, Stamp)>) -> Vec<(PathBuf, Stamp)> {
        let mut before = std::mem::take(&mut self.known);
        let mut ready = Vec::new();
        for (path, stamp) in now {
            let known = before.remove(&path).filter(|known| known.stamp == stamp);
            if known.is_some_and(|known| !known.settled) {
                ready.push((path.clone(), stamp));
            }
            self.known.insert(path, Known { stamp, settled: known.is_some() });
        }
        ready
    }

    /// Whether some are waiting for a second look.
    pub(crate) fn waits(&self) -> bool {
        self.known.values().any(|known| !known.settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(looks: &mut Looks, files: &[(&str, u64)]) -> Vec<String> {
        let stamp = |size_bytes| Stamp { size_bytes, modified_ns: 1 };
        let ready = looks.take(files.iter().map(|(name, size)| (name.into(), stamp(*size))));
        ready.into_iter().map(|(path, _)| path.display().to_string()).collect()
    }

    #[test]
    fn a_file_is_ready_once_when_it_has_stopped_growing() {
        let mut looks = Looks::default();
        assert_eq!(look(&mut looks, &[("a", 1)]), Vec::<String>::new());
        assert_eq!(look(&mut looks, &[("a", 2), ("b", 5)]), Vec::<String>::new());
        assert!(looks.waits());
        assert_eq!(look(&mut looks, &[("a", 2), ("b", 5)]), ["a", "b"]);
        assert_eq!(look(&mut looks, &[("a", 2), ("b", 5)]), Vec::<String>::new());
        assert!(!looks.waits());
    }

    #[test]
    fn a_file_that_changes_or_returns_is_ready_again() {
        let mut looks = Looks::default();
        for files in [&[("a", 1)][..], &[("a", 1)], &[("a", 2)]] {
            look(&mut looks, files);
        }
        assert_eq!(look(&mut looks, &[("a", 2)]), ["a"]);
        for files in [&[][..], &[("a", 2)]] {
            assert_eq!(look(&mut looks, files), Vec::<String>::new());
        }
        assert_eq!(look(&mut looks, &[("a", 2)]), ["a"]);
    }
}
