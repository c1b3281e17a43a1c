//! What can be scored: this engine, in one variant or another, and the written predictions of others.

mod rules;

use analysis_core::events::{Event, EventData, EventType};
use analysis_core::{Analysis, AnalysisType, Analyzer, Config, analyze};
use anyhow::{Context, Result};
use evaluation::chords::Span;
use evaluation::track::{Prediction, Track};
use nix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub(crate) use rules::Rules;

/// Music to listen to.
pub(crate) enum Audio<'a> {
    /// A file of any kind.
    File(&'a Path),
    /// Interleaved stereo samples.
    Stereo {
        /// Left, right, left, right, …
        interleaved: &'a [f32],
        /// Sample rate, in Hz.
        sample_rate_hz: u32,
    },
}

/// Something that listens to tracks.
pub(crate) trait Engine: Sync {
    /// Name of its rows.
    fn name(&self) -> &str;

    /// What it says about a track; `None` where it was never asked. A failure is a prediction with an `error`.
    fn listen(&self, track: &Track, audio: &Audio<'_>) -> Option<Prediction>;

    /// Seconds of audio and of processor time by group of a corpus, where they are known for groups alone.
    fn costs(&self) -> BTreeMap<String, (f64, f64)> {
        BTreeMap::new()
    }
}

/// This engine.
pub(crate) struct Arsis {
    name: String,
    config: Config,
}

impl Arsis {
    /// The standard engine, for rhythm alone or for everything.
    pub(crate) fn new(name: &str, full: bool) -> Self {
        let analysis_type = if full { AnalysisType::Full } else { AnalysisType::Rhythm };
        Self { name: name.to_owned(), config: Config { analysis_type, ..Config::default() } }
    }

    fn analyze(&self, audio: &Audio<'_>) -> Result<Analysis> {
        match audio {
            Audio::File(path) => {
                let file = File::open(path).context("failed to open the file")?;
                let hint = path.extension().and_then(|extension| extension.to_str());
                Ok(analyze(file, hint, &self.config, &mut ())?)
            }
            Audio::Stereo { interleaved, sample_rate_hz } => {
                let mut analyzer = Analyzer::new(self.config.clone(), *sample_rate_hz, 2)?;
                analyzer.push(interleaved, &mut ())?;
                Ok(analyzer.finish(&mut ())?)
            }
        }
    }
}

impl Engine for Arsis {
    fn name(&self) -> &str {
        &self.name
    }

    fn listen(&self, _: &Track, audio: &Audio<'_>) -> Option<Prediction> {
        let (analysis, cpu_s) = seconds_of(|| self.analyze(audio));
        Some(match analysis {
            Ok(analysis) => Prediction { cpu_s, ..prediction(&analysis) },
            Err(error) => Prediction { error: Some(format!("{error:#}")), ..Prediction::default() },
        })
    }
}

/// Does something, and tells how many seconds of processor time that took.
fn seconds_of<T>(what: impl FnOnce() -> T) -> (T, Option<f64>) {
    let before = thread_seconds();
    let done = what();
    (done, before.and_then(|before| Some(thread_seconds()? - before)))
}

/// Processor time of this thread, in seconds: the engine runs on the thread that calls it.
fn thread_seconds() -> Option<f64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
    Some(std::time::Duration::from(time).as_secs_f64())
}

/// What readers of the analysis get to see.
fn prediction(analysis: &Analysis) -> Prediction {
    let of = |kind| move |event: &Event| event.event_type == kind;
    let seconds = |event: &Event| f64::from(event.time_ms) / 1000.0;
    let times =
        |kind| analysis.events.iter().filter(of(kind)).map(|event| seconds(&event)).collect::<Vec<_>>();
    let confidence = |event: Event| event.confidence.map(f64::from);
    Prediction {
        beats: times(EventType::Beat),
        downbeats: times(EventType::Downbeat),
        confidences: analysis.events.iter().filter(of(EventType::Beat)).filter_map(confidence).collect(),
        tempo_bpm: analysis.summary.tempo_bpm.map(f64::from),
        key: analysis.summary.key.as_ref().map(|key| key.name.clone()),
        chords: analysis.events.iter().filter(of(EventType::Chord)).filter_map(|e| chord(&e)).collect(),
        loudness_lufs: analysis.summary.loudness.and_then(|l| l.integrated_lufs).map(f64::from),
        // Where the track begins is no find.
        boundaries: times(EventType::Section).into_iter().skip(1).collect(),
        ..Prediction::default()
    }
}

fn chord(event: &Event) -> Option<Span> {
    let Some(EventData::Chord { name, .. }) = &event.event_data else { return None };
    let seconds = |ms: u32| f64::from(ms) / 1000.0;
    let end = event.time_ms + event.duration_ms.unwrap_or_default();
    Some(Span { start: seconds(event.time_ms), end: seconds(end), name: name.clone() })
}

/// Predictions of another engine, as files: `PART/NAME.json`, and perhaps `cost.json`.
pub(crate) struct Folder {
    name: String,
    folder: PathBuf,
    costs: BTreeMap<String, (f64, f64)>,
}

#[derive(serde::Deserialize)]
struct Cost {
    audio_s: f64,
    cpu_s: f64,
}

impl Folder {
    /// A folder of predictions, with the name that its rows have.
    pub(crate) fn open(folder: &Path, name: &str) -> Result<Self> {
        anyhow::ensure!(folder.is_dir(), "there is no folder {}", folder.display());
        let path = folder.join("cost.json");
        let costs: BTreeMap<String, Cost> = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("failed to read {}", path.display()))?,
            Err(_) => BTreeMap::new(),
        };
        let costs = costs.into_iter().map(|(part, cost)| (part, (cost.audio_s, cost.cpu_s))).collect();
        Ok(Self { name: name.to_owned(), folder: folder.to_owned(), costs })
    }
}

impl Engine for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    fn listen(&self, track: &Track, _: &Audio<'_>) -> Option<Prediction> {
        let bytes = fs::read(self.folder.join(format!("{}.json", track.id))).ok()?;
        let failed = |error| Prediction { error: Some(format!("{error}")), ..Prediction::default() };
        Some(serde_json::from_slice(&bytes).unwrap_or_else(failed))
    }

    fn costs(&self) -> BTreeMap<String, (f64, f64)> {
        self.costs.clone()
    }
}
