//! A result to be served: noise, so that its chunks are as large as chunks become.

use analysis_core::chunk::Chunk;
use analysis_core::config::Config;
use analysis_core::frame::{FrameLayout, FrameValues};
use analysis_core::manifest::{Manifest, ManifestBuilder};
use analysis_core::summary::AudioInfo;
use analysis_core::zoom::ZoomPyramid;

/// Half a minute at 10 ms a frame.
const FRAMES: u16 = 3000;

pub(crate) struct Piece {
    pub(crate) config: Config,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) manifest: Manifest,
}

impl Piece {
    pub(crate) fn make() -> Self {
        let config = Config::default();
        let layout = FrameLayout::new(&config);
        let mut pyramid = ZoomPyramid::new(&layout, config.zoom_levels, config.chunk_frames).unwrap();
        let mut builder = ManifestBuilder::new(&config, &layout);
        let mut chunks = Vec::new();
        let mut keep = |chunk: Chunk| {
            builder.add(&chunk)?;
            chunks.push(chunk);
            Ok(())
        };
        let mut dice = 1_u32;
        let (mut bands_db, chroma) = (vec![0.0; config.bands], [0.5; 12]);
        for _ in 0..FRAMES {
            for band in &mut bands_db {
                // A linear congruential generator (Numerical Recipes).
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *band = -f32::from(u16::try_from(dice >> 26).unwrap());
            }
            let values = FrameValues {
                bands_db: &bands_db,
                loudness_lufs: -20.0,
                peak_dbfs: -3.0,
                onset: 0.5,
                centroid_hz: None,
                chroma: Some(&chroma),
            };
            let mut frame = Vec::new();
            layout.encode(&values, &mut frame);
            pyramid.push(&frame, &mut keep).unwrap();
        }
        pyramid.finish(&mut keep).unwrap();
        let audio = AudioInfo { duration_ms: u64::from(FRAMES) * 10, ..AudioInfo::of_samples(44_100, 2) };
        Self { manifest: builder.finish(audio, None), config, chunks }
    }
}
