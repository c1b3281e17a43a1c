//! A worker with Arsis' own engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use analysis_core::analyzer::{Observer, analyze};
use analysis_core::chunk::Chunk;
use analysis_core::config::Config;
use std::io::Cursor;
use store::analyses::Status;
use store::frames::{self, EventFilter};
use support::Bench;
use tokio_util::sync::CancellationToken;

/// 12 s of clicks at 120 BPM, mono, 16 bit: long enough for a second chunk.
fn clicks() -> Vec<u8> {
    const RATE: u32 = 22_050;
    let samples: Vec<i16> = (0..12 * RATE).map(|i| if i % (RATE / 2) < 200 { 12_000 } else { 0 }).collect();
    let data_bytes = u32::try_from(samples.len() * 2).unwrap();
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + data_bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    wav.extend([RATE, RATE * 2].map(u32::to_le_bytes).concat());
    wav.extend([2_u16, 16].map(u16::to_le_bytes).concat());
    wav.extend(b"data");
    wav.extend(data_bytes.to_le_bytes());
    wav.extend(samples.into_iter().flat_map(i16::to_le_bytes));
    wav
}

#[derive(Default)]
struct Collected(Vec<Chunk>);

impl Observer for Collected {
    fn on_chunk(&mut self, chunk: Chunk) -> analysis_core::Result<()> {
        self.0.push(chunk);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_what_the_engine_finds() {
    let bench = Bench::new().await;
    let track_id = bench.track_of_audio(clicks()).await;
    let id = bench.pending_of(track_id).await;
    let stop = CancellationToken::new();
    let worker =
        tokio::spawn(worker::run(bench.config(), bench.pool().clone(), bench.objects.clone(), stop.clone()));

    let row = bench.until(id, |row| matches!(row.status, Status::Completed | Status::Error)).await;
    assert_eq!(row.error_message, None);
    stop.cancel();
    worker.await.unwrap().unwrap();

    let mut chunks = Collected::default();
    let expected = analyze(Cursor::new(clicks()), Some("wav"), &Config::default(), &mut chunks).unwrap();
    assert!(chunks.0.iter().any(|chunk| (chunk.level, chunk.index) == (0, 1)));
    let mut db = bench.pool().acquire().await.unwrap();
    for chunk in &chunks.0 {
        let (level, index) = (i16::try_from(chunk.level).unwrap(), i32::try_from(chunk.index).unwrap());
        let after = index.checked_sub(1);
        let stored = frames::chunks_between(&mut db, id, level, 0, i32::MAX, after, 1).await.unwrap();
        assert_eq!(stored[0].chunk_index, index, "level {level}");
        assert!(stored[0].bytes == chunk.bytes, "chunk {index} of level {level}");
    }
    let stored = bench.count("SELECT count(*) FROM analysis_frame_data").await;
    assert_eq!(stored, i64::try_from(chunks.0.len()).unwrap());
    // What a reader of the stored JSON sees.
    let through_text =
        |text: serde_json::Result<String>| serde_json::from_str::<serde_json::Value>(&text.unwrap()).unwrap();
    assert_eq!(row.summary, Some(through_text(serde_json::to_string(&expected.summary))));
    let manifest = frames::manifest(&mut db, id).await.unwrap();
    assert_eq!(manifest, Some(through_text(serde_json::to_string(&expected.manifest))));
    let all = EventFilter { types: &[], from_ms: None, to_ms: None, after: None, limit: 10_000 };
    let events = frames::events(&mut db, id, &all).await.unwrap();
    let found: Vec<_> = events.iter().map(|event| (event.time_ms, event.event_type.as_str())).collect();
    let wanted: Vec<_> = expected
        .events
        .iter()
        .map(|event| (i32::try_from(event.time_ms).unwrap(), event.event_type.as_str()))
        .collect();
    assert_eq!(found, wanted, "in the engine's order");
}
