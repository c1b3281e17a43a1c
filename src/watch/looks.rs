//! What is known of the files of a folder from one look to the next, and which of them are to be analysed.

use crate::analyze::inputs::Stamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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
    /// forgotten, and new when it returns; what was settled in a folder that is `unreadable` now may still be there.
    pub(crate) fn take(
        &mut self,
        now: impl Iterator<Item = (PathBuf, Stamp)>,
        unreadable: &BTreeSet<PathBuf>,
    ) -> Vec<(PathBuf, Stamp)> {
        let mut before = std::mem::take(&mut self.known);
        let mut ready = Vec::new();
        for (path, stamp) in now {
            let known = before.remove(&path).filter(|known| known.stamp == stamp);
            if known.is_some_and(|known| !known.settled) {
                ready.push((path.clone(), stamp));
            }
            self.known.insert(path, Known { stamp, settled: known.is_some() });
        }
        let hidden = |path: &Path| path.ancestors().any(|folder| unreadable.contains(folder));
        self.known.extend(before.into_iter().filter(|(path, known)| known.settled && hidden(path)));
        ready
    }

    /// Waits for another look at a file that changed since the last one.
    pub(crate) fn unsettle(&mut self, path: &Path) {
        self.known.get_mut(path).into_iter().for_each(|known| known.settled = false);
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
        look_past(looks, files, "elsewhere")
    }

    fn look_past(looks: &mut Looks, files: &[(&str, u64)], unreadable: &str) -> Vec<String> {
        let stamp = |size_bytes| Stamp { size_bytes, modified_ns: 1 };
        let files = files.iter().map(|(name, size)| (name.into(), stamp(*size)));
        let ready = looks.take(files, &BTreeSet::from([unreadable.into()]));
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
    fn a_folder_that_cannot_be_read_for_a_look_makes_nothing_new() {
        let mut looks = Looks::default();
        let (both, more) = ([("f/a", 1), ("g/a", 1)], [("f/a", 1), ("f/b", 1), ("g/a", 1)]);
        look(&mut looks, &both);
        assert_eq!(look(&mut looks, &both), ["f/a", "g/a"]);
        look(&mut looks, &more);
        assert!(look_past(&mut looks, &[], "f").is_empty());
        assert!(!looks.waits(), "what was not settled is not waited for");
        assert!(look(&mut looks, &more).is_empty());
        assert_eq!(look(&mut looks, &more), ["f/b", "g/a"]);
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
