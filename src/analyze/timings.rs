//! How long each stage took: what `--verbose` says. The engine says whose turn it is, and the clock is here.

use super::bars::pace;
use super::fit;
use super::text::clock;
use analysis_core::stages::{Stage, StageHook};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Parts of less than this are left out of a file's line: it has room for what matters.
const LEAST_SHARE: f64 = 0.01;

thread_local! {
    /// Whose turn it is on this thread, and since when.
    static TURN: Cell<Option<(Stage, Instant)>> = const { Cell::new(None) };
}

/// The stages of one file, on all threads that work on it.
pub(crate) struct Watch {
    began: Instant,
    /// Time of each of [`Stage::ALL`], in ns.
    spent_ns: [AtomicU64; Stage::ALL.len()],
}

impl Watch {
    /// Begins with what is done before the engine begins: it counts as the observer's.
    pub(crate) fn start() -> Arc<Self> {
        TURN.set(None);
        let watch = Self { began: Instant::now(), spent_ns: [const { AtomicU64::new(0) }; Stage::ALL.len()] };
        watch.enter(Stage::Observer);
        Arc::new(watch)
    }

    /// From here on it is `stage`, on this thread.
    pub(crate) fn enter(&self, stage: Stage) {
        let now = Instant::now();
        if let Some((before, since)) = TURN.replace(Some((stage, now))) {
            let spent = u64::try_from((now - since).as_nanos()).unwrap_or(u64::MAX);
            if let Some(index) = Stage::ALL.iter().position(|stage| *stage == before) {
                self.spent_ns[index].fetch_add(spent, Ordering::Relaxed);
            }
        }
    }

    /// For the engine.
    pub(crate) fn hook(self: &Arc<Self>) -> StageHook {
        let watch = self.clone();
        Arc::new(move |stage| watch.enter(stage))
    }

    /// What it came to.
    pub(crate) fn finish(&self, audio_ms: u64) -> Spent {
        self.enter(Stage::Wait);
        TURN.set(None);
        let stages =
            std::array::from_fn(|index| Duration::from_nanos(self.spent_ns[index].load(Ordering::Relaxed)));
        Spent { files: 1, audio_ms, wall: self.began.elapsed(), stages }
    }
}

/// The time that files took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    files: usize,
    audio_ms: u64,
    /// From beginning to end, of each file.
    wall: Duration,
    stages: [Duration; Stage::ALL.len()],
}

/// The sum over the files of a run.
#[derive(Default)]
pub(crate) struct Sum(Mutex<Spent>);

impl Sum {
    /// Takes one more file.
    pub(crate) fn add(&self, spent: &Spent) {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sum.files += spent.files;
        sum.audio_ms += spent.audio_ms;
        sum.wall += spent.wall;
        sum.stages.iter_mut().zip(spent.stages).for_each(|(sum, stage)| *sum += stage);
    }

    /// A line for each stage with its share of the work of all threads; nothing where no file was finished.
    pub(crate) fn table(&self) -> Option<String> {
        let sum = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let work = sum.work();
        let files = if sum.files == 1 { "1 file".to_owned() } else { format!("{} files", sum.files) };
        let mut lines = vec![format!("time by stage: {files}, {} of audio", clock(sum.audio_ms))];
        for (stage, spent) in Stage::ALL.into_iter().zip(sum.stages) {
            let share = format!("{:.1} %", 100.0 * spent.as_secs_f64() / work.as_secs_f64().max(1e-9));
            let share = if stage == Stage::Wait { String::new() } else { share };
            if !spent.is_zero() {
                let (name, spent, share) =
                    (fit::left(name(stage), 12), fit::right(&short(spent), 9), fit::right(&share, 7));
                lines.push(format!("  {name}{spent}{share}").trim_end().to_owned());
            }
        }
        let pace = pace(sum.audio_ms, work);
        lines.push(format!(
            "  {}{}  {pace} on one thread",
            fit::left("all", 12),
            fit::right(&short(work), 9)
        ));
        (sum.files > 0).then(|| lines.join("\n"))
    }
}

impl Spent {
    /// What the threads did together, without waiting.
    fn work(&self) -> Duration {
        let works = |(stage, _): &(Stage, Duration)| *stage != Stage::Wait;
        Stage::ALL.into_iter().zip(self.stages).filter(works).map(|(_, spent)| spent).sum()
    }

    /// One line: how long a file took, and its larger parts.
    pub(crate) fn line(&self) -> String {
        let work = self.work().as_secs_f64();
        let large = |(_, spent): &(Stage, Duration)| spent.as_secs_f64() > LEAST_SHARE * work;
        let parts = Stage::ALL.into_iter().zip(self.stages).filter(large);
        let parts: Vec<String> =
            parts.map(|(stage, spent)| format!("{} {}", name(stage), short(spent))).collect();
        let (audio, pace) = (clock(self.audio_ms), pace(self.audio_ms, self.wall));
        format!("{audio} in {} ({pace}): {}", short(self.wall), parts.join(", "))
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Fingerprint => "fingerprint",
        Stage::Decode => "decode",
        Stage::Spectra => "spectra",
        Stage::Bands => "bands",
        Stage::Onsets => "onsets",
        Stage::Beats => "beats",
        Stage::Tonal => "tonal",
        Stage::Structure => "structure",
        Stage::Loudness => "loudness",
        Stage::Swells => "swells",
        Stage::Pack => "pack",
        Stage::Observer => "write",
        Stage::Conclude => "conclude",
        Stage::Wait => "wait",
        _ => "other",
    }
}

/// Three digits or so, in the unit that suits.
fn short(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        60.0.. => clock(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        1.0.. => format!("{seconds:.2} s"),
        0.01.. => format!("{:.0} ms", 1e3 * seconds),
        _ => format!("{:.2} ms", 1e3 * seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_of_work_and_waiting_is_told_apart() {
        let mut spent =
            Spent { files: 1, audio_ms: 60_000, wall: Duration::from_secs(1), ..Spent::default() };
        spent.stages[1] = Duration::from_millis(250);
        spent.stages[5] = Duration::from_millis(750);
        spent.stages[13] = Duration::from_secs(5);
        let sum = Sum::default();
        sum.add(&spent);
        sum.add(&spent);
        assert_eq!(
            sum.table().unwrap(),
            "time by stage: 2 files, 2:00 of audio\n  decode         500 ms 25.0 %\n  beats          1.50 s \
             75.0 %\n  wait          10.00 s\n  all            2.00 s  60× on one thread"
        );
        assert_eq!(spent.line(), "1:00 in 1.00 s (60×): decode 250 ms, beats 750 ms, wait 5.00 s");
        assert_eq!(Sum::default().table(), None);
    }

    #[test]
    fn time_goes_to_the_stage_whose_turn_it_was() {
        let until_the_clock_moves = || {
            let now = Instant::now();
            while Instant::now() == now {
                std::hint::spin_loop();
            }
        };
        let watch = Watch::start();
        watch.enter(Stage::Beats);
        until_the_clock_moves();
        watch.enter(Stage::Decode);
        until_the_clock_moves();
        let spent = watch.finish(1_000);
        let of = |wanted| spent.stages[Stage::ALL.iter().position(|stage| *stage == wanted).unwrap()];
        assert!(!of(Stage::Beats).is_zero() && !of(Stage::Decode).is_zero() && of(Stage::Tonal).is_zero());
        assert!(spent.work() <= spent.wall, "{spent:?}");
    }
}
