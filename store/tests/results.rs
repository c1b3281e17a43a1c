//! Results on their way into the database, and what readers see of them meanwhile.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene must fail, and say where")]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;

use analysis_core::chunk::Chunk;
use analysis_core::config::Config;
use analysis_core::events::{Event, EventData, EventType};
use analysis_core::frame::FrameLayout;
use analysis_core::manifest::{Manifest, ManifestBuilder};
use analysis_core::summary::{AudioInfo, KeyEstimate, Mode, Summary};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use store::Error;
use store::analyses::Status;
use store::frames::{self, ChunkFor, EventFilter, Reader};
use store::queue::{Lease, reaper};
use store::results::{self, Finished, Writer};
use store::sessions::{self, Lookup, Origin, Token};
use store::testing::TestDatabase;
use store::users;
use support::{LEASE, claim, claimed, count, execute, expire, row};
use uuid::Uuid;

fn config() -> Config {
    Config { chunk_frames: 100, zoom_levels: 1, ..Config::default() }
}

fn chunk(level: u32, index: u32, frame_count: u32, bytes: &[u8]) -> Chunk {
    Chunk { level, index, start_frame: index * 100, frame_count, crc32: 0, bytes: bytes.to_vec() }
}

fn chunks() -> [Chunk; 3] {
    [chunk(0, 0, 100, b"first"), chunk(0, 1, 50, b"second"), chunk(1, 0, 19, b"coarse")]
}

fn manifest() -> Manifest {
    let audio = AudioInfo {
        duration_ms: 1500,
        sample_rate: 44_100,
        channels: 2,
        codec: None,
        container: None,
        delay_frames: 0,
        padding_frames: 0,
        decode_errors: 0,
        truncated: false,
    };
    let mut manifest = ManifestBuilder::new(&config(), &FrameLayout::new(&config()));
    for chunk in chunks() {
        manifest.add(&chunk).unwrap();
    }
    manifest.finish(audio, Some("abc".into()))
}

fn summary() -> Summary {
    let key = KeyEstimate {
        name: "A minor".into(),
        tonic: "A".into(),
        mode: Mode::Minor,
        confidence: 0.8,
        runner_up: None,
    };
    Summary { tempo_bpm: Some(124.0), key: Some(key), ..Summary::default() }
}

fn events() -> Vec<Event> {
    let beat = |time_ms, position| Event {
        time_ms,
        duration_ms: None,
        event_type: EventType::Beat,
        confidence: Some(0.5),
        event_data: Some(EventData::Beat { bar: 1, position }),
    };
    let section = Event {
        time_ms: 0,
        duration_ms: Some(1500),
        event_type: EventType::Section,
        confidence: None,
        event_data: Some(EventData::Section { label: "A".into() }),
    };
    vec![section, beat(100, 1), beat(600, 2), beat(1100, 3)]
}

async fn written(pool: &PgPool, lease: &Lease) -> Writer {
    let writer = Writer::new(lease, &config()).unwrap();
    results::append(pool, &writer, &chunks()[..1]).await.unwrap();
    results::append(pool, &writer, &chunks()[1..]).await.unwrap();
    writer
}

async fn finish(pool: &PgPool, writer: &Writer) -> store::Result<()> {
    let (summary, manifest) = (&summary(), &manifest());
    let finished = Finished { chunks: &[], summary, manifest, events: events().into_iter() };
    results::finish(pool, writer, finished).await
}

fn all() -> EventFilter<'static> {
    EventFilter { types: &[], from_ms: None, to_ms: None, after: None, limit: 100 }
}

/// A token of whom the analysis is for, or of someone else.
async fn token(db: &mut PgConnection, analysis_id: Uuid, own: bool) -> Token {
    let mut user_id = frames::source(db, analysis_id).await.unwrap().unwrap().owner_id;
    if !own {
        user_id = users::add_local(db, &format!("{}@example.org", Uuid::new_v4()), None).await.unwrap().id;
    }
    sqlx::query("UPDATE users SET approved = TRUE").execute(&mut *db).await.unwrap();
    sessions::create(db, user_id, time::Duration::HOUR, Origin::default()).await.unwrap()
}

