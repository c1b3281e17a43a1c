//! What the scenarios are run on: the fixtures, and all that one stage hands to the next.

use analysis_core::analyzer::{self, Analyzer, Frame};
use analysis_core::beat_net::{BeatNet, Belief};
use analysis_core::beats::Evidence;
use analysis_core::chroma::{ChromaAnchor, ChromaExtractor};
use analysis_core::chunk::Chunk;
use analysis_core::decode::Decoder;
use analysis_core::frame::{FrameLayout, FrameValues};
use analysis_core::onset::{Onset, OnsetStrength};
use analysis_core::rhythm::RhythmTracker;
use analysis_core::stft::Stft;
use analysis_core::{AnalysisType, Config, Limits, Result};
use std::io::Cursor;

/// 24 s of the demonstration's piece, encoded.
pub(crate) const FLAC: &[u8] = include_bytes!("../../tests/fixtures/demo.flac");
pub(crate) const MP3: &[u8] = include_bytes!("../../tests/fixtures/demo.mp3");
pub(crate) const OGG: &[u8] = include_bytes!("../../tests/fixtures/demo.ogg");
pub(crate) const M4A: &[u8] = include_bytes!("../../tests/fixtures/demo.m4a");

/// Spectra that the stages get whose cost does not depend on what they hear, again and again: few enough to lie in
/// cache, as spectra do that were made a moment ago.
const FEW: usize = 64;

/// A piece of stereo music, and what each stage makes of it.
pub struct Material {
    /// How often the fixtures follow one another.
    pub(crate) times: usize,
    pub(crate) rate_hz: u32,
    /// Left, right, left, right, …
    pub(crate) interleaved: Vec<f32>,
    pub(crate) planes: Vec<Vec<f32>>,
    pub(crate) mono: Vec<f32>,
    pub(crate) fft_len: usize,
    /// Power spectra each 10 ms, one after the other.
    spectra: Vec<f32>,
    /// Amplitudes of the rhythm stage's filters each 10 ms, one after the other.
    amplitudes: Vec<f32>,
    filters: usize,
    /// Evidence of beats each 10 ms.
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) onsets: Vec<Onset>,
    pub(crate) downbeats_s: Vec<f64>,
    pub(crate) anchors: Vec<ChromaAnchor>,
    pub(crate) frames: Vec<StoredFrame>,
    pub(crate) layout: FrameLayout,
    pub(crate) chunks: Vec<Chunk>,
}

impl Material {
    /// The fixtures' 24 s, `times` times in a row.
    ///
    /// # Panics
    /// If the fixtures cannot be decoded.
    #[must_use]
    pub fn new(times: usize) -> Self {
        let (planes, rate_hz) = decoded(MP3);
        let planes: Vec<Vec<f32>> = planes.iter().map(|plane| plane.repeat(times)).collect();
        let mono: Vec<f32> = planes[0].iter().zip(&planes[1]).map(|(l, r)| 0.5 * (l + r)).collect();
        let interleaved: Vec<f32> = planes[0].iter().zip(&planes[1]).flat_map(|(l, r)| [*l, *r]).collect();
        let (spectra, fft_len) = spectra(&mono, rate_hz);
        let (amplitudes, filters) = amplitudes(&spectra, fft_len, rate_hz);
        let mut kept = Kept::default();
        let layout = analyse(&interleaved, rate_hz, AnalysisType::Full, &mut kept).manifest.frame_layout;
        let mut tracker = RhythmTracker::new(rate_hz);
        tracker.push_audio(&mono);
        for power in spectra.chunks_exact(fft_len / 2 + 1) {
            tracker.push_spectrum(power);
        }
        let rhythm = tracker.finish();
        let downbeats = rhythm.beats.iter().filter(|beat| beat.position == 1);
        Self {
            evidence: evidence(&amplitudes, filters),
            downbeats_s: downbeats.map(|beat| beat.time_s).collect(),
            onsets: rhythm.onsets,
            anchors: anchors(&mono, rate_hz),
            frames: kept.frames,
            chunks: kept.chunks,
            rate_hz,
            interleaved,
            planes,
            mono,
            fft_len,
            spectra,
            amplitudes,
            filters,
            layout,
            times,
        }
    }

    /// Length, in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "samples are far fewer than 2^52")]
    pub fn seconds(&self) -> f64 {
        self.mono.len() as f64 / f64::from(self.rate_hz)
    }

    pub(crate) fn bins(&self) -> usize {
        self.fft_len / 2 + 1
    }

    pub(crate) fn spectra(&self) -> impl Iterator<Item = &[f32]> {
        self.spectra.chunks_exact(self.bins())
    }

    /// As many spectra as there are, a few of the music's middle again and again.
    pub(crate) fn few_spectra(&self) -> impl Iterator<Item = &[f32]> {
        let count = self.spectra().count();
        let few: Vec<&[f32]> = self.spectra().skip(count / 2).take(FEW).collect();
        few.into_iter().cycle().take(count)
    }

