//! Loudness, which nothing waits for before the end: measured by whoever has time.

use crate::crew::Crew;
use crate::error::Result;
use crate::loudness::Loudness;
use crate::stages::Stage;
use crate::summary::LoudnessSummary;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Samples over all channels that are measured at a time: many enough for the way to another thread not to matter,
/// 256 KiB.
const PORTION_SAMPLES: usize = 1 << 16;

/// A meter of loudness, and who measures.
pub(super) struct Aside {
    /// Gone while a portion is being measured.
    bench: Arc<Mutex<Option<Bench>>>,
    crew: Arc<Crew>,
    /// The portion that is being gathered, a plane for each channel.
    portion: Vec<Vec<f32>>,
}

/// The meter between two portions.
struct Bench {
    loudness: Loudness,
    /// Room for the next portion.
    spare: Vec<Vec<f32>>,
    measured: Result<()>,
}

impl Aside {
    /// Measured by the caller alone.
    pub(super) fn new(loudness: Loudness) -> Self {
        let bench = Bench { loudness, spare: Vec::new(), measured: Ok(()) };
        let crew = Arc::new(Crew::new(NonZeroUsize::MIN));
        Self { bench: Arc::new(Mutex::new(Some(bench))), crew, portion: Vec::new() }
    }

    /// Measured by `crew` from here on.
    #[cfg(feature = "decode")]
    pub(super) fn spread(&mut self, crew: &Arc<Crew>) {
        self.crew = crew.clone();
    }

    /// Takes samples as [`Loudness::push`] does; what that reports may come with a later portion.
    pub(super) fn push(&mut self, planes: &[Vec<f32>]) -> Result<()> {
        if self.crew.threads() == 1 {
            return lock(&self.bench).as_mut().map_or(Ok(()), |bench| bench.loudness.push(planes));
        }
        self.portion.resize_with(planes.len(), Vec::new);
        self.portion.iter_mut().zip(planes).for_each(|(to, from)| to.extend_from_slice(from));
        let samples: usize = self.portion.iter().map(Vec::len).sum();
        if samples < PORTION_SAMPLES { Ok(()) } else { self.hand_over() }
    }

    /// Leaves the portion to the crew once the last one is measured.
    fn hand_over(&mut self) -> Result<()> {
        let mut bench = self.take();
        std::mem::replace(&mut bench.measured, Ok(()))?;
        std::mem::swap(&mut self.portion, &mut bench.spare);
        let (place, queue) = (self.bench.clone(), self.crew.queue().clone());
        self.crew.queue().leave(move || {
            queue.enter(Stage::Loudness);
            bench.measured = bench.loudness.push(&bench.spare);
            bench.spare.iter_mut().for_each(Vec::clear);
            *lock(&place) = Some(bench);
            queue.changed();
        });
        Ok(())
    }

    fn take(&self) -> Bench {
        self.crew.wait_for(|| lock(&self.bench).take())
    }

    /// As [`Loudness::finish`].
    ///
    /// # Errors
    /// What [`Loudness::push`] reported of the last portions.
    pub(super) fn finish(self) -> Result<LoudnessSummary> {
        let mut bench = self.take();
        bench.measured?;
        if !self.portion.is_empty() {
            bench.loudness.push(&self.portion)?;
        }
        Ok(bench.loudness.finish())
    }
}

// The meter is put back whole or not at all.
fn lock(bench: &Mutex<Option<Bench>>) -> MutexGuard<'_, Option<Bench>> {
    bench.lock().unwrap_or_else(PoisonError::into_inner)
}