/// A chunk as its owner gets it.
async fn stored_chunk(db: &mut PgConnection, analysis_id: Uuid, level: i16, index: i32) -> Option<ChunkFor> {
    let reader = Reader { token: &token(db, analysis_id, true).await, granted: false };
    let answer = frames::chunk_for(db, reader, analysis_id, level, index, &[]).await.unwrap().unwrap();
    answer.found.filter(|chunk| chunk.id.is_some())
}

#[tokio::test]
async fn a_finished_analysis_is_completed_and_its_track_ready() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let claim = claimed(pool).await;
    let writer = written(pool, &claim.lease).await;
    finish(pool, &writer).await.unwrap();

    let row = row(pool, claim.lease.analysis_id).await;
    assert_eq!((row.status, row.version.as_str()), (Status::Completed, analysis_core::ANALYZER_VERSION));
    assert_eq!(row.summary.unwrap()["tempo_bpm"], 124.0);
    let track: (String, Option<f32>, Option<f32>, Option<String>) =
        sqlx::query_as("SELECT status, bpm, duration_seconds, key_signature FROM reference_tracks")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(track, ("ready".into(), Some(124.0), Some(1.5), Some("A minor".into())));

    let mut db = pool.acquire().await.unwrap();
    let id = claim.lease.analysis_id;
    let document = frames::manifest(&mut db, id).await.unwrap().unwrap();
    assert_eq!(serde_json::from_value::<Manifest>(document).unwrap(), manifest());
    assert_eq!(stored_chunk(&mut db, id, 0, 1).await.unwrap().bytes.unwrap(), b"second"[..]);
    let second = &frames::chunks_between(&mut db, id, 0, 1000, 1001, None, 10).await.unwrap()[0];
    assert_eq!((&second.bytes[..], second.start_frame, second.frame_count), (&b"second"[..], 100, 50));
    assert_eq!((second.start_time_ms, second.end_time_ms), (1000, 1500));
    let coarse = &frames::chunks_between(&mut db, id, 1, 0, 1, None, 10).await.unwrap()[0];
    assert_eq!((coarse.start_time_ms, coarse.end_time_ms), (0, 19 * 80));
    assert!(stored_chunk(&mut db, id, 0, 2).await.is_none());
    let stored = frames::events(&mut db, id, &all()).await.unwrap();
    let beats: Vec<_> = stored.iter().filter(|event| event.event_type == "beat").collect();
    assert_eq!((stored.len(), beats.len()), (4, 3));
    let data = beats[1].event_data.as_deref().map(|text| serde_json::from_str::<Value>(text).unwrap());
    assert_eq!(data, Some(json!({"bar": 1, "position": 2})));
    assert!(results::is_committed(pool, &claim.lease).await.unwrap());
}

#[tokio::test]
async fn a_further_run_of_an_analysis_shows_nothing_of_the_one_before() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = claimed(pool).await.lease;
    let id = lease.analysis_id;
    let writer = written(pool, &lease).await;
    finish(pool, &writer).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let read = stored_chunk(&mut db, id, 0, 0).await.unwrap();
    assert_eq!((read.source.status, read.source.completed_at.is_some()), (Status::Completed, true));

    execute(pool, "UPDATE track_analyses SET status = 'pending' WHERE id = $1", id).await;
    assert_eq!(row(pool, id).await.summary, None);
    // The same attempt number as in the first run, with the first run's rows still there.
    let again = claim(pool, "second", LEASE).await.unwrap().lease;
    assert_eq!(again.attempt, lease.attempt);
    assert_eq!(stored_chunk(&mut db, id, 0, 0).await, None);
    assert!(frames::levels(&mut db, id).await.unwrap().is_empty());
    written(pool, &again).await;
    let read = stored_chunk(&mut db, id, 0, 0).await.unwrap();
    assert_eq!((read.source.status, read.source.completed_at), (Status::Running, None));
}

