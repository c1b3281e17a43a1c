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

use crate::assembler::{Assembled, Assembler};
use crate::bands::{self, Bands};
use crate::chroma::ChromaAnchor;
use crate::chunk::Chunk;
use crate::config::{AnalysisType, Config};
use crate::decode::Decoder;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::features::{FramePeaks, SpectralFeatures};
use crate::fingerprint::fingerprint;
use crate::frame::{self, FrameLayout, FrameValues};
use crate::loudness::Loudness;
use crate::manifest::{Manifest, ManifestBuilder};
use crate::onset::OnsetStrength;
use crate::rhythm::{self, RhythmTracker};
use crate::stft::Stft;
use crate::structure::{Section, StructureTracker};
use crate::summary::{AudioInfo, LoudnessSummary, Summary};
use crate::tonal::{Tonal, TonalAnalyzer};
use crate::units;
use crate::zoom::ZoomPyramid;
use serde::Serialize;
use std::io::{Read, Seek};

/// Everything that is said about a track. Serialises to what `arsis analyze --format json` prints.
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

    /// A block of audio was taken: the place to show progress and to cancel.
    ///
    /// # Errors
    /// Any error ends the analysis.
    fn on_progress(&mut self, progress: Progress) -> Result<()> {
        let _ = progress;
        Ok(())
    }
}

impl Observer for () {}

/// Sample frames that go through all stages at a time: enough to keep the stages' code in cache, few enough
/// to keep the queues between them short.
const BLOCK_FRAMES: usize = 8_192;

/// Hop of the stages that follow the pulse, in ms, whatever the hop of the frames.
const PULSE_HOP_MS: u32 = crate::assembler::ONSET_HOP_MS;

/// Analyses a whole file: fingerprint, decoding, and everything `config` asks for.
///
/// `hint` is a file extension or MIME type; content decides where they disagree. Progress and cancellation go
/// through `observer` after every decoded block (at most 1.5 s of audio).
///
/// # Errors
/// [`Error::InvalidConfig`]; what [`Decoder`] reports for empty, unrecognised, unsupported or corrupt audio and
/// for audio over `config.limits`; [`Error::Io`]; whatever `observer` returns.
pub fn analyze<R: Read + Seek + Send + Sync + 'static>(
    mut reader: R,
    hint: Option<&str>,
    config: &Config,
    observer: &mut dyn Observer,
) -> Result<Analysis> {
    config.validate()?;
    let name = fingerprint(&mut reader)?;
    let mut decoder = Decoder::open(reader, hint, &config.limits)?;
    let format = decoder.format().clone();
    let total_ms = format.expected_frames.map(|frames| units::frames_to_ms(frames, format.sample_rate_hz));
    let mut analyzer = Analyzer::new(config.clone(), format.sample_rate_hz, format.channels)?;
    while let Some(planes) = decoder.next_block()? {
        analyzer.push_planes(planes, observer)?;
        observer.on_progress(Progress { done_ms: analyzer.taken_ms(), total_ms })?;
    }
    let report = decoder.report();
    analyzer.audio = AudioInfo {
        codec: Some(format.codec),
        container: Some(format.container),
        delay_frames: report.delay_frames,
        padding_frames: report.padding_frames,
        decode_errors: report.decode_errors,
        truncated: report.truncated,
        ..analyzer.audio
    };
    analyzer.fingerprint = Some(name);
    analyzer.finish(observer)
}

/// Analyses blocks of samples as they come.
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
    loudness: Option<Loudness>,
}

/// What makes frames and chunks.
struct Frames {
    stft: Stft,
    bands: Bands,
    features: SpectralFeatures,
    peaks: FramePeaks,
    powers: Vec<f32>,
    levels: Vec<f32>,
    assembler: Assembler,
    layout: FrameLayout,
    bytes: Vec<u8>,
    zoom: ZoomPyramid,
    manifest: ManifestBuilder,
}

/// The stages that take a spectrum every 10 ms and decide at the end of the track.
struct Pulse {
    rhythm: Rhythm,
    structure: Option<StructureTracker>,
}

/// What listens to onsets.
enum Rhythm {
    Beats(Box<RhythmTracker>),
    OnsetsAlone(Box<OnsetStrength>),
    Off,
}

