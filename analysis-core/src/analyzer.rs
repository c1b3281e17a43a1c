//! The only place where the stages meet: audio in, frames, chunks, events and a summary out.
//!
//! [`analyze`] takes a file, [`Analyzer`] blocks of samples as they come. Both hand what they find to an
//! [`Observer`] on the way, in constant memory whatever the length of the audio, apart from the events.
//!
//! ```
//! use analysis_core::analyzer::Analyzer;
//! use analysis_core::Config;
//!
//! let mut analyzer = Analyzer::new(Config::default(), 44_100, 1)?;
//! analyzer.push(&vec![0.0; 44_100], &mut ())?;
//! let analysis = analyzer.finish(&mut ())?;
//! assert_eq!(analysis.manifest.frame_count, 100);
//! assert_eq!(analysis.summary.tempo_bpm, None); // silence has no beat
//! # Ok::<(), analysis_core::Error>(())
//! ```

mod aside;
mod assembler;
#[cfg(feature = "decode")]
mod file;
mod frames;
mod mix;
mod pulse;
mod swells;

use crate::chunk::Chunk;
use crate::config::{AnalysisType, Config};
use crate::error::{Error, Result};
use crate::events::Events;
use crate::frame::{FrameLayout, FrameValues};
use crate::limits;
use crate::loudness::Loudness;
use crate::manifest::Manifest;
use crate::opaque::opaque;
use crate::stages::{Stage, StageHook, Stages};
use crate::stft::Stft;
use crate::summary::{AudioInfo, Summary};
use crate::tonal::{Tonal, TonalAnalyzer};
use crate::units;
use aside::Aside;
#[cfg(feature = "decode")]
pub use file::analyze;
use frames::Frames;
use mix::mix_down;
use pulse::{Heard, Pulse};
use serde::Serialize;
use swells::Swells;

/// Everything that is said about a track. Serialises to what `arsis analyze --format json`
/// prints, except the name of the file.
#[derive(Debug, Clone, Serialize)]
pub struct Analysis {
    /// Version of the engine.
    pub analyzer_version: &'static str,
    /// Name of the file's bytes (see [`crate::fingerprint`]); `None` for audio that was never a file.
    pub fingerprint: Option<String>,
    /// The audio as it was found.
    pub audio: AudioInfo,
    /// The whole in a few fields.
    pub summary: Summary,
    /// What is needed to read the chunks.
    pub manifest: Manifest,
    /// What happens when, in order of time.
    pub events: Events,
}

/// A frame as it is finished.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// Number of the frame, from 0.
    pub index: u64,
    /// Time of its centre, in ms.
    pub time_ms: u64,
    /// Its values in physical units, before quantisation.
    pub values: FrameValues<'a>,
    /// Its bytes, as [`FrameLayout`] describes them.
    pub bytes: &'a [u8],
}

/// How far an analysis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Audio taken so far, in ms.
    pub done_ms: u64,
    /// Length of the audio in ms, where the container tells it. An estimate: the file may hold more or less.
    pub total_ms: Option<u64>,
}

/// Receives what an analysis finds while it runs. Whatever error a method returns ends the analysis with that
/// error; [`Error::Cancelled`] is the one to stop with. `()` ignores everything.
pub trait Observer {
    /// A block of decoded audio is taken, a plane of samples (-1 to 1, at most ±[`MAX_SAMPLE`](limits::MAX_SAMPLE)) for
    /// each channel: for those who want something of the samples that the engine does not make, without decoding twice.
    /// Blocks come in order, before
    /// anything that is heard in them; together they are the audio from its first sample to its last.
    ///
    /// # Errors
    /// Any error ends the analysis.
    fn on_audio(&mut self, planes: &[Vec<f32>]) -> Result<()> {
        let _ = planes;
        Ok(())
    }

    /// A frame is finished. Frames come in order.
    ///
    /// # Errors
    /// Any error ends the analysis.
    fn on_frame(&mut self, frame: &Frame<'_>) -> Result<()> {
        let _ = frame;
        Ok(())
    }

    /// A chunk is finished. Chunks of one level come in order; levels mix.
    ///
    /// # Errors
    /// Any error ends the analysis.
    fn on_chunk(&mut self, chunk: Chunk) -> Result<()> {
        let _ = chunk;
        Ok(())
    }

    /// A block of audio was taken: the place to show progress and to cancel. [`analyze`] calls it; who pushes
    /// blocks into an [`Analyzer`] knows how far it is.
    ///
    /// # Errors
    /// Any error ends the analysis.
    fn on_progress(&mut self, progress: Progress) -> Result<()> {
        let _ = progress;
        Ok(())
    }