#[tokio::test]
async fn chunks_of_a_running_analysis_can_be_read_and_its_result_cannot() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = claimed(pool).await.lease;
    written(pool, &lease).await;
    let mut db = pool.acquire().await.unwrap();
    assert!(stored_chunk(&mut db, lease.analysis_id, 0, 0).await.is_some());
    let levels = frames::levels(&mut db, lease.analysis_id).await.unwrap();
    assert_eq!(
        levels.iter().map(|level| (level.hop_ms, level.stored_chunks)).collect::<Vec<_>>(),
        [(10, 2), (80, 1)]
    );
    assert_eq!(frames::manifest(&mut db, lease.analysis_id).await.unwrap(), None);
    assert!(frames::events(&mut db, lease.analysis_id, &all()).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_dead_attempt_wrote_is_seen_by_nobody_and_replaced_by_the_next() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let dead = claimed(pool).await.lease;
    let dead_writer = written(pool, &dead).await;
    expire(pool, dead.analysis_id).await;
    reaper::reap(pool).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    assert!(stored_chunk(&mut db, dead.analysis_id, 0, 0).await.is_none(), "it is pending");
    let next = claim(pool, "second", LEASE).await.unwrap().lease;
    assert!(stored_chunk(&mut db, dead.analysis_id, 0, 0).await.is_none(), "not of the running attempt");

    let writer = written(pool, &next).await;
    let late = results::append(pool, &dead_writer, &[chunk(0, 2, 50, b"late")]).await;
    assert!(matches!(late, Err(Error::LeaseLost { .. })));
    assert!(matches!(finish(pool, &dead_writer).await, Err(Error::LeaseLost { .. })));
    finish(pool, &writer).await.unwrap();
    assert!(matches!(finish(pool, &dead_writer).await, Err(Error::LeaseLost { .. })));
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_frame_data").await, 3);
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_frame_manifests").await, 2);
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_events").await, 4);
}

#[tokio::test]
async fn running_a_completed_analysis_again_replaces_its_result() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let first = claimed(pool).await.lease;
    let writer = written(pool, &first).await;
    finish(pool, &writer).await.unwrap();
    execute(pool, "UPDATE track_analyses SET status = 'pending' WHERE id = $1", first.analysis_id).await;
    let again = claim(pool, "w", LEASE).await.unwrap().lease;
    let writer = written(pool, &again).await;
    finish(pool, &writer).await.unwrap();
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_frame_data").await, 3);
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_events").await, 4);
}

#[tokio::test]
async fn a_commit_that_fails_leaves_nothing_behind() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = claimed(pool).await.lease;
    let writer = written(pool, &lease).await;
    // The last statement of the commit is the one on the track: let it fail, when all else is written.
    for statement in [
        "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'refused'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER refuse BEFORE UPDATE ON reference_tracks FOR EACH ROW EXECUTE FUNCTION refuse()",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
    assert!(finish(pool, &writer).await.is_err());
    assert_eq!(row(pool, lease.analysis_id).await.status, Status::Running);
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_events").await, 0);
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_frame_manifests WHERE frame_count > 0").await, 0);

    sqlx::query("DROP TRIGGER refuse ON reference_tracks").execute(pool).await.unwrap();
    finish(pool, &writer).await.unwrap();
    assert_eq!(row(pool, lease.analysis_id).await.status, Status::Completed);
}

#[tokio::test]
async fn a_manifest_that_does_not_fit_the_stored_chunks_is_refused() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = claimed(pool).await.lease;
    let writer = Writer::new(&lease, &config()).unwrap();
    results::append(pool, &writer, &[chunk(0, 0, 100, b"first")]).await.unwrap();
    let refused = finish(pool, &writer).await;
    assert!(matches!(refused, Err(Error::Invalid { field: "manifest", .. })), "{refused:?}");
    assert_eq!(row(pool, lease.analysis_id).await.status, Status::Running);
}

#[tokio::test]
async fn storing_a_chunk_twice_keeps_one() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = claimed(pool).await.lease;
    let writer = Writer::new(&lease, &config()).unwrap();
    for _ in 0..2 {
        results::append(pool, &writer, &[chunk(0, 0, 100, b"first")]).await.unwrap();
    }
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_frame_data").await, 1);
}

