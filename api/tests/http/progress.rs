//! Progress as it is followed: by many, over one connection, through absences, and no longer than allowed.

use crate::support::{Person, Server, eventually, expect_problem, id, wav};
use api::Config;
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::{Method, Response};
use serde_json::Value;
use std::time::Duration;
use store::queue::{self, Failure, Lease, Progress};
use uuid::Uuid;

const FAILURE: Failure<'static> =
    Failure { kind: "corrupt", message: "The file is damaged.", cause: "test", permanent: true };

/// A stream of events as a browser reads it.
struct Events {
    bytes: BoxStream<'static, bytes::Bytes>,
    text: String,
}

/// An event: its id, and what it says.
type Event = (String, Value);

impl Events {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { bytes: response.bytes_stream().map(Result::unwrap).boxed(), text: String::new() }
    }

    /// The next event with data, or `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    line.map(str::to_owned)
                };
                let event = field("id").zip(field("data"));
                self.text = rest.to_owned();
                if let Some((id, data)) = event {
                    return Some((id, serde_json::from_str(&data).unwrap()));
                }
            }
            self.text.push_str(std::str::from_utf8(&self.bytes.next().await?).unwrap());
        }
    }

    /// The first event of which this is so.
    async fn until(&mut self, is_so: impl Fn(&Value) -> bool) -> Event {
        loop {
            let event = self.next().await.unwrap();
            if is_so(&event.1) {
                return event;
            }
        }
    }
}

async fn follow(server: &Server, person: &Person, analysis: Uuid, last: Option<&str>) -> Response {
    let request = server.request(person, Method::GET, &format!("/v1/analyses/{analysis}/progress"));
    last.into_iter()
        .fold(request, |request, last| request.header("last-event-id", last))
        .send()
        .await
        .unwrap()
}

/// A server with a running analysis.
async fn running_on(config: Config) -> (Server, Person, Lease) {
    let server = Server::with(config).await;
    let ada = server.person("ada").await;
    server.track(&ada).await;
    let claim = queue::claim(server.pool(), "test", Duration::from_secs(60)).await.unwrap().unwrap();
    (server, ada, claim.lease)
}

async fn running() -> (Server, Person, Lease) {
    running_on(Config::default()).await
}

async fn report(server: &Server, lease: &Lease, done_ms: u64) {
    let progress = Progress { done_ms, total_ms: Some(10_000) };
    let renewal = queue::renew(server.pool(), lease, progress, Duration::from_secs(60)).await.unwrap();
    assert_eq!(renewal, queue::Renewal::Renewed { cancel_requested: false });
}

async fn fail(server: &Server, lease: &Lease) {
    queue::fail(server.pool(), lease, &FAILURE).await.unwrap();
}

#[tokio::test]
async fn many_who_watch_hear_the_same_over_one_connection() {
    let (server, ada, lease) = running_on(Config { max_watchers_per_user: 200, ..Config::default() }).await;
    let mut all = Vec::new();
    for _ in 0..200 {
        all.push(Events::of(follow(&server, &ada, lease.analysis_id, None).await));
    }
    report(&server, &lease, 4_000).await;
    for events in &mut all {
        events.until(|said| said["progress"]["done_ms"] == 4_000).await;
    }
    let listening = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database()
           AND (query LIKE 'LISTEN%arsis_analysis_changed%' OR query LIKE 'SELECT 1 AS%')";
    assert_eq!(server.count(listening).await, 1);
    let connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
    assert!(server.count(connections).await <= 11, "those of the pool, and the one that listens");
    fail(&server, &lease).await;
    let mut told = Vec::new();
    for events in &mut all {
        told.push(events.until(|said| said["status"] == "error").await);
        assert_eq!(events.next().await, None, "the last one is the last");
    }
    assert!(told.iter().all(|event| event == &told[0]));
}

#[tokio::test]
async fn what_happens_while_nobody_can_listen_is_told_afterwards() {
    let (server, ada, lease) = running().await;
    let mut events = Events::of(follow(&server, &ada, lease.analysis_id, None).await);
    report(&server, &lease, 1_000).await;
    events.until(|said| said["progress"]["done_ms"] == 1_000).await;
    for done_ms in [2_000, 3_000] {
        server
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND query LIKE 'LISTEN%arsis_analysis_changed%'",
            )
            .await;
        report(&server, &lease, done_ms).await;
        events.until(|said| said["progress"]["done_ms"] == done_ms).await;
    }
}

#[tokio::test]
async fn who_comes_back_hears_what_they_missed_and_nothing_twice() {
    let (server, ada, lease) = running().await;
    let analysis = lease.analysis_id;
    report(&server, &lease, 1_000).await;
    let mut first = Events::of(follow(&server, &ada, analysis, None).await);
    let (known, _) = first.next().await.unwrap();
    drop(first);
    // Nothing has happened: the first they hear is what happens next.
    let mut again = Events::of(follow(&server, &ada, analysis, Some(&known)).await);
    report(&server, &lease, 2_000).await;
    let (next, said) = again.next().await.unwrap();
    assert_eq!(said["progress"]["done_ms"], 2_000);
    drop(again);
    report(&server, &lease, 3_000).await;
    report(&server, &lease, 4_000).await;
    let mut later = Events::of(follow(&server, &ada, analysis, Some(&next)).await);
    assert_eq!(later.next().await.unwrap().1["progress"]["done_ms"], 4_000, "the newest is enough");
    fail(&server, &lease).await;
    let (end, said) = later.next().await.unwrap();
    assert_eq!((&said["status"], later.next().await), (&"error".into(), None));
    assert_eq!(follow(&server, &ada, analysis, Some(&end)).await.status(), 204);
}