    /// Who is told which stage works, to measure what takes how long; `None`, the default, is nobody. [`analyze`] asks
    /// once, before it begins. The hook is called some thousand times for a second of audio, so it should be quick.
    fn stage_hook(&self) -> Option<StageHook> {
        None
    }
}

impl Observer for () {}

/// Sample frames that go through all stages at a time: enough to keep the stages' code in cache, few enough
/// to keep the queues between them short.
const BLOCK_FRAMES: usize = 8_192;

/// Hop of the stages that follow the pulse, in ms, whatever the hop of the frames.
const PULSE_HOP_MS: u32 = assembler::ONSET_HOP_MS;

/// Analyses blocks of samples as they come.
///
/// Memory is bounded: some 20 MB for an hour of everything, hardly more for ten. It may be sent to another thread between
/// two blocks. After an error the audio taken so far may be counted or not: begin anew.
pub struct Analyzer {
    config: Config,
    audio: AudioInfo,
    fingerprint: Option<String>,
    taken: u64,
    mono: Vec<f32>,
    planes: Vec<Vec<f32>>,
    frames: Frames,
    pulse: Pulse,
    /// Spectra for the pulse, where the frames' own have another hop.
    pulse_stft: Option<Stft>,
    tonal: Option<TonalAnalyzer>,
    loudness: Option<Aside>,
    swells: Option<Swells>,
    stages: Stages,
}

opaque!(Analyzer { config, audio, taken });

impl Analyzer {
    /// Plans everything for audio of `sample_rate_hz` (8,000..=192,000, or what `config.limits` says) with
    /// `channels` channels (1..=8).
    ///
    /// # Errors
    /// [`Error::InvalidConfig`], [`Error::SampleRateOutOfRange`], [`Error::TooManyChannels`].
    pub fn new(config: Config, sample_rate_hz: u32, channels: usize) -> Result<Self> {
        config.validate()?;
        config.limits.check_format(sample_rate_hz, channels)?;
        let kind = config.analysis_type;
        let frames = Frames::new(&config, sample_rate_hz, channels)?;
        let pulse_stft = (config.hop_ms != PULSE_HOP_MS && kind != AnalysisType::Tonal)
            .then(|| Stft::new(sample_rate_hz, PULSE_HOP_MS));
        let hears_pitch = matches!(kind, AnalysisType::Full | AnalysisType::Tonal | AnalysisType::Structure);
        let tonal = hears_pitch.then(|| TonalAnalyzer::new(sample_rate_hz));
        Ok(Self {
            audio: AudioInfo::of_samples(sample_rate_hz, u16::try_from(channels).unwrap_or(u16::MAX)),
            fingerprint: None,
            taken: 0,
            mono: Vec::with_capacity(BLOCK_FRAMES),
            planes: vec![Vec::with_capacity(BLOCK_FRAMES); channels],
            pulse: Pulse::new(&config, sample_rate_hz, &frames.stft),
            pulse_stft,
            loudness: (kind == AnalysisType::Full)
                .then(|| Loudness::new(channels, sample_rate_hz))
                .transpose()?
                .map(Aside::new),
            swells: (kind == AnalysisType::Full).then(|| Swells::new(sample_rate_hz)),
            tonal,
            frames,
            config,
            stages: Stages::default(),
        })
    }

    /// How the frames are laid out.
    #[must_use]
    pub fn layout(&self) -> &FrameLayout {
        &self.frames.layout
    }

    /// Audio taken so far, in ms.
    #[must_use]
    pub fn taken_ms(&self) -> u64 {
        units::frames_to_ms(self.taken, self.audio.sample_rate)
    }

    /// Takes interleaved samples (-1 to 1), any number of whole sample frames. Values that are no number count
    /// as silence, those beyond ±[`MAX_SAMPLE`](limits::MAX_SAMPLE) as that.
    ///
    /// # Errors
    /// [`Error::RaggedBlock`]; [`Error::TooLong`] and [`Error::DecodedTooLarge`] over the limits; whatever
    /// `observer` returns.
    pub fn push(&mut self, interleaved: &[f32], observer: &mut dyn Observer) -> Result<()> {
        let channels = self.planes.len();
        if !interleaved.len().is_multiple_of(channels) {
            return Err(Error::RaggedBlock { given: interleaved.len(), channels });
        }
        for block in interleaved.chunks(BLOCK_FRAMES * channels) {
            let mut planes = std::mem::take(&mut self.planes);
            for (channel, plane) in planes.iter_mut().enumerate() {
                plane.clear();
                let samples = block.iter().skip(channel).step_by(channels);
                plane.extend(samples.map(|sample| limits::tame(*sample)));
            }
            let pushed = self.push_planes(&planes, observer);
            self.planes = planes;
            pushed?;
        }
        Ok(())
    }