#[tokio::test]
async fn chunks_and_events_are_read_by_time_and_page() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = claimed(pool).await.lease;
    let writer = written(pool, &lease).await;
    finish(pool, &writer).await.unwrap();
    let (id, mut db) = (lease.analysis_id, pool.acquire().await.unwrap());
    for ((from_ms, to_ms), expected) in [
        ((0, 10_000), vec![0, 1]),
        ((999, 1001), vec![0, 1]),
        ((1000, 1001), vec![1]),
        ((1500, 9000), vec![]),
    ] {
        let chunks = frames::chunks_between(&mut db, id, 0, from_ms, to_ms, None, 10).await.unwrap();
        let indices: Vec<i32> = chunks.iter().map(|chunk| chunk.chunk_index).collect();
        assert_eq!(indices, expected, "{from_ms} to {to_ms}");
    }
    let rest = frames::chunks_between(&mut db, id, 0, 0, 10_000, Some(0), 10).await.unwrap();
    assert_eq!(rest.len(), 1);

    let types = ["beat".to_owned()];
    let beats = EventFilter { types: &types, ..all() };
    assert_eq!(frames::events(&mut db, id, &beats).await.unwrap().len(), 3);
    let middle = EventFilter { from_ms: Some(100), to_ms: Some(1100), ..all() };
    assert_eq!(frames::events(&mut db, id, &middle).await.unwrap().len(), 2);
    let mut seen = Vec::new();
    let mut page = EventFilter { limit: 3, ..all() };
    loop {
        let events = frames::events(&mut db, id, &page).await.unwrap();
        let Some(last) = events.last() else { break };
        page.after = Some((last.time_ms, last.id));
        seen.extend(events.iter().map(|event| event.time_ms));
    }
    assert_eq!(seen, [0, 100, 600, 1100]);
}

#[tokio::test]
async fn a_deleted_track_takes_its_analysis_and_the_lease_along() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let claim = claimed(pool).await;
    let writer = written(pool, &claim.lease).await;
    execute(pool, "DELETE FROM reference_tracks WHERE id = $1", claim.track_id).await;
    assert!(matches!(finish(pool, &writer).await, Err(Error::LeaseLost { .. })));
    let renewal =
        store::queue::renew(pool, &claim.lease, Default::default(), Duration::from_secs(10)).await.unwrap();
    assert_eq!(renewal, store::queue::Renewal::Lost);
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_frame_data").await, 0);
}

#[tokio::test]
async fn what_was_not_appended_is_written_by_the_commit() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = claimed(pool).await.lease;
    let writer = Writer::new(&lease, &config()).unwrap();
    let (chunks, summary, manifest) = (chunks(), summary(), manifest());
    let finished =
        Finished { chunks: &chunks, summary: &summary, manifest: &manifest, events: events().into_iter() };
    results::finish(pool, &writer, finished).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    assert_eq!(stored_chunk(&mut db, lease.analysis_id, 0, 1).await.unwrap().bytes.unwrap(), b"second"[..]);
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_frame_data").await, 3);
    assert_eq!(count(pool, "SELECT count(DISTINCT xmin::text) FROM analysis_frame_data").await, 1);
}

#[tokio::test]
async fn a_batch_of_chunks_is_one_statement() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for statement in [
        "CREATE TABLE statements (one BOOLEAN)",
        "CREATE FUNCTION count_statement() RETURNS trigger AS $$
             BEGIN INSERT INTO statements VALUES (TRUE); RETURN NULL; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER count_statement AFTER INSERT ON analysis_frame_data
             FOR EACH STATEMENT EXECUTE FUNCTION count_statement()",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
    let lease = claimed(pool).await.lease;
    let writer = Writer::new(&lease, &config()).unwrap();
    results::append(pool, &writer, &chunks()).await.unwrap();
    assert_eq!(count(pool, "SELECT count(*) FROM analysis_frame_data").await, 3);
    assert_eq!(count(pool, "SELECT count(*) FROM statements").await, 1);
}

#[tokio::test]
async fn compressed_chunks_are_not_compressed_again() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let storage: String = sqlx::query_scalar(
        "SELECT attstorage::text FROM pg_attribute
          WHERE attrelid = 'analysis_frame_data'::regclass AND attname = 'frame_data'",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(storage, "e", "EXTERNAL");
    let lease = claimed(pool).await.lease;
    let writer = Writer::new(&lease, &config()).unwrap();
    // Bytes that would shrink to nothing, and too many to stay within their row.
    results::append(pool, &writer, &[chunk(0, 0, 100, &[7; 40_000])]).await.unwrap();
    let stored = "SELECT pg_column_size(frame_data)::bigint FROM analysis_frame_data";
    assert_eq!(count(pool, stored).await, 40_000);
}

