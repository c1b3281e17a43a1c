//! The stored onset strength of an analysis, out of its chunks.

use crate::problem::{Kind, Problem};
use crate::results::MAX_PAYLOAD_BYTES;
use analysis_core::chunk::ChunkDecoder;
use analysis_core::frame::{FrameLayout, ONSET};
use analysis_core::manifest::Manifest;
use analysis_core::regrid::MachineBeat;
use serde_json::Value;
use store::PgConnection;
use store::grids;
use time::OffsetDateTime;
use uuid::Uuid;

/// Chunks read and unpacked at a time: of a long track some 2 MB.
const CHUNKS: i64 = 64;

/// Onset strength of the finest frames.
#[derive(Debug)]
pub(super) struct Onset {
    /// 0 to 1; empty where it is not stored.
    pub(super) values: Vec<f32>,
    pub(super) hop_ms: u32,
    pub(super) duration_ms: u32,
}

impl Onset {
    /// None, of a track as long as its beats.
    pub(super) fn unheard(beats: &[MachineBeat]) -> Self {
        let duration_ms = beats.last().map_or(0, |beat| beat.time_ms);
        Self { values: Vec::new(), hop_ms: 10, duration_ms }
    }
}

/// Reads the strength of the run completed at `version`. What was replaced meanwhile is a problem.
pub(super) async fn read(
    db: &mut PgConnection,
    analysis_id: Uuid,
    version: OffsetDateTime,
    manifest: Value,
) -> Result<Onset, Problem> {
    let manifest: Manifest = serde_json::from_value(manifest).map_err(Problem::internal)?;
    let duration_ms = u32::try_from(manifest.duration_ms).unwrap_or(u32::MAX);
    let finest = manifest.levels.iter().find(|level| level.level == 0);
    let (frames, hop_ms) = finest.map_or((0, 10), |level| (level.frame_count, level.hop_ms));
    let layout = manifest.frame_layout;
    if layout.field(ONSET).is_err() {
        return Ok(Onset { values: Vec::new(), hop_ms, duration_ms });
    }
    let mut values: Vec<f32> = Vec::with_capacity(frames as usize);
    let mut after = -1;
    while values.len() < frames as usize {
        let page = grids::chunks(db, analysis_id, version, after, CHUNKS).await?;
        let Some(&(last, _)) = page.last() else {
            return Err(Problem::detailed(Kind::ResultsReplaced, "its frames are being replaced"));
        };
        after = last;
        let of = layout.clone();
        let unpacked = tokio::task::spawn_blocking(move || unpack(&page, &of)).await;
        values.append(&mut unpacked.map_err(Problem::internal)?.map_err(Problem::internal)?);
    }
    Ok(Onset { values, hop_ms, duration_ms })
}

/// The strength of chunks that follow one another.
fn unpack(page: &[(i32, bytes::Bytes)], layout: &FrameLayout) -> analysis_core::Result<Vec<f32>> {
    let mut decoder = ChunkDecoder::new()?;
    let mut values = Vec::new();
    for (_, chunk) in page {
        let decoded = decoder.decode(chunk, layout, MAX_PAYLOAD_BYTES)?;
        values.append(&mut layout.decode_field(ONSET, &decoded.frames)?);
    }
    Ok(values)
}
