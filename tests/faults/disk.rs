//! A worker whose disk is full.

use crate::support::{Bench, LONG_PIECE, Setup};
use std::process::{Command, Stdio};
use store::analyses::Status;

/// Room on the worker's disk, in KiB: far less than the audio takes.
const ROOM_KIB: usize = 1024;

/// A worker with a small disk of its own for temporary files, in a namespace of its own; where the system allows no
/// such thing, one that may write no large file.
fn with_little_room(bench: &Bench) -> Setup {
    let temp = bench.temp_dir();
    std::fs::create_dir_all(&temp).unwrap();
    let mount = format!("mount -t tmpfs -o size={ROOM_KIB}k tmpfs '{}'", temp.display());
    // As root as it is, else as root of the namespace alone.
    for flags in ["-m", "-rm"] {
        let attempt =
            Command::new("unshare").args([flags, "sh", "-c", &mount]).stderr(Stdio::null()).status();
        if attempt.is_ok_and(|status| status.success()) {
            return bench.setup().through_shell(&["unshare", flags], &format!("{mount} && exec \"$@\""));
        }
    }
    println!("no namespaces here: a limit on the size of files instead of a small disk");
    // In blocks of 512 bytes. Ignored, the signal becomes an error of the write.
    let limit = format!("trap '' XFSZ; ulimit -f {} && exec \"$@\"", ROOM_KIB * 2);
    bench.setup().through_shell(&[], &limit)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_finds_the_disk_full_is_put_off_and_done_where_there_is_room() {
    let bench = Bench::new().await;
    let full = bench.worker_with("full", &with_little_room(&bench)).await;
    let job = bench.pending(&LONG_PIECE).await;
    let row = bench.until(job.id, "the attempt fails", |row| row.error_kind.is_some()).await;
    assert_eq!((row.status, row.error_kind.as_deref()), (Status::Pending, Some("disk_failed")));
    let message = "The audio could not be kept on the worker's disk.";
    assert_eq!((row.error_message.as_deref(), row.attempt), (Some(message), 1));
    let cause: String =
        sqlx::query_scalar("SELECT cause FROM track_analysis_attempts WHERE analysis_id = $1")
            .bind(job.id)
            .fetch_one(&bench.pool().await)
            .await
            .unwrap();
    assert!(cause.contains("No space left on device") || cause.contains("File too large"), "{cause}");
    // Of the copy nothing stays, as that worker sees its disk.
    let own = std::path::PathBuf::from(format!("/proc/{}/root", full.pid()))
        .join(bench.temp_dir().strip_prefix("/").unwrap());
    let folders = std::fs::read_dir(own).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = folders
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(files, ["lock"]);
    full.signal(nix::sys::signal::Signal::SIGTERM);

    let roomy = bench.worker("roomy").await;
    bench.until_completed(job.id).await;
    bench.assert_outcomes(job.id, &["retrying", "completed"]).await;
    bench.assert_result(job.id, &LONG_PIECE).await;
    bench.assert_nothing_left().await;
    bench.end([roomy, full]).await;
}