#[tokio::test]
async fn the_end_of_another_run_is_not_the_end_that_was_heard() {
    let (server, ada, lease) = running().await;
    let analysis = lease.analysis_id;
    fail(&server, &lease).await;
    let (end, _) = Events::of(follow(&server, &ada, analysis, None).await).next().await.unwrap();
    let retry = format!("/v1/analyses/{analysis}/retry");
    assert_eq!(server.request(&ada, Method::POST, &retry).send().await.unwrap().status(), 202);
    let mut events = Events::of(follow(&server, &ada, analysis, Some(&end)).await);
    assert_eq!(events.next().await.unwrap().1["status"], "pending");
    let claim = queue::claim(server.pool(), "test", Duration::from_secs(60)).await.unwrap().unwrap();
    fail(&server, &claim.lease).await;
    events.until(|said| said["status"] == "error").await;
    assert_eq!(follow(&server, &ada, analysis, Some(&end)).await.status(), 200);
}

#[tokio::test]
async fn a_stream_ends_with_the_track() {
    let (server, ada, lease) = running().await;
    let analysis = server.json(&ada, &format!("/v1/analyses/{}", lease.analysis_id)).await;
    let mut events = Events::of(follow(&server, &ada, lease.analysis_id, None).await);
    events.next().await.unwrap();
    let track = format!("/v1/tracks/{}", id(&analysis["track_id"]));
    assert_eq!(server.request(&ada, Method::DELETE, &track).send().await.unwrap().status(), 204);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_stream_ends_when_its_reader_may_read_no_more() {
    let config = Config { watchers_checked_every: Duration::from_millis(100), ..Config::default() };
    let (server, ada, lease) = running_on(config).await;
    let eve = server.person("eve").await;
    let grant = "INSERT INTO user_roles (user_id, role_id) SELECT u.id, r.id FROM users u, roles r
         WHERE u.email = 'eve@example.org' AND r.name = 'moderator'";
    server.execute(grant).await;
    for (person, end, back) in [
        (&eve, "DELETE FROM user_roles", "SELECT 1"),
        (
            &ada,
            "UPDATE sessions SET expires_at = now() - interval '1 second'",
            "UPDATE sessions SET expires_at = now() + interval '1 hour'",
        ),
        (&ada, "UPDATE users SET approved = false", "UPDATE users SET approved = true"),
    ] {
        let mut events = Events::of(follow(&server, person, lease.analysis_id, None).await);
        events.next().await.unwrap();
        server.execute(end).await;
        assert_eq!(events.next().await, None, "{end}");
        server.execute(back).await;
    }
}

#[tokio::test]
async fn one_who_watches_by_right_is_not_cut_off() {
    let config = Config { watchers_checked_every: Duration::from_millis(20), ..Config::default() };
    let (server, ada, lease) = running_on(config).await;
    let mut events = Events::of(follow(&server, &ada, lease.analysis_id, None).await);
    for done_ms in [1_000, 2_000, 3_000, 4_000] {
        report(&server, &lease, done_ms).await;
        events.until(|said| said["progress"]["done_ms"] == done_ms).await;
    }
}

#[tokio::test]
async fn a_user_has_so_many_streams_and_no_more() {
    let (server, ada, lease) = running_on(Config { max_watchers_per_user: 2, ..Config::default() }).await;
    let analysis = lease.analysis_id;
    let (one, two) =
        (follow(&server, &ada, analysis, None).await, follow(&server, &ada, analysis, None).await);
    let refused = follow(&server, &ada, analysis, None).await;
    assert!(refused.headers().contains_key("retry-after"));
    expect_problem(refused, 429, "too-many-streams").await;
    let bob = server.person("bob").await;
    let uploaded = server.upload(&bob, "song", wav(100)).await;
    let theirs = follow(&server, &bob, id(&uploaded["analysis"]["id"]), None).await;
    assert_eq!(theirs.status(), 200, "others have their own");
    drop(one);
    // The server sees a connection end when it next looks at it.
    eventually("a place is free", async || {
        report(&server, &lease, u64::from(rand())).await;
        follow(&server, &ada, analysis, None).await.status() == 200
    })
    .await;
    drop(two);
}

/// Something else each time.
fn rand() -> u32 {
    Uuid::new_v4().as_fields().0 % 10_000
}

#[tokio::test]
async fn another_users_analysis_cannot_be_watched() {
    let (server, _, lease) = running().await;
    let eve = server.person("eve").await;
    expect_problem(follow(&server, &eve, lease.analysis_id, None).await, 404, "not-found").await;
    expect_problem(follow(&server, &eve, Uuid::new_v4(), None).await, 404, "not-found").await;
}