    /// Takes a plane of samples for each channel, all of one length, none beyond ±[`MAX_SAMPLE`](limits::MAX_SAMPLE).
    ///
    /// # Errors
    /// As [`Analyzer::push`]; [`Error::RaggedBlock`] when the planes differ in number or length.
    pub(crate) fn push_planes(&mut self, planes: &[Vec<f32>], observer: &mut dyn Observer) -> Result<()> {
        let len = planes.first().map_or(0, Vec::len);
        if planes.len() != usize::from(self.audio.channels) || planes.iter().any(|plane| plane.len() != len) {
            let given = planes.iter().map(Vec::len).sum();
            return Err(Error::RaggedBlock { given, channels: usize::from(self.audio.channels) });
        }
        self.config.limits.check_length(self.taken + len as u64, self.audio.sample_rate, planes.len())?;
        self.stages.enter(Stage::Observer);
        observer.on_audio(planes)?;
        self.stages.enter(Stage::Loudness);
        if let Some(loudness) = &mut self.loudness {
            loudness.push(planes)?;
        }
        let mut start = 0;
        while start < len {
            let end = (start + BLOCK_FRAMES).min(len);
            self.listen(planes, start, end);
            self.frames.emit(&mut self.pulse, observer)?;
            start = end;
        }
        self.taken += len as u64;
        Ok(())
    }

    /// One block through every stage; finished values queue up in the assembler.
    fn listen(&mut self, planes: &[Vec<f32>], start: usize, end: usize) {
        self.stages.enter(Stage::Spectra);
        mix_down(planes, start, end, &mut self.mono);
        let Self { mono, frames, pulse, pulse_stft, tonal, swells, stages, .. } = self;
        frames.push_peaks(planes, start, end);
        if let Some(tonal) = tonal {
            stages.enter(Stage::Tonal);
            tonal.push(mono, &mut |anchor| {
                pulse.push_anchor(anchor);
                frames.assembler.push_anchor(*anchor);
            });
        }
        pulse.rhythm.push_audio(mono);
        if let Some(swells) = swells {
            stages.enter(Stage::Swells);
            swells.push(mono);
        }
        if let Some(stft) = pulse_stft {
            stages.enter(Stage::Spectra);
            stft.push(mono, &mut |power| {
                frames.assembler.push_onset(pulse.push_spectrum(power));
                stages.enter(Stage::Spectra);
            });
        }
        let shared = pulse_stft.is_none().then_some(pulse);
        frames.push_spectra(mono, shared);
    }

    /// Ends the audio: the last frames and chunks go to `observer`, the whole-track decisions are made.
    ///
    /// # Errors
    /// [`Error::Empty`] when not one sample came; whatever `observer` returns.
    pub fn finish(mut self, observer: &mut dyn Observer) -> Result<Analysis> {
        if self.taken == 0 {
            return Err(Error::Empty);
        }
        self.audio.duration_ms = self.taken_ms();
        let pitch = self.flush();
        self.frames.emit(&mut self.pulse, observer)?;
        let Self { audio, fingerprint, frames, pulse, loudness, swells, stages, .. } = self;
        let manifest = frames.finish(audio.clone(), fingerprint.clone(), observer)?;
        stages.enter(Stage::Swells);
        let (fades, danceability) = swells.map(|swells| swells.finish(audio.duration_ms)).unwrap_or_default();
        let followed = pulse.finish(audio.duration_ms);
        stages.enter(Stage::Loudness);
        let loudness = loudness.map(Aside::finish).transpose()?;
        stages.enter(Stage::Conclude);
        let heard = Heard { followed, tonal: pitch, loudness, fades, danceability };
        let (summary, events) = heard.conclude(audio.duration_ms);
        Ok(Analysis {
            analyzer_version: crate::ANALYZER_VERSION,
            fingerprint,
            audio,
            summary,
            manifest,
            events,
        })
    }

    /// What the stages still hold back, because it lies within a window of the end.
    fn flush(&mut self) -> Option<Tonal> {
        let Self { frames, pulse, pulse_stft, tonal, stages, .. } = self;
        stages.enter(Stage::Tonal);
        let Frames { peaks, assembler, .. } = frames;
        peaks.finish(&mut |peak| assembler.push_peak(peak));
        let pitch = tonal.take().map(|tonal| {
            tonal.finish(&mut |anchor| {
                pulse.push_anchor(anchor);
                assembler.push_anchor(*anchor);
            })
        });
        if let Some(stft) = pulse_stft {
            stages.enter(Stage::Spectra);
            stft.finish(&mut |power| {
                assembler.push_onset(pulse.push_spectrum(power));
                stages.enter(Stage::Spectra);
            });
        }
        let shared = pulse_stft.is_none().then_some(pulse);
        frames.finish_spectra(shared);
        frames.assembler.finish();
        pitch
    }
}
