//! Bars on a terminal's standard error; nothing where there is no terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// The bars of a run.
pub(crate) struct Progress {
    bars: MultiProgress,
    files: ProgressBar,
}

impl Progress {
    /// For so many files.
    pub(crate) fn new(files: usize) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        let total = bars.add(if files > 1 { ProgressBar::new(files as u64) } else { ProgressBar::hidden() });
        total.set_style(style("{wide_bar} {pos}/{len} files, {eta} left"));
        Self { bars, files: total }
    }

    /// A bar for one file; its length is known once the container tells it.
    pub(crate) fn file(&self, name: &str) -> FileProgress {
        let bar = self.bars.insert_before(&self.files, ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {msg} {pos} s heard"));
        bar.set_message(name.to_owned());
        FileProgress { bar, files: self.files.clone() }
    }

    /// Prints a line without tearing the bars.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bars.suspend(print)
    }

    /// Removes the bars.
    pub(crate) fn finish(&self) {
        self.files.finish_and_clear();
        let _ = self.bars.clear();
    }
}

/// One file's bar.
pub(crate) struct FileProgress {
    bar: ProgressBar,
    files: ProgressBar,
}

impl FileProgress {
    /// Shows how much has been heard.
    pub(crate) fn set(&self, done_ms: u64, total_ms: Option<u64>) {
        if let Some(total) = total_ms.filter(|_| self.bar.length().is_none()) {
            self.bar.set_length(total / 1000);
            self.bar.set_style(style("{msg} {wide_bar} {percent}% {eta} left"));
        }
        self.bar.set_position(done_ms / 1000);
    }
}

impl Drop for FileProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.files.inc(1);
    }
}

fn style(template: &str) -> ProgressStyle {
    // A template that does not parse is a mistake the tests see; a plain bar serves meanwhile.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