impl Analyzer {
    /// Plans everything for audio of `sample_rate_hz` (8,000..=192,000, or what `config.limits` says) with
    /// `channels` channels (1..=8).
    ///
    /// # Errors
    /// [`Error::InvalidConfig`], [`Error::SampleRateOutOfRange`], [`Error::TooManyChannels`].
    pub fn new(config: Config, sample_rate_hz: u32, channels: usize) -> Result<Self> {
        use AnalysisType::{Full, Rhythm as RhythmOnly, Spectral, Structure, Tonal as TonalOnly};
        config.validate()?;
        config.limits.check_format(sample_rate_hz, channels)?;
        let kind = config.analysis_type;
        let frames = Frames::new(&config, sample_rate_hz, channels)?;
        let pulse_stft = (config.hop_ms != PULSE_HOP_MS && kind != TonalOnly)
            .then(|| Stft::new(sample_rate_hz, PULSE_HOP_MS));
        let rhythm = match kind {
            Full | RhythmOnly | Structure => Rhythm::Beats(Box::new(RhythmTracker::new(sample_rate_hz))),
            Spectral => {
                Rhythm::OnsetsAlone(Box::new(OnsetStrength::new(sample_rate_hz, frames.stft.fft_len())))
            }
            TonalOnly => Rhythm::Off,
        };
        let tonal = matches!(kind, Full | TonalOnly | Structure).then(|| TonalAnalyzer::new(sample_rate_hz));
        Ok(Self {
            audio: AudioInfo::of_samples(sample_rate_hz, u16::try_from(channels).unwrap_or(u16::MAX)),
            fingerprint: None,
            taken: 0,
            mono: Vec::with_capacity(BLOCK_FRAMES),
            planes: vec![Vec::with_capacity(BLOCK_FRAMES); channels],
            pulse: Pulse {
                rhythm,
                structure: matches!(kind, Full | Structure)
                    .then(|| StructureTracker::new(frames.stft.bins(), frames.stft.bin_hz())),
            },
            pulse_stft,
            loudness: (kind == Full).then(|| Loudness::new(channels, sample_rate_hz)).transpose()?,
            tonal,
            frames,
            config,
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
    /// as silence.
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
                plane.extend(samples.map(|sample| if sample.is_finite() { *sample } else { 0.0 }));
            }
            let pushed = self.push_planes(&planes, observer);
            self.planes = planes;
            pushed?;
        }
        Ok(())
    }

    /// Takes a plane of finite samples for each channel, all of one length.
    ///
    /// # Errors
    /// As [`Analyzer::push`]; [`Error::RaggedBlock`] when the planes differ in number or length.
    pub fn push_planes(&mut self, planes: &[Vec<f32>], observer: &mut dyn Observer) -> Result<()> {
        let len = planes.first().map_or(0, Vec::len);
        if planes.len() != usize::from(self.audio.channels) || planes.iter().any(|plane| plane.len() != len) {
            let given = planes.iter().map(Vec::len).sum();
            return Err(Error::RaggedBlock { given, channels: usize::from(self.audio.channels) });
        }
        self.config.limits.check_length(self.taken + len as u64, self.audio.sample_rate, planes.len())?;
        if let Some(loudness) = &mut self.loudness {
            loudness.push(planes)?;
        }
        let mut start = 0;
        while start < len {
            let end = (start + BLOCK_FRAMES).min(len);
            self.listen(planes, start, end);
            self.frames.emit(observer)?;
            start = end;
        }
        self.taken += len as u64;
        Ok(())
    }

