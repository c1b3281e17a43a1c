//! `arsis queue` as an operator's shell sees it: the real binary on a real database, and a real worker where one works.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod said;

use said::Said;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use store::analyses::{self, Status};
use store::objects::{self, Objects};
use store::queue::{self, Claim, Failure, Progress};
use store::testing::{self, TestDatabase};
use tempfile::TempDir;
use testmusic::{Score, WavFormat, wav_bytes};
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(600);

/// Longer than anything here takes; what is waited for comes or the test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A database, and a folder for objects.
struct Bench {
    database: TestDatabase,
    folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self { database: TestDatabase::new().await, folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
        command.args(arguments).env_clear().stdin(Stdio::null());
        command.env("DATABASE_URL", self.database.url());
        command.env("ARSIS_DATA_DIR", self.folder.path()).env("ARSIS_TEMP_DIR", self.folder.path());
        // Without the warnings of statements that took over a second, as they do on a busy machine.
        command.env("RUST_LOG", "warn,sqlx=error,arsis=info,api=info,worker=info,store=info");
        command
    }

    /// `arsis queue ARGUMENTS`.
    async fn queue(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(&[&["queue"], arguments].concat());
        Said::of(tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap())
    }

    /// A pending analysis of a track of somebody's own.
    async fn pending(&self, audio: &[u8]) -> Uuid {
        let storage = objects::Config::Directory(self.folder.path().join("objects"));
        let objects = Objects::open(storage).await.unwrap();
        let mut db = self.database.pool().acquire().await.unwrap();
        let person = format!("{}@example.org", Uuid::new_v4());
        let owner = store::users::add_local(&mut db, &person, None).await.unwrap().id;
        // A name that would clear the screen.
        let name = "Song\u{1b}[2J\u{9b}2J\u{202e}";
        let track = testing::uploaded(&mut db, &objects, owner, name, audio.to_vec()).await;
        analyses::create(&mut db, &testing::analysis_of(track)).await.unwrap().id
    }

    /// A pending analysis of audio that nobody else has.
    async fn waiting(&self) -> Uuid {
        self.pending(Uuid::new_v4().as_bytes()).await
    }

    /// An analysis that this test works on.
    async fn held(&self) -> Claim {
        let id = self.waiting().await;
        let claim = queue::claim(self.database.pool(), "tester-1", LEASE).await.unwrap().unwrap();
        assert_eq!(claim.lease.analysis_id, id, "nothing else waits");
        claim
    }

    async fn failed(&self, kind: &str) -> Uuid {
        let lease = self.held().await.lease;
        let failure =
            Failure { kind, message: "It cannot be read.", cause: "frame 7: no sync word", permanent: true };
        queue::fail(self.database.pool(), &lease, &failure).await.unwrap();
        lease.analysis_id
    }

    async fn status_of(&self, id: Uuid) -> Status {
        let mut db = self.database.pool().acquire().await.unwrap();
        analyses::get(&mut db, id).await.unwrap().unwrap().status
    }

    async fn until(&self, id: Uuid, wanted: Status) {
        let looked = async {
            while self.status_of(id).await != wanted {
                tokio::time::sleep(Duration::from_millis(10)).await; // between looks, not instead of them
            }
        };
        tokio::time::timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("{id} is never {wanted:?}"));
    }
}

/// A worker process, killed when the test ends.
struct Worker(Child);

