//! Bars on a terminal's standard error; nothing where there is no terminal.

use super::bars::{self, FileLine};
use super::inputs::Input;
use super::tally::Tally;
use crate::terminal;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Draws a second at most: enough for bars, little for a slow line.
const DRAWS_PER_S: u8 = 10;
/// How often the time left is drawn anew, whatever happens.
const TICK: Duration = Duration::from_millis(500);
/// Where a terminal does not say how large it is.
const USUAL_SIZE: (usize, usize) = (80, 24);

/// The bars of a run: one for each running file, and the whole below them.
pub(crate) struct Progress {
    bars: MultiProgress,
    /// None for a single file, whose own bar says it all.
    whole: Option<ProgressBar>,
    tally: Arc<Mutex<Tally>>,
    /// Bars of files on the screen.
    shown: Arc<AtomicUsize>,
    began: Instant,
}

impl Progress {
    /// For these files; without bars unless standard error is a terminal.
    pub(crate) fn new(inputs: &[Input]) -> Self {
        let shows = stderr().is_terminal();
        let target = if shows {
            ProgressDrawTarget::stderr_with_hz(DRAWS_PER_S)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        let tally =
            Arc::new(Mutex::new(Tally::new(inputs.iter().map(|input| (input.bytes(), input.kind())))));
        let began = Instant::now();
        let whole = (shows && inputs.len() > 1).then(|| bars.add(ProgressBar::no_length()));
        if let Some(whole) = &whole {
            let drawn = tally.clone();
            whole.set_style(style(move |columns| {
                bars::whole(&lock(&drawn).standing(), columns, began.elapsed())
            }));
            whole.enable_steady_tick(TICK);
        }
        Self { bars, whole, tally, shown: Arc::default(), began }
    }

    /// A bar for one file, where there is room for one more above that of the whole.
    pub(crate) fn file(&self, index: usize, input: &Input) -> FileProgress {
        let name = input.name();
        let name =
            Path::new(&name).file_name().map_or(name.clone(), |name| name.to_string_lossy().into_owned());
        let line = FileLine { name, part: "reading", done_ms: 0, total_ms: None };
        let line = Arc::new(Mutex::new(line));
        let (_, rows) = terminal::size(&stderr()).unwrap_or(USUAL_SIZE);
        let place = self.shown.fetch_add(1, Ordering::Relaxed);
        // A line is left for the whole, and one for the cursor.
        let bar = if self.bars.is_hidden() || place + 2 >= rows {
            ProgressBar::hidden()
        } else {
            let bar = ProgressBar::no_length();
            let bar = match &self.whole {
                Some(whole) => self.bars.insert_before(whole, bar),
                None => self.bars.add(bar),
            };
            let (drawn, began) = (line.clone(), Instant::now());
            bar.set_style(style(move |columns| lock(&drawn).draw(columns, began.elapsed())));
            bar.tick();
            bar
        };
        FileProgress { bar, line, index, tally: self.tally.clone(), shown: self.shown.clone() }
    }

    /// Prints a line without tearing the bars.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bars.suspend(print)
    }

    /// Music heard so far, in ms, and the time that it took.
    pub(crate) fn heard(&self) -> (u64, Duration) {
        (lock(&self.tally).standing().heard_ms, self.began.elapsed())
    }

    /// Removes the bars.
    pub(crate) fn finish(&self) {
        self.whole.iter().for_each(ProgressBar::finish_and_clear);
        let _ = self.bars.clear();
    }
}

/// One file's bar.
pub(crate) struct FileProgress {
    bar: ProgressBar,
    line: Arc<Mutex<FileLine>>,
    index: usize,
    tally: Arc<Mutex<Tally>>,
    shown: Arc<AtomicUsize>,
}

impl FileProgress {
    /// Shows how much has been heard.
    pub(crate) fn set(&self, done_ms: u64, total_ms: Option<u64>) {
        lock(&self.tally).set(self.index, done_ms, total_ms);
        let mut line = lock(&self.line);
        (line.part, line.done_ms, line.total_ms) = ("listening", done_ms, total_ms);
        drop(line);
        self.bar.tick();
    }

    /// Shows what is done once everything was heard.
    pub(crate) fn part(&self, part: &'static str) {
        lock(&self.line).part = part;
        self.bar.tick();
    }
}

impl Drop for FileProgress {
    fn drop(&mut self) {
        lock(&self.tally).end(self.index);
        self.shown.fetch_sub(1, Ordering::Relaxed);
        self.bar.finish_and_clear();
    }
}

/// A line that is written anew at each draw, for the terminal as wide as it is then.
fn style(line: impl Fn(usize) -> String + Clone + Send + Sync + 'static) -> ProgressStyle {
    let draw = move |_: &ProgressState, out: &mut dyn Write| {
        let (columns, _) = terminal::size(&stderr()).unwrap_or(USUAL_SIZE);
        // The last column stays free: some terminals wrap when it is filled.
        let _ = out.write_str(&line(columns.saturating_sub(1)));
    };
    let template = if terminal::colours(&stderr()) { "\u{1b}[36m{line}\u{1b}[0m" } else { "{line}" };
    // A template that does not parse is a mistake the tests see; a plain bar serves meanwhile.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("line", draw)
}

// What is locked is written in one go.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