    /// One block through every stage; finished values queue up in the assembler.
    fn listen(&mut self, planes: &[Vec<f32>], start: usize, end: usize) {
        mix_down(planes, start, end, &mut self.mono);
        let Self { mono, frames, pulse, pulse_stft, tonal, .. } = self;
        frames.push_peaks(planes, start, end);
        if let Some(tonal) = tonal {
            tonal.push(mono, &mut |anchor| {
                pulse.push_anchor(anchor);
                frames.assembler.push_anchor(*anchor);
            });
        }
        pulse.rhythm.push_audio(mono);
        if let Some(stft) = pulse_stft {
            stft.push(mono, &mut |power| frames.assembler.push_onset(pulse.push_spectrum(power)));
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
        self.frames.emit(observer)?;
        let Self { audio, fingerprint, frames, pulse, loudness, .. } = self;
        let manifest = frames.finish(audio.clone(), fingerprint.clone(), observer)?;
        let (rhythm, sections) = pulse.finish(audio.duration_ms as f64 / 1000.0);
        let heard =
            Heard { rhythm, sections, tonal: pitch, loudness: loudness.map(Loudness::finish).transpose()? };
        let (summary, events) = heard.conclude();
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
        let Self { frames, pulse, pulse_stft, tonal, .. } = self;
        let Frames { peaks, assembler, .. } = frames;
        peaks.finish(&mut |peak| assembler.push_peak(peak));
        let pitch = tonal.take().map(|tonal| {
            tonal.finish(&mut |anchor| {
                pulse.push_anchor(anchor);
                assembler.push_anchor(*anchor);
            })
        });
        if let Some(stft) = pulse_stft {
            stft.finish(&mut |power| assembler.push_onset(pulse.push_spectrum(power)));
        }
        let shared = pulse_stft.is_none().then_some(pulse);
        frames.finish_spectra(shared);
        frames.assembler.finish();
        pitch
    }
}

/// What the stages that listen to the whole track found.
struct Heard {
    rhythm: Option<rhythm::Rhythm>,
    sections: Option<Vec<Section>>,
    tonal: Option<Tonal>,
    loudness: Option<LoudnessSummary>,
}

impl Heard {
    fn conclude(self) -> (Summary, Events) {
        let mut summary = Summary { loudness: self.loudness, ..Summary::default() };
        let mut marks = Vec::new();
        if let Some(tonal) = self.tonal {
            marks.extend(tonal.keys.events());
            (summary.key, summary.tuning_hz) = (tonal.keys.key, tonal.tuning_hz);
        }
        let count = |len: usize| Some(u32::try_from(len).unwrap_or(u32::MAX));
        if let Some(sections) = self.sections {
            marks.extend(sections.iter().map(Section::event));
            summary.section_count = count(sections.len());
        }
        let Some(rhythm) = self.rhythm else {
            return (summary, Events::new(Vec::new(), Vec::new(), Vec::new(), marks));
        };
        summary.tempo_bpm = rhythm.tempo_bpm;
        summary.tempo_confidence = rhythm.tempo_confidence;
        summary.tempo_candidates = rhythm.candidates;
        summary.tempo_curve = rhythm.curve;
        summary.time_signature = rhythm.time_signature;
        summary.beat_count = count(rhythm.beats.len());
        summary.bar_count = count(rhythm.beats.iter().filter(|beat| beat.position == 1).count());
        summary.onset_count = count(rhythm.onsets.len());
        (summary, Events::new(rhythm.beats, rhythm.tatums_s, rhythm.onsets, marks))
    }
}

impl Frames {
    fn new(config: &Config, sample_rate_hz: u32, channels: usize) -> Result<Self> {
        let stft = Stft::new(sample_rate_hz, config.hop_ms);
        let layout = FrameLayout::new(config);
        let has = |name| layout.field(name).is_ok();
        Ok(Self {
            bands: Bands::new(config.bands, sample_rate_hz, stft.fft_len()),
            features: SpectralFeatures::new(sample_rate_hz, stft.fft_len(), channels),
            peaks: FramePeaks::new(sample_rate_hz, config.hop_ms),
            powers: vec![0.0; config.bands],
            levels: vec![0.0; config.bands],
            assembler: Assembler::new(config, has(frame::ONSET), has(frame::CHROMA)),
            bytes: Vec::with_capacity(layout.bytes_per_frame()),
            zoom: ZoomPyramid::new(&layout, config.zoom_levels, config.chunk_frames)?,
            manifest: ManifestBuilder::new(config, &layout),
            layout,
            stft,
        })
    }

    fn push_peaks(&mut self, planes: &[Vec<f32>], start: usize, end: usize) {
        let parts: [&[f32]; 8] =
            std::array::from_fn(|i| planes.get(i).map_or(&[][..], |plane| &plane[start..end]));
        let assembler = &mut self.assembler;
        self.peaks.push(&parts[..planes.len().min(parts.len())], &mut |peak| assembler.push_peak(peak));
    }

    /// Spectra of the next samples, to the bands and, where the hop is shared, to the rhythm.
    fn push_spectra(&mut self, mono: &[f32], shared: Option<&mut Pulse>) {
        let Self { stft, bands, features, powers, levels, assembler, .. } = self;
        stft.push(mono, &mut spectrum_sink(bands, features, powers, levels, assembler, shared));
    }