    pub(crate) fn amplitudes(&self) -> impl Iterator<Item = &[f32]> {
        self.amplitudes.chunks_exact(self.filters)
    }
}

/// The values of a frame, kept.
pub(crate) struct StoredFrame {
    pub(crate) time_ms: u64,
    bands_db: Vec<f32>,
    chroma: Option<[f32; 12]>,
    loudness_lufs: f32,
    peak_dbfs: f32,
    onset: f32,
    centroid_hz: Option<f32>,
}

impl StoredFrame {
    fn new(frame: &Frame<'_>) -> Self {
        let FrameValues { bands_db, loudness_lufs, peak_dbfs, onset, centroid_hz, chroma } = frame.values;
        let (bands_db, chroma) = (bands_db.to_vec(), chroma.copied());
        Self { time_ms: frame.time_ms, bands_db, chroma, loudness_lufs, peak_dbfs, onset, centroid_hz }
    }

    pub(crate) fn values(&self) -> FrameValues<'_> {
        let Self { loudness_lufs, peak_dbfs, onset, centroid_hz, .. } = *self;
        let (bands_db, chroma) = (&self.bands_db[..], self.chroma.as_ref());
        FrameValues { bands_db, loudness_lufs, peak_dbfs, onset, centroid_hz, chroma }
    }
}

/// Keeps frames and the chunks of the finest level.
#[derive(Default)]
struct Kept {
    frames: Vec<StoredFrame>,
    chunks: Vec<Chunk>,
}

impl analyzer::Observer for Kept {
    fn on_frame(&mut self, frame: &Frame<'_>) -> Result<()> {
        self.frames.push(StoredFrame::new(frame));
        Ok(())
    }

    fn on_chunk(&mut self, chunk: Chunk) -> Result<()> {
        self.chunks.extend((chunk.level == 0).then_some(chunk));
        Ok(())
    }
}

/// Analyses stereo audio as it would be if it came live.
pub(crate) fn analyse(
    interleaved: &[f32],
    rate_hz: u32,
    kind: AnalysisType,
    observer: &mut dyn analyzer::Observer,
) -> analyzer::Analysis {
    let config = Config { analysis_type: kind, ..Config::default() };
    let mut analyzer = Analyzer::new(config, rate_hz, 2).unwrap();
    analyzer.push(interleaved, observer).unwrap();
    analyzer.finish(observer).unwrap()
}

fn decoded(mp3: &'static [u8]) -> (Vec<Vec<f32>>, u32) {
    let mut decoder = Decoder::open(Cursor::new(mp3), Some("mp3"), &Limits::default()).unwrap();
    let rate_hz = decoder.format().sample_rate_hz;
    let mut planes = vec![Vec::new(); 2];
    while let Some(block) = decoder.next_block().unwrap() {
        planes.iter_mut().zip(block).for_each(|(plane, samples)| plane.extend_from_slice(samples));
    }
    (planes, rate_hz)
}

fn spectra(mono: &[f32], rate_hz: u32) -> (Vec<f32>, usize) {
    let mut stft = Stft::new(rate_hz, 10);
    let mut spectra = Vec::new();
    stft.push(mono, &mut |power: &[f32]| spectra.extend_from_slice(power));
    stft.finish(&mut |power: &[f32]| spectra.extend_from_slice(power));
    (spectra, stft.fft_len())
}

fn amplitudes(spectra: &[f32], fft_len: usize, rate_hz: u32) -> (Vec<f32>, usize) {
    let mut onsets = OnsetStrength::new(rate_hz, fft_len);
    let mut amplitudes = Vec::new();
    for power in spectra.chunks_exact(fft_len / 2 + 1) {
        onsets.process(power);
        amplitudes.extend_from_slice(onsets.amplitudes());
    }
    (amplitudes, onsets.amplitudes().len())
}

/// What the network believes, each belief for 20 ms.
fn evidence(amplitudes: &[f32], filters: usize) -> Vec<Evidence> {
    let mut net = BeatNet::new();
    let mut beliefs = Vec::new();
    for row in amplitudes.chunks_exact(filters) {
        net.push(row, &mut |belief| beliefs.push(belief));
    }
    net.finish(&mut |belief| beliefs.push(belief));
    let of = |Belief { beat, downbeat }| Evidence { beat, downbeat: (downbeat - beat).exp().min(1.0) };
    beliefs.into_iter().flat_map(|belief| [of(belief); 2]).collect()
}

fn anchors(mono: &[f32], rate_hz: u32) -> Vec<ChromaAnchor> {
    let mut chroma = ChromaExtractor::new(rate_hz);
    let mut anchors = Vec::new();
    chroma.push(mono, &mut |anchor| anchors.push(*anchor));
    chroma.finish(&mut |anchor| anchors.push(*anchor));
    anchors
}
