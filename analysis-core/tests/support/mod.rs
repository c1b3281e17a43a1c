//! A small analysis of made-up values: every chunk of every level, and its manifest.

use analysis_core::Config;
use analysis_core::chunk::Chunk;
use analysis_core::frame::{FrameLayout, FrameValues};
use analysis_core::manifest::{Manifest, ManifestBuilder};
use analysis_core::summary::AudioInfo;
use analysis_core::zoom::ZoomPyramid;

pub(crate) struct Stored {
    pub(crate) manifest: Manifest,
    pub(crate) chunks: Vec<Chunk>,
    /// All frames of level 0.
    pub(crate) frames: Vec<u8>,
}

impl Stored {
    /// `count` frames of values that move as music does, packed as `config` says.
    pub(crate) fn new(config: &Config, count: u32) -> Self {
        let layout = FrameLayout::new(config);
        Self::of((0..count).flat_map(|t| frame(&layout, config.bands, f64::from(t))).collect(), config)
    }

    /// These frames, packed as `config` says.
    pub(crate) fn of(frames: Vec<u8>, config: &Config) -> Self {
        let layout = FrameLayout::new(config);
        let mut pyramid = ZoomPyramid::new(&layout, config.zoom_levels, config.chunk_frames).unwrap();
        let (mut builder, mut chunks) = (ManifestBuilder::new(config, &layout), Vec::new());
        let mut keep = |chunk: Chunk| {
            builder.add(&chunk)?;
            chunks.push(chunk);
            Ok(())
        };
        for frame in frames.chunks(layout.bytes_per_frame()) {
            pyramid.push(frame, &mut keep).unwrap();
        }
        pyramid.finish(&mut keep).unwrap();
        let duration_ms = (frames.len() / layout.bytes_per_frame()) as u64 * u64::from(config.hop_ms);
        let manifest = builder.finish(audio(duration_ms), Some("sha256:00".into()));
        Self { manifest, chunks, frames }
    }

    pub(crate) fn bytes(&self, level: u32, index: u32) -> Option<Vec<u8>> {
        let found = self.chunks.iter().find(|chunk| (chunk.level, chunk.index) == (level, index));
        found.map(|chunk| chunk.bytes.clone())
    }
}

fn audio(duration_ms: u64) -> AudioInfo {
    AudioInfo {
        duration_ms,
        sample_rate: 44_100,
        channels: 2,
        codec: Some("pcm_s16le".into()),
        container: Some("wav".into()),
        delay_frames: 0,
        padding_frames: 0,
        decode_errors: 0,
        truncated: false,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "made-up values fit")]
fn frame(layout: &FrameLayout, bands: usize, t: f64) -> Vec<u8> {
    let wave = |x: f64| (0.5 + 0.5 * (t * 0.13 + x).sin()) as f32;
    let bands: Vec<f32> = (0..bands).map(|b| wave(b as f64 * 0.7) * 110.0 - 118.0).collect();
    let chroma = std::array::from_fn(|c| wave(c as f64 * 1.9));
    let mut out = Vec::new();
    layout.encode(
        &FrameValues {
            bands_db: &bands,
            loudness_lufs: wave(0.1) * 40.0 - 50.0,
            peak_dbfs: wave(0.2) * 30.0 - 30.0,
            onset: wave(3.0 * t),
            centroid_hz: (t % 11.0 > 2.0).then(|| 200.0 + 4_000.0 * wave(0.4)),
            chroma: Some(&chroma),
        },
        &mut out,
    );
    out
}
