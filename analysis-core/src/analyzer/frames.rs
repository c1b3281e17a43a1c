//! The part of an analysis that makes frames and chunks.

use super::assembler::{Assembled, Assembler};
use super::pulse::Pulse;
use super::{Frame, Observer};
use crate::bands::{self, Bands};
use crate::chunk::Chunk;
use crate::config::{AnalysisType, Config};
use crate::error::Result;
use crate::features::{FramePeaks, SpectralFeatures, SpectralValues};
use crate::frame::FrameLayout;
use crate::manifest::{Manifest, ManifestBuilder};
use crate::stages::{Stage, Stages};
use crate::stft::Stft;
use crate::summary::AudioInfo;
use crate::zoom::ZoomPyramid;

/// What is said of a spectrum whose features nobody asks for.
const NO_FEATURES: SpectralValues = SpectralValues { centroid_hz: None, loudness_lufs: f32::NAN };

/// What makes frames and chunks.
pub(super) struct Frames {
    pub(super) stft: Stft,
    bands: Bands,
    features: Option<SpectralFeatures>,
    pub(super) peaks: FramePeaks,
    powers: Vec<f32>,
    levels: Vec<f32>,
    pub(super) assembler: Assembler,
    pub(super) layout: FrameLayout,
    bytes: Vec<u8>,
    zoom: ZoomPyramid,
    manifest: ManifestBuilder,
    pub(super) stages: Stages,
}

impl Frames {
    pub(super) fn new(config: &Config, sample_rate_hz: u32, channels: usize) -> Result<Self> {
        let stft = Stft::new(sample_rate_hz, config.hop_ms);
        let layout = FrameLayout::new(config);
        // Segments rest on the loudness, whether or not frames hold it.
        let with_features = !matches!(config.analysis_type, AnalysisType::Rhythm | AnalysisType::Tonal);
        let features = || SpectralFeatures::new(sample_rate_hz, stft.fft_len(), channels);
        Ok(Self {
            bands: Bands::new(config.bands, sample_rate_hz, stft.fft_len()),
            features: with_features.then(features),
            peaks: FramePeaks::new(sample_rate_hz, config.hop_ms),
            powers: vec![0.0; config.bands],
            levels: vec![0.0; config.bands],
            assembler: Assembler::new(config, &layout),
            bytes: Vec::with_capacity(layout.bytes_per_frame()),
            zoom: ZoomPyramid::new(&layout, config.zoom_levels, config.chunk_frames)?,
            manifest: ManifestBuilder::new(config, &layout),
            stages: Stages::default(),
            layout,
            stft,
        })
    }

    pub(super) fn push_peaks(&mut self, planes: &[Vec<f32>], start: usize, end: usize) {
        if !self.assembler.takes_peaks() {
            return;
        }
        let parts: [&[f32]; 8] =
            std::array::from_fn(|i| planes.get(i).map_or(&[][..], |plane| &plane[start..end]));
        let assembler = &mut self.assembler;
        self.peaks.push(&parts[..planes.len().min(parts.len())], &mut |peak| assembler.push_peak(peak));
    }

    /// Spectra of the next samples, to the bands and, where the hop is shared, to the rhythm.
    pub(super) fn push_spectra(&mut self, mono: &[f32], shared: Option<&mut Pulse>) {
        let Self { stft, bands, features, powers, levels, assembler, stages, .. } = self;
        stages.enter(Stage::Spectra);
        stft.push(mono, &mut spectrum_sink(bands, features, powers, levels, assembler, shared, stages));
    }

    pub(super) fn finish_spectra(&mut self, shared: Option<&mut Pulse>) {
        let Self { stft, bands, features, powers, levels, assembler, stages, .. } = self;
        stages.enter(Stage::Spectra);
        stft.finish(&mut spectrum_sink(bands, features, powers, levels, assembler, shared, stages));
    }

    /// Hands out every frame that is whole, and the chunks they fill.
    pub(super) fn emit(&mut self, pulse: &mut Pulse, observer: &mut dyn Observer) -> Result<()> {
        let Self { assembler, layout, bytes, zoom, manifest, stages, .. } = self;
        stages.enter(Stage::Pack);
        let mut emit_one = |frame: Assembled<'_>| {
            bytes.clear();
            layout.encode(&frame.values, bytes);
            let Assembled { index, time_ms, values } = frame;
            stages.enter(Stage::Structure);
            pulse.push_frame(time_ms, &values);
            stages.enter(Stage::Observer);
            observer.on_frame(&Frame { index, time_ms, values, bytes })?;
            stages.enter(Stage::Pack);
            zoom.push(bytes, &mut |chunk| pass_on(manifest, chunk, observer, stages))
        };
        while let Some(emitted) = assembler.take(&mut emit_one) {
            emitted?;
        }
        Ok(())
    }

    /// The last chunk of every level, and the manifest of all of them.
    pub(super) fn finish(
        self,
        audio: AudioInfo,
        fingerprint: Option<String>,
        observer: &mut dyn Observer,
    ) -> Result<Manifest> {
        let Self { zoom, mut manifest, stages, .. } = self;
        stages.enter(Stage::Pack);
        zoom.finish(&mut |chunk| pass_on(&mut manifest, chunk, observer, &stages))?;
        Ok(manifest.finish(audio, fingerprint))
    }
}

fn pass_on(
    manifest: &mut ManifestBuilder,
    chunk: Chunk,
    observer: &mut dyn Observer,
    stages: &Stages,
) -> Result<()> {
    manifest.add(&chunk)?;
    stages.enter(Stage::Observer);
    observer.on_chunk(chunk)?;
    stages.enter(Stage::Pack);
    Ok(())
}

/// What happens with each spectrum of the frames.
fn spectrum_sink<'a>(
    bands: &'a Bands,
    features: &'a Option<SpectralFeatures>,
    powers: &'a mut [f32],
    levels: &'a mut [f32],
    assembler: &'a mut Assembler,
    mut pulse: Option<&'a mut Pulse>,
    stages: &'a Stages,
) -> impl FnMut(&[f32]) + 'a {
    move |power| {
        stages.enter(Stage::Bands);
        bands.process(power, powers);
        bands::powers_to_db(powers, levels);
        let scalars = features.as_ref().map_or(NO_FEATURES, |features| features.process(power));
        assembler.push_spectral(levels, scalars);
        if let Some(pulse) = &mut pulse {
            assembler.push_onset(pulse.push_spectrum(power));
        }
        stages.enter(Stage::Spectra);
    }
}