impl Worker {
    fn start(bench: &Bench) -> Self {
        let mut command = bench.command(&["worker", "--jobs", "1"]);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn assert_line(text: &str, begins: &str) {
    assert!(text.lines().any(|line| line.starts_with(begins)), "no line begins with {begins:?}:\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_what_waits_who_works_how_far_and_what_failed() {
    let bench = Bench::new().await;
    bench.failed("corrupt_audio").await;
    let lease = bench.held().await.lease;
    let progress = Progress { done_ms: 30_000, total_ms: Some(60_000) };
    let _ = queue::renew(bench.database.pool(), &lease, progress, LEASE).await.unwrap();
    bench.waiting().await;

    let said = bench.queue(&["status"]).await.expect(0);
    assert_eq!(said.err, "");
    assert_line(&said.out, "queue     runs");
    assert_line(&said.out, "in line   1, due for ");
    assert_line(&said.out, "running   1");
    assert_line(&said.out, &format!("{}  full  50 %", lease.analysis_id));
    assert_line(&said.out, "tester-1  1     -");
    assert_line(&said.out, "corrupt_audio       1      ");
    assert!(
        !said.out.contains(['\u{1b}', '\u{9b}', '\u{202e}']),
        "names of others are shown, not obeyed: {:?}",
        said.out
    );

    let document = bench.queue(&["status", "--json"]).await.expect(0).json();
    assert_eq!(document["depth"], json!({"in_line": 1, "scheduled": 0, "waiting": 0, "running": 1}));
    assert_eq!((&document["paused"], &document["expired"]), (&Value::Null, &json!(0)));
    assert!(document["oldest_due_ms"].is_u64(), "{document}");
    assert_eq!(document["workers"], json!([{"name": "tester-1", "silent_ms": null, "running": 1}]));
    assert_eq!(document["failures"][0]["kind"], "corrupt_audio");
    let running = &document["running"][0];
    assert_eq!((&running["id"], &running["progress"]["fraction"]), (&json!(lease.analysis_id), &json!(0.5)));
    assert!(running["progress"]["remaining_ms"].is_u64(), "{running}");
}

#[tokio::test(flavor = "multi_thread")]
async fn analyses_are_listed_and_shown_with_their_history() {
    let bench = Bench::new().await;
    let damaged = bench.failed("corrupt_audio").await;
    let unknown = bench.failed("unsupported_codec").await;
    let waiting = bench.waiting().await;

    let ids = async |arguments: &[&str]| {
        let listed = bench.queue(&[&["list", "--json"], arguments].concat()).await.expect(0).json();
        let ids = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().parse().unwrap());
        ids.collect::<Vec<Uuid>>()
    };
    assert_eq!(ids(&[]).await, [waiting, unknown, damaged]);
    assert_eq!(ids(&["-n", "1"]).await, [waiting]);
    assert_eq!(ids(&["--status", "error"]).await, [unknown, damaged]);
    assert_eq!(ids(&["--kind", "corrupt_audio", "--last-hours", "1"]).await, [damaged]);
    let table = bench.queue(&["list", "--kind", "corrupt_audio"]).await.expect(0).out;
    assert_line(&table, "ANALYSIS  ");
    assert_line(&table, &format!("{damaged}  full  error   "));

    let shown = bench.queue(&["show", &damaged.to_string()]).await.expect(0).out;
    assert_line(&shown, &format!("analysis   {damaged}"));
    assert_line(&shown, "cause      frame 7: no sync word");
    assert_line(&shown, "1        ");
    let shown = bench.queue(&["--json", "show", &damaged.to_string()]).await.expect(0).json();
    assert_eq!((&shown["error_kind"], &shown["attempt"]), (&json!("corrupt_audio"), &json!(1)));
    let attempt = &shown["attempts"][0];
    assert_eq!((&attempt["worker"], &attempt["outcome"]), (&json!("tester-1"), &json!("failed")));
    assert_eq!(attempt["cause"], "frame 7: no sync word");

    let nobody = bench.queue(&["show", &Uuid::nil().to_string()]).await.expect(1);
    assert_eq!(nobody.err, format!("arsis: there is no analysis {}\n", Uuid::nil()));
    bench.queue(&["show", "7"]).await.expect(2);
    bench.queue(&["list", "--status", "lost"]).await.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_by_id_by_kind_or_all_of_it() {
    let bench = Bench::new().await;
    let (first, second) = (bench.failed("corrupt_audio").await, bench.failed("corrupt_audio").await);
    let (third, fourth) = (bench.failed("too_long").await, bench.failed("unsupported_codec").await);

    let said = bench.queue(&["retry", &first.to_string()]).await.expect(0);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("retried 1 analysis\n", ""));
    assert_eq!(bench.status_of(first).await, Status::Pending);

    let said = bench.queue(&["retry", &first.to_string(), &third.to_string()]).await.expect(1);
    assert_eq!(said.out, "retried 1 analysis\n");
    assert_eq!(said.err, format!("arsis: {first}: its status is pending: only what failed is tried again\n"));
    let said = bench.queue(&["retry", "--json", &Uuid::nil().to_string()]).await.expect(1).json();
    assert_eq!(
        said,
        json!({"retried": 0, "refused": [{"id": Uuid::nil(), "why": "there is no such analysis"}]})
    );

    let said = bench.queue(&["retry", "--kind", "corrupt_audio", "--json"]).await.expect(0).json();
    assert_eq!(said, json!({"retried": 1, "refused": []}));
    assert_eq!(
        (bench.status_of(second).await, bench.status_of(fourth).await),
        (Status::Pending, Status::Error)
    );
    let owner = Uuid::nil().to_string();
    bench.queue(&["retry", "--all-failed", "--owner", &owner]).await.expect(0);
    assert_eq!(bench.status_of(fourth).await, Status::Error, "it is somebody else's");
    bench.queue(&["retry", "--all-failed"]).await.expect(0);
    assert_eq!(bench.status_of(fourth).await, Status::Pending);

    bench.queue(&["retry"]).await.expect(2);
    bench.queue(&["retry", "--kind", "x", "--all-failed"]).await.expect(2);
    bench.queue(&["retry", &first.to_string(), "--owner", &owner]).await.expect(2);
    let noted = "SELECT count(*) FROM audit_log WHERE event_type = 'queue.retried'";
    let noted: i64 = sqlx::query_scalar(noted).fetch_one(bench.database.pool()).await.unwrap();
    assert_eq!(noted, 6, "every act leaves a line, wrong usage none");
}

#[tokio::test(flavor = "multi_thread")]
async fn analyses_are_cancelled_by_id_or_by_what_they_have_in_common() {
    let bench = Bench::new().await;
    let running = bench.held().await.lease.analysis_id;
    let (first, second) = (bench.waiting().await, bench.waiting().await);

    bench.queue(&["cancel", &first.to_string()]).await.expect(0);
    assert_eq!(bench.status_of(first).await, Status::Error);
    let said = bench.queue(&["cancel", &first.to_string(), &running.to_string()]).await.expect(1);
    assert_eq!(said.out, "cancelled 1 analysis\n");
    assert_eq!(said.err, format!("arsis: {first}: it is over: its status is error\n"));
    let status = bench.queue(&["status"]).await.expect(0).out;
    assert!(status.contains("stopping"), "{status}");

    assert_eq!(bench.status_of(second).await, Status::Pending);
    let said = bench.queue(&["cancel", "--all", "--status", "pending", "--json"]).await.expect(0).json();
    assert_eq!(said["cancelled"], 1);
    assert_eq!(bench.status_of(second).await, Status::Error);
    let said = bench.queue(&["cancel"]).await.expect(2);
    assert!(said.err.contains("say which"), "{}", said.err);
    bench.queue(&["cancel", "--all", &first.to_string()]).await.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_queue_finishes_what_runs_and_begins_nothing_until_it_is_resumed() {
    let bench = Bench::new().await;
    let piece = Score::demo().render();
    let seconds = |seconds: u32| {
        let samples = piece.mono().into_iter().cycle().take((seconds * piece.sample_rate_hz) as usize);
        wav_bytes(&samples.collect::<Vec<_>>(), piece.sample_rate_hz, 1, WavFormat::Int8)
    };
    let running = bench.pending(&seconds(5)).await;
    // Its result cannot be written while somebody else holds its track: it runs for as long as is needed here.
    let mut held = bench.database.pool().begin().await.unwrap();
    sqlx::query("SELECT 1 FROM reference_tracks FOR UPDATE").execute(&mut *held).await.unwrap();
    let worker = Worker::start(&bench);
    bench.until(running, Status::Running).await;
    let next = bench.pending(&seconds(6)).await;

    let mut drain = bench.command(&["queue", "drain", "--wait"]);
    let mut drain = drain.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(drain.stderr.take().unwrap());
    let first = tokio::task::spawn_blocking(move || {
        let mut first = String::new();
        told.read_line(&mut first).unwrap();
        (first, told)
    });
    let (first, _told) = first.await.unwrap();
    assert!(first.contains("still at work: 1 analysis"), "it was there to see: {first}");
    held.rollback().await.unwrap();
    let said = tokio::task::spawn_blocking(move || drain.wait_with_output()).await.unwrap().unwrap();
    let said = Said::of(said).expect(0);
    assert_eq!(said.out, "the queue is paused, and nothing runs\n");
    assert_eq!(bench.status_of(running).await, Status::Completed);
    assert_eq!(bench.status_of(next).await, Status::Pending);
    let status = bench.queue(&["status"]).await.expect(0).out;
    assert_line(&status, "queue     paused since ");
    assert!(status.contains(" UTC by arsis queue drain"), "{status}");

    let names = async || {
        let status = bench.queue(&["status", "--json"]).await.expect(0).json();
        let workers = status["workers"].as_array().unwrap().iter();
        workers.map(|worker| worker["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = names().await;
    drop(worker);
    let _other = Worker::start(&bench);
    let heard = async { while names().await.iter().all(|name| first.contains(name)) {} };
    tokio::time::timeout(PATIENCE, heard).await.unwrap();
    assert_eq!(bench.status_of(next).await, Status::Pending, "another worker begins nothing either");
    assert_eq!(bench.queue(&["resume"]).await.expect(0).out, "the queue runs again\n");
    bench.until(next, Status::Completed).await;
    assert_eq!(bench.queue(&["resume"]).await.expect(0).out, "the queue was not paused\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_drain_ends_with_the_time_given() {
    let bench = Bench::new().await;
    bench.held().await;
    let said = bench.queue(&["drain", "--wait", "--timeout", "0", "--json"]).await.expect(1);
    assert_eq!(said.json(), json!({"paused": true, "running": 1}));
    let said = bench.queue(&["drain"]).await.expect(0);
    assert_eq!(said.out, "the queue is paused; still at work: 1 analysis\n");
    bench.queue(&["drain", "--timeout", "1"]).await.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_keeps_results_and_takes_history_only_when_asked() {
    let bench = Bench::new().await;
    let id = bench.failed("corrupt_audio").await;
    let aged = "UPDATE track_analyses SET completed_at = now() - interval '8 days'";
    sqlx::raw_sql(aged).execute(bench.database.pool()).await.unwrap();
    let answered = "UPDATE apalis.jobs SET status = 'Done', done_at = now()";
    sqlx::raw_sql(answered).execute(bench.database.pool()).await.unwrap();

    let said = bench.queue(&["prune", "--json"]).await.expect(0).json();
    assert_eq!((said["tickets"].as_u64() > Some(0), &said["attempts"]), (true, &json!(0)));
    let said = bench.queue(&["prune", "--json", "--history-days", "9"]).await.expect(0).json();
    assert_eq!(said, json!({"tickets": 0, "attempts": 0}));
    let said = bench.queue(&["prune", "--history-days", "7"]).await.expect(0).out;
    assert_eq!(said, "removed 0 tickets and listeners, and 1 attempts of history\n");
    let shown = bench.queue(&["show", "--json", &id.to_string()]).await.expect(0).json();
    assert_eq!((&shown["attempts"], &shown["error_kind"]), (&json!([]), &json!("corrupt_audio")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_made_when_asked_and_a_queue_needs_its_tables() {
    let bench = Bench::new().await;
    let pool = bench.database.pool();
    let mut db = pool.acquire().await.unwrap();
    for (name, arguments, expect) in [("ada", &[][..], false), ("eve", &["--operator"][..], true)] {
        let email = format!("{name}@example.org");
        let output = bench.command(&[&["user", "add", &email], arguments].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let user = store::users::add_local(&mut db, &email, None).await.unwrap();
        let update = store::access::Action::Update;
        let may = store::access::is_entitled(&mut db, user.id, store::access::QUEUE, update).await.unwrap();
        assert_eq!(may, expect, "{name}");
    }
    let granted = "SELECT details->>'role' FROM audit_log WHERE event_type = 'role.granted'";
    let granted: Vec<String> = sqlx::query_scalar(granted).fetch_all(pool).await.unwrap();
    assert_eq!(granted, ["operator"]);
    let role = "DELETE FROM user_roles; DELETE FROM role_entitlements WHERE role_id::text LIKE '%0004';
                DELETE FROM roles WHERE id::text LIKE '%0004'";
    sqlx::raw_sql(role).execute(pool).await.unwrap();
    let output = bench.command(&["user", "add", "mia@example.org", "--operator"]).output().unwrap();
    assert!(Said::of(output).expect(1).err.contains("the database has no role 0a515000"));
    let mia: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE email = 'mia@example.org')")
        .fetch_one(pool)
        .await
        .unwrap();
    assert!(!mia, "all of it or nothing");
    let empty = TestDatabase::empty().await;
    let said = Said::of(command_on(empty.url(), bench.folder.path()).output().unwrap()).expect(1);
    assert!(said.err.contains("run `arsis migrate`"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_went_away_is_no_error() {
    let bench = Bench::new().await;
    bench.waiting().await;
    for arguments in [&["queue", "list"][..], &["queue", "status", "--json"][..]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = bench.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let said = Said {
            status: output.status.code().unwrap(),
            out: String::new(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert_eq!(said.expect(0).err, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_nobody_sees_is_told_with_the_way_to_another() {
    let bench = Bench::new().await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = bench.command(&["user", "add", "ada@example.org"]);
    let unseen = Said::of(command.stdout(writer).stderr(Stdio::piped()).output().unwrap()).expect(1);
    let says =
        "arsis: the token that was made could not be shown; for a new one: arsis user add EMAIL: Broken pipe";
    assert!(unseen.err.starts_with(says), "{}", unseen.err);
    let seen = Said::of(bench.command(&["user", "add", "ada@example.org"]).output().unwrap()).expect(0);
    assert_eq!((seen.out.lines().count(), seen.err.contains("could not")), (1, false), "{}", seen.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_on_many_that_fails_halfway_is_noted_with_what_was_asked_and_by_whom() {
    let bench = Bench::new().await;
    let first = bench.failed("corrupt_audio").await;
    bench.failed("corrupt_audio").await;
    let refusal = format!("ALTER TABLE track_analyses ADD CHECK (id <> '{first}' OR status <> 'pending')");
    sqlx::raw_sql(sqlx::AssertSqlSafe(refusal)).execute(bench.database.pool()).await.unwrap();
    let said = bench.queue(&["retry", "--kind", "corrupt_audio", "--last-hours", "5"]).await.expect(1);
    assert!(said.err.contains("failed to retry all of them"), "{}", said.err);
    let noted = "SELECT details FROM audit_log WHERE event_type = 'queue.retried'";
    let noted: Value = sqlx::query_scalar(noted).fetch_one(bench.database.pool()).await.unwrap();
    assert_eq!(
        (&noted["count"], &noted["complete"], &noted["kind"], &noted["last_hours"]),
        (&json!(1), &json!(false), &json!("corrupt_audio"), &json!(5))
    );
    assert!(noted["by"].as_str().unwrap().contains('@'), "{noted}");
    bench.queue(&["list", "--last-hours", "87601"]).await.expect(2);
    bench.queue(&["prune", "--history-days", "3651"]).await.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_database_is_made_to_look_at_its_queue() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command_on("", folder.path());
    let said = Said::of(command.output().unwrap()).expect(1);
    let expect = format!(
        "arsis: set DATABASE_URL; there is no private database in {}\n",
        folder.path().join("postgres").display()
    );
    assert_eq!(said.err, expect);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Another's database is not Arsis' own: who steers its queue is for those to say who look after it.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_on_a_database_of_others_makes_nobody_an_operator() {
    let bench = Bench::new().await;
    let mut command = bench.command(&["serve", "--listen", "127.0.0.1:0", "--jobs", "1"]);
    let mut serve = Worker(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let lines = BufReader::new(serve.0.stdout.take().unwrap()).lines();
    let last = lines.map(Result::unwrap).find(|line| line.contains("--operator"));
    assert_eq!(
        last.as_deref(),
        Some("For one that may see and steer the queue: arsis user add EMAIL --operator")
    );
    let roles: i64 =
        sqlx::query_scalar("SELECT count(*) FROM user_roles").fetch_one(bench.database.pool()).await.unwrap();
    assert_eq!(roles, 0);
}

fn command_on(url: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arsis"));
    command.args(["queue", "status"]).env_clear().env("DATABASE_URL", url).env("ARSIS_DATA_DIR", folder);
    command
}