#[tokio::test]
async fn a_reader_gets_the_bytes_unless_they_have_them_or_are_not_the_owner() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = claimed(pool).await.lease;
    let writer = written(pool, &lease).await;
    finish(pool, &writer).await.unwrap();
    let (id, mut db) = (lease.analysis_id, pool.acquire().await.unwrap());
    let (own, other) = (token(&mut db, id, true).await, token(&mut db, id, false).await);
    let as_owner = Reader { token: &own, granted: false };
    let as_other = Reader { token: &other, granted: false };
    let granted = Reader { token: &other, granted: true };
    let mut chunk = async |reader, id, index, known: &[Uuid]| {
        frames::chunk_for(&mut db, reader, id, 0, index, known).await.unwrap().unwrap().found
    };
    let whole = chunk(as_owner, id, 0, &[]).await.unwrap();
    assert_eq!(whole.bytes.as_deref(), Some(&b"first"[..]));
    let chunk_id = whole.id.unwrap();
    for (reader, known, bytes) in [
        (as_owner, vec![chunk_id], None),
        (as_owner, vec![Uuid::new_v4()], Some(&b"first"[..])),
        (as_other, vec![], None),
        (granted, vec![], Some(&b"first"[..])),
    ] {
        let got = chunk(reader, id, 0, &known).await.unwrap();
        assert_eq!((got.id, got.bytes.as_deref()), (Some(chunk_id), bytes), "{reader:?} {known:?}");
    }
    let absent = chunk(as_owner, id, 9, &[]).await.unwrap();
    assert_eq!((absent.id, absent.bytes), (None, None));
    assert_eq!(chunk(as_owner, Uuid::new_v4(), 0, &[]).await, None);

    let mut manifest_for = async |reader, known: &[time::OffsetDateTime]| {
        frames::manifest_for(&mut db, reader, id, known).await.unwrap().unwrap().found.unwrap()
    };
    let whole = manifest_for(as_owner, &[]).await;
    assert_eq!(Manifest::from_json(&whole.json.unwrap()).unwrap(), manifest());
    assert_eq!(manifest_for(as_owner, &[whole.source.completed_at.unwrap()]).await.json, None);
    assert_eq!(manifest_for(as_other, &[]).await.json, None);
    assert!(manifest_for(granted, &[]).await.json.is_some());
}

#[tokio::test]
async fn nobody_reads_with_a_session_that_is_over_or_of_a_user_who_is_not_approved() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let lease = claimed(pool).await.lease;
    let writer = written(pool, &lease).await;
    finish(pool, &writer).await.unwrap();
    let (id, mut db) = (lease.analysis_id, pool.acquire().await.unwrap());
    let own = token(&mut db, id, true).await;
    for statement in ["UPDATE users SET approved = FALSE", "UPDATE sessions SET expires_at = now()"] {
        sqlx::query(statement).execute(&mut *db).await.unwrap();
        let reader = Reader { token: &own, granted: true };
        let chunk = frames::chunk_for(&mut db, reader, id, 0, 0, &[]).await.unwrap().unwrap();
        assert_eq!(chunk.found.unwrap().bytes, None);
        let manifest = frames::manifest_for(&mut db, reader, id, &[]).await.unwrap().unwrap();
        assert_eq!(manifest.found.unwrap().json, None);
        let lookup = sessions::admit(&mut db, Some(chunk.session)).await.unwrap();
        assert!(!matches!(lookup, Lookup::Valid(_)), "{lookup:?}");
        sqlx::query("UPDATE users SET approved = TRUE").execute(&mut *db).await.unwrap();
    }
    let nobody = Token::presented("none");
    let reader = Reader { token: &nobody, granted: false };
    assert!(frames::chunk_for(&mut db, reader, id, 0, 0, &[]).await.unwrap().is_none());
}