    fn finish_spectra(&mut self, shared: Option<&mut Pulse>) {
        let Self { stft, bands, features, powers, levels, assembler, .. } = self;
        stft.finish(&mut spectrum_sink(bands, features, powers, levels, assembler, shared));
    }

    /// Hands out every frame that is whole, and the chunks they fill.
    fn emit(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let Self { assembler, layout, bytes, zoom, manifest, .. } = self;
        let mut emit_one = |frame: Assembled<'_>| {
            bytes.clear();
            layout.encode(&frame.values, bytes);
            let Assembled { index, time_ms, values } = frame;
            observer.on_frame(&Frame { index, time_ms, values, bytes })?;
            zoom.push(bytes, &mut |chunk| pass_on(manifest, chunk, observer))
        };
        while let Some(emitted) = assembler.take(&mut emit_one) {
            emitted?;
        }
        Ok(())
    }

    /// The last chunk of every level, and the manifest of all of them.
    fn finish(
        self,
        audio: AudioInfo,
        fingerprint: Option<String>,
        observer: &mut dyn Observer,
    ) -> Result<Manifest> {
        let Self { zoom, mut manifest, .. } = self;
        zoom.finish(&mut |chunk| pass_on(&mut manifest, chunk, observer))?;
        Ok(manifest.finish(audio, fingerprint))
    }
}

fn pass_on(manifest: &mut ManifestBuilder, chunk: Chunk, observer: &mut dyn Observer) -> Result<()> {
    manifest.add(&chunk)?;
    observer.on_chunk(chunk)
}

/// What happens with each spectrum of the frames.
fn spectrum_sink<'a>(
    bands: &'a Bands,
    features: &'a SpectralFeatures,
    powers: &'a mut [f32],
    levels: &'a mut [f32],
    assembler: &'a mut Assembler,
    mut pulse: Option<&'a mut Pulse>,
) -> impl FnMut(&[f32]) + 'a {
    move |power| {
        bands.process(power, powers);
        bands::powers_to_db(powers, levels);
        assembler.push_spectral(levels, features.process(power));
        if let Some(pulse) = &mut pulse {
            assembler.push_onset(pulse.push_spectrum(power));
        }
    }
}

impl Pulse {
    fn push_anchor(&mut self, anchor: &ChromaAnchor) {
        if let Some(structure) = &mut self.structure {
            structure.push_anchor(anchor);
        }
    }

    /// Strength of an onset at the next 10 ms.
    fn push_spectrum(&mut self, power: &[f32]) -> f32 {
        if let Some(structure) = &mut self.structure {
            structure.push_spectrum(power);
        }
        match &mut self.rhythm {
            Rhythm::Beats(tracker) => tracker.push_spectrum(power).strength,
            Rhythm::OnsetsAlone(onsets) => onsets.process(power).strength,
            Rhythm::Off => 0.0,
        }
    }

    fn finish(self, duration_s: f64) -> (Option<rhythm::Rhythm>, Option<Vec<Section>>) {
        let rhythm = self.rhythm.finish();
        let beats = rhythm.iter().flat_map(|rhythm| &rhythm.beats);
        let downbeats: Vec<f64> = beats.filter(|beat| beat.position == 1).map(|beat| beat.time_s).collect();
        let sections = self.structure.map(|structure| structure.finish(&downbeats, duration_s));
        (rhythm, sections)
    }
}

impl Rhythm {
    fn push_audio(&mut self, mono: &[f32]) {
        if let Self::Beats(tracker) = self {
            tracker.push_audio(mono);
        }
    }

    fn finish(self) -> Option<rhythm::Rhythm> {
        match self {
            Self::Beats(tracker) => Some(tracker.finish()),
            Self::OnsetsAlone(_) | Self::Off => None,
        }
    }
}

/// Mean of the channels.
fn mix_down(planes: &[Vec<f32>], start: usize, end: usize, mono: &mut Vec<f32>) {
    mono.clear();
    match planes {
        [only] => mono.extend_from_slice(&only[start..end]),
        [left, right] => {
            mono.extend(left[start..end].iter().zip(&right[start..end]).map(|(l, r)| 0.5 * (l + r)))
        }
        _ => {
            mono.resize(end - start, 0.0);
            for plane in planes {
                mono.iter_mut().zip(&plane[start..end]).for_each(|(sum, sample)| *sum += sample);
            }
            let scale = 1.0 / planes.len() as f32;
            mono.iter_mut().for_each(|sum| *sum *= scale);
        }
    }
}
