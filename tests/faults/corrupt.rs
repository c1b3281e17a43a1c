//! Files that are not what they seem.

use crate::support::{Bench, Piece};
use std::path::Path;
use store::analyses::Status;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// Keeps the beginning and writes noise over the rest.
fn scrambled(mut audio: Vec<u8>, keep: usize) -> Vec<u8> {
    let mut random = testmusic::Rng::new(1);
    audio[keep..].fill_with(|| random.next_u64().to_le_bytes()[0]);
    audio
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_analysed_end_their_jobs_with_a_message_and_nothing_else() {
    let bench = Bench::new().await;
    let worker = bench.worker("worker").await;
    let wav = Piece::short(1).audio;
    let files: [(&str, Vec<u8>); 8] = [
        ("empty", Vec::new()),
        ("a text", b"This is not music.\n".repeat(100)),
        ("a picture", [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 4000]].concat()),
        ("zeros", vec![0; 100_000]),
        ("the head of a WAV file", wav[..44].to_vec()),
        ("a FLAC file with noise for frames", scrambled(fixture("demo.flac"), 200)),
        ("an M4A file without its index", fixture("demo.m4a")[..2000].to_vec()),
        ("an Ogg file with noise for packets", scrambled(fixture("demo.ogg"), 100)),
    ];
    for (what, file) in files {
        let job = bench.pending_file(file).await;
        let row =
            bench.until(job.id, what, |row| matches!(row.status, Status::Error | Status::Completed)).await;
        let message = row.error_message.clone().unwrap_or_default();
        println!("{what}: {:?}: {message}", row.error_kind);
        assert_eq!((row.status, row.attempt), (Status::Error, 1), "{what}: {row:?}");
        let kind = row.error_kind.unwrap_or_default();
        assert!(["empty", "unrecognized", "no_audio_track", "corrupt"].contains(&&*kind), "{what}: {kind}");
        assert!(message.starts_with("The file") || message.starts_with("This is not"), "{what}: {message}");
        let track: (String, Option<String>) =
            sqlx::query_as("SELECT status, error_message FROM reference_tracks WHERE id = $1")
                .bind(job.track)
                .fetch_one(&bench.pool().await)
                .await
                .unwrap();
        assert_eq!(track, ("error".into(), Some(message)), "{what}");
    }
    let sound = bench.pending(&Piece::short(2)).await;
    bench.until_completed(sound.id).await;
    bench.assert_nothing_left().await;
    bench.end([worker]).await;
}
