//! A folder that nobody can list, whoever runs the tests: root may read everything.

use std::fs;
use std::path::Path;

/// Makes such a folder in `root`: `name`, and folders in it up to one whose path is longer than a path may be.
pub(crate) fn folder_in(root: &Path, name: &str) {
    let deep = |name: &str| root.join([name, &format!("/{}", "d".repeat(200)).repeat(15)].concat());
    let (upper, lower) = (deep(name), deep("lower"));
    fs::create_dir_all(&upper).unwrap();
    fs::create_dir_all(lower).unwrap();
    fs::rename(root.join("lower"), upper.join("lower")).unwrap();
}
