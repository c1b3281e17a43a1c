//! What operators see and do; what owners see of their own; and that nobody else sees any of it.

use crate::support::{Person, Server, eventually, expect_problem, id, pointers, wav};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;
use store::access;
use store::queue::{self, Failure, Lease, Progress, Renewal};
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(60);

const DAMAGED: Failure<'_> = Failure {
    kind: "corrupt_audio",
    message: "The file is damaged.",
    cause: "frame 7: no sync word",
    permanent: true,
};

/// A person who may steer the queue, and nothing else beyond their own: no role of theirs is about tracks.
async fn operator(server: &Server, name: &str) -> Person {
    let person = server.person(name).await;
    server
        .execute(
            "INSERT INTO roles (name) VALUES ('operator') ON CONFLICT DO NOTHING;
             INSERT INTO role_entitlements (role_id, entitlement_id)
                 SELECT r.id, e.id FROM roles r, entitlements e
                  WHERE r.name = 'operator' AND e.resource = 'analysis_queue' ON CONFLICT DO NOTHING;",
        )
        .await;
    sqlx::query("INSERT INTO user_roles (user_id, role_id) SELECT $1, id FROM roles WHERE name = 'operator'")
        .bind(person.id)
        .execute(server.pool())
        .await
        .unwrap();
    person
}

async fn post(server: &Server, person: &Person, path: &str) -> Response {
    server.request(person, Method::POST, path).send().await.unwrap()
}

/// An uploaded track's analysis.
async fn uploaded(server: &Server, person: &Person, bytes: usize) -> Uuid {
    id(&server.upload(person, "secret song", wav(bytes)).await["analysis"]["id"])
}

async fn claim(server: &Server) -> Lease {
    queue::claim(server.pool(), "tester-1", LEASE).await.unwrap().unwrap().lease
}

/// An analysis of theirs that failed.
async fn failed(server: &Server, person: &Person, bytes: usize) -> Uuid {
    let analysis = uploaded(server, person, bytes).await;
    let lease = claim(server).await;
    assert_eq!(lease.analysis_id, analysis);
    queue::fail(server.pool(), &lease, &DAMAGED).await.unwrap();
    analysis
}

/// Who did what to what, in the order it was done.
async fn trail(server: &Server) -> Vec<(String, Option<Uuid>)> {
    sqlx::query_as("SELECT event_type, user_id FROM audit_log ORDER BY created_at, event_type")
        .fetch_all(server.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_queue_is_for_operators_alone() {
    let config = api::Config { entitlements_age: std::time::Duration::ZERO, ..api::Config::default() };
    let server = Server::with(config).await;
    let (ada, eve) = (server.person("ada").await, operator(&server, "eve").await);
    for path in ["/v1/queue", "/v1/queue/analyses"] {
        expect_problem(server.get(&ada, path).await, 403, "forbidden").await;
        server.json(&eve, path).await;
    }
    for path in ["/v1/queue/pause", "/v1/queue/resume"] {
        expect_problem(post(&server, &ada, path).await, 403, "forbidden").await;
    }
    assert_eq!(server.count("SELECT count(*) FROM analysis_queue WHERE paused_at IS NULL").await, 1);
    // Those who may only look may not steer.
    server.execute("DELETE FROM role_entitlements WHERE entitlement_id = (SELECT id FROM entitlements WHERE name = 'update_queue')").await;
    server.json(&eve, "/v1/queue").await;
    expect_problem(post(&server, &eve, "/v1/queue/pause").await, 403, "forbidden").await;
    assert!(trail(&server).await.is_empty(), "nothing was done");
}

#[tokio::test]
async fn the_queue_is_told_in_numbers() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, operator(&server, "eve").await);
    failed(&server, &ada, 500).await;
    let running = uploaded(&server, &ada, 501).await;
    claim(&server).await;
    uploaded(&server, &ada, 502).await;
    let queue = server.json(&eve, "/v1/queue").await;
    assert_eq!(queue["depth"], json!({"in_line": 1, "scheduled": 0, "waiting": 0, "running": 1}));
    assert_eq!(queue["by_priority"]["normal"], queue["depth"]);
    assert!(queue["oldest_due_ms"].is_u64() && queue["paused"].is_null(), "{queue}");
    assert_eq!(queue["workers"], json!([{"name": "tester-1", "silent_ms": null, "running": 1}]));
    assert_eq!(
        (&queue["failures"][0]["kind"], &queue["failures"][0]["count"]),
        (&json!(DAMAGED.kind), &json!(1))
    );

    let listed = server.json(&eve, "/v1/queue/analyses?status=running").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let job = &listed["items"][0];
    assert_eq!(
        (&job["id"], &job["owner_id"], &job["worker"]),
        (&json!(running), &json!(ada.id), &json!("tester-1"))
    );
    let failures = server.json(&eve, "/v1/queue/analyses?error_kind=corrupt_audio").await;
    assert_eq!(failures["items"][0]["cause"], DAMAGED.cause);
    let everything = server.json(&eve, &format!("/v1/queue/analyses?owner_id={}", ada.id)).await;
    assert!(!everything.to_string().contains("secret song"), "names are for those who may see the track");
}

#[tokio::test]
async fn the_list_of_jobs_comes_in_pages_and_checks_its_filters() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, operator(&server, "eve").await);
    let mut uploads = Vec::new();
    for bytes in 500..505 {
        uploads.insert(0, json!(uploaded(&server, &ada, bytes).await));
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/queue/analyses?limit=2".to_owned());
    loop {
        let page = server.json(&eve, &path).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|job| job["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/queue/analyses?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, uploads, "newest first, each once");
    for (query, pointer) in [("status=lost", "status"), ("limit=0", "limit"), ("cursor=x", "cursor")] {
        let answer = server.get(&eve, &format!("/v1/queue/analyses?{query}")).await;
        assert_eq!(pointers(&expect_problem(answer, 422, "validation-failed").await), [pointer]);
    }
    expect_problem(server.get(&eve, "/v1/queue/analyses?track_id=7").await, 422, "validation-failed").await;
    // To look at the line leaves no line, to pick one person out of it does.
    assert_eq!(trail(&server).await, []);
    let track = server.json(&eve, "/v1/queue/analyses").await["items"][0]["track_id"].clone();
    for query in
        [format!("owner_id={}", ada.id), format!("track_id={}", id(&track)), format!("owner_id={}", eve.id)]
    {
        server.json(&eve, &format!("/v1/queue/analyses?status=pending&{query}")).await;
    }
    let looked = ("queue.cross_user_access".to_owned(), Some(eve.id));
    assert_eq!(trail(&server).await, [looked.clone(), looked]);
    let named = "SELECT count(*) FROM audit_log WHERE details ->> 'user_id' <> user_id::text";
    assert_eq!(server.count(named).await, 2, "whose it is");
}

#[tokio::test]
async fn a_pause_says_whose_it_is_and_leaves_a_trail() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, operator(&server, "eve").await);
    uploaded(&server, &ada, 500).await;
    let paused: Value = post(&server, &eve, "/v1/queue/pause").await.json().await.unwrap();
    assert_eq!(paused["paused"]["by"], "eve@example.org");
    assert!(queue::claim(server.pool(), "tester-1", LEASE).await.unwrap().is_none());
    let resumed: Value = post(&server, &eve, "/v1/queue/resume").await.json().await.unwrap();
    assert_eq!(resumed["paused"], Value::Null);
    claim(&server).await;
    let eve = Some(eve.id);
    assert_eq!(trail(&server).await, [("queue.paused".into(), eve), ("queue.resumed".into(), eve)]);
}

#[tokio::test]
async fn what_failed_is_tried_again_once() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let analysis = failed(&server, &ada, 500).await;
    let path = format!("/v1/analyses/{analysis}/retry");
    let ask = || server.request(&ada, Method::POST, &path).header("idempotency-key", "again");
    let answer = ask().send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.headers()["location"], format!("/v1/analyses/{analysis}"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        (&body["status"], &body["error_kind"], &body["attempt"]),
        (&json!("pending"), &Value::Null, &json!(0))
    );
    let problem = expect_problem(post(&server, &ada, &path).await, 409, "analysis-not-failed").await;
    assert_eq!(problem["detail"], "its status is pending");
    let again = ask().send().await.unwrap();
    assert_eq!(
        (again.status().as_u16(), again.headers()["idempotency-replayed"].as_bytes()),
        (202, &b"true"[..])
    );
    assert_eq!(claim(&server).await.analysis_id, analysis);
    expect_problem(post(&server, &ada, &path).await, 409, "analysis-not-failed").await;
}

#[tokio::test]
async fn an_operator_stops_and_retries_what_is_not_theirs_and_sees_no_more_of_it() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, operator(&server, "eve").await);
    let analysis = uploaded(&server, &ada, 500).await;
    let path = format!("/v1/analyses/{analysis}");
    assert_eq!(post(&server, &eve, &format!("{path}/cancel")).await.status(), 202);
    assert_eq!(post(&server, &eve, &format!("{path}/retry")).await.status(), 202);
    let events: Vec<String> = trail(&server).await.into_iter().map(|(event, _)| event).collect();
    for event in ["analysis.cancelled", "analysis.retried", "track.cross_user_access"] {
        assert!(events.iter().any(|left| left == event), "{event}: {events:?}");
    }
    expect_problem(server.get(&eve, &path).await, 404, "not-found").await;
    expect_problem(server.get(&eve, &format!("{path}/manifest")).await, 404, "not-found").await;
    let track = server.json(&ada, &path).await["track_id"].clone();
    expect_problem(server.get(&eve, &format!("/v1/tracks/{}", id(&track))).await, 404, "not-found").await;
}

#[tokio::test]
async fn attempts_are_told_to_owners_without_workers_and_causes() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, operator(&server, "eve").await);
    let analysis = failed(&server, &ada, 500).await;
    let path = format!("/v1/analyses/{analysis}/attempts");
    let own = server.json(&ada, &path).await;
    let attempt = &own["items"][0];
    assert_eq!((&attempt["attempt"], &attempt["outcome"]), (&json!(1), &json!("failed")));
    assert_eq!(attempt["error_message"], DAMAGED.message);
    assert!(attempt["ended_at"].is_string(), "{attempt}");
    for hidden in ["tester-1", DAMAGED.cause, "worker", "cause"] {
        assert!(!own.to_string().contains(hidden), "{hidden}: {own}");
    }
    let seen = server.json(&eve, &path).await;
    assert_eq!(
        (&seen["items"][0]["worker"], &seen["items"][0]["cause"]),
        (&json!("tester-1"), &json!(DAMAGED.cause))
    );
    let mallory = server.person("mallory").await;
    expect_problem(server.get(&mallory, &path).await, 404, "not-found").await;
}

#[tokio::test]
async fn a_running_analysis_says_how_far_it_is_and_when_it_will_be_done() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let analysis = uploaded(&server, &ada, 500).await;
    let path = format!("/v1/analyses/{analysis}");
    let pending = server.json(&ada, &path).await;
    assert!(pending["run_at"].is_string() && pending["estimated_completion_at"].is_null(), "{pending}");
    assert_eq!(
        pending["progress"],
        json!({"done_ms": null, "total_ms": null, "fraction": null, "remaining_ms": null})
    );

    let lease = claim(&server).await;
    server.execute("UPDATE track_analyses SET started_at = now() - interval '10 seconds'").await;
    let progress = Progress { done_ms: 15_000, total_ms: Some(60_000) };
    let renewed = queue::renew(server.pool(), &lease, progress, LEASE).await.unwrap();
    assert_eq!(renewed, Renewal::Renewed { cancel_requested: false });
    let running = server.json(&ada, &path).await;
    assert_eq!((&running["progress"]["fraction"], &running["run_at"]), (&json!(0.25), &Value::Null));
    let remaining_ms = running["progress"]["remaining_ms"].as_u64().unwrap();
    assert!((30_000..60_000).contains(&remaining_ms), "three times what it took: {remaining_ms}");
    let expected: bool = sqlx::query_scalar(
        "SELECT abs(extract(epoch FROM $1::timestamptz - updated_at) * 1000 - $2::bigint) < 2 FROM track_analyses",
    )
    .bind(time_of(&running["estimated_completion_at"]))
    .bind(i64::try_from(remaining_ms).unwrap())
    .fetch_one(server.pool())
    .await
    .unwrap();
    assert!(expected, "{running}");
}

fn time_of(value: &Value) -> time::OffsetDateTime {
    let format = &time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(value.as_str().unwrap(), format).unwrap()
}

#[tokio::test]
async fn priority_and_time_are_bounded_and_coming_first_is_for_operators() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, operator(&server, "eve").await);
    let ask = async |person: &Person, track: Uuid, body: Value| {
        let path = format!("/v1/tracks/{track}/analyses");
        server.request(person, Method::POST, &path).json(&body).send().await.unwrap()
    };
    let (own, theirs) = (server.track(&ada).await, server.track(&eve).await);
    let year = time::OffsetDateTime::now_utc() + time::Duration::days(400);
    let far = year.format(&time::format_description::well_known::Rfc3339).unwrap();
    for (body, pointer) in [
        (json!({"analysis_type": "tonal", "priority": 1}), "#/priority"),
        (json!({"analysis_type": "tonal", "priority": -101}), "#/priority"),
        (json!({"analysis_type": "tonal", "priority": 101}), "#/priority"),
        (json!({"analysis_type": "tonal", "run_at": far}), "#/run_at"),
        (json!({"analysis_type": "tonal", "run_at": "tomorrow"}), "#/run_at"),
    ] {
        let problem = expect_problem(ask(&ada, own, body).await, 422, "validation-failed").await;
        assert_eq!(pointers(&problem), [pointer]);
    }
    let low: Value =
        ask(&ada, own, json!({"analysis_type": "tonal", "priority": -5})).await.json().await.unwrap();
    assert_eq!(low["priority"], -5);
    let high: Value =
        ask(&eve, theirs, json!({"analysis_type": "tonal", "priority": 100})).await.json().await.unwrap();
    assert_eq!(high["priority"], 100);
    let later = time::OffsetDateTime::now_utc() + time::Duration::HOUR;
    let later = later.format(&time::format_description::well_known::Rfc3339).unwrap();
    let scheduled: Value =
        ask(&ada, own, json!({"analysis_type": "rhythm", "run_at": later})).await.json().await.unwrap();
    assert!((time_of(&scheduled["run_at"]) - time_of(&json!(later))).abs() < time::Duration::MILLISECOND);
    let past = json!({"analysis_type": "spectral", "run_at": "0000-01-01T00:00:00Z"});
    let past: Value = ask(&ada, own, past).await.json().await.unwrap();
    assert!(time_of(&past["run_at"]) > time::OffsetDateTime::UNIX_EPOCH, "at once: {past}");

    // The same one again, with the others: there is no second.
    let again: Value = ask(&ada, own, json!({"analysis_type": "tonal"})).await.json().await.unwrap();
    assert_eq!((&again["id"], &again["priority"]), (&low["id"], &json!(0)), "hurried on");
}

#[tokio::test]
async fn a_batch_analyses_every_track_that_needs_it_and_says_how_far_it_is() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    for bytes in 500..503 {
        uploaded(&server, &ada, bytes).await;
    }
    uploaded(&server, &eve, 503).await;
    let ask = |body: Value| server.request(&ada, Method::POST, "/v1/batches").json(&body);
    let answer =
        ask(json!({"analysis_type": "tonal"})).header("idempotency-key", "all").send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let batch: Value = answer.json().await.unwrap();
    assert_eq!(batch["counts"], json!({"pending": 3, "running": 0, "completed": 0, "error": 0, "total": 3}));
    assert_eq!(
        (&batch["user_id"], &batch["progress"], &batch["skipped"]),
        (&json!(ada.id), &json!(0.0), &json!(0))
    );
    let again = ask(json!({"analysis_type": "tonal"})).header("idempotency-key", "all").send().await.unwrap();
    assert_eq!(again.json::<Value>().await.unwrap(), batch);
    let full: Value = ask(json!({})).send().await.unwrap().json().await.unwrap();
    assert_eq!((&full["skipped"], &full["progress"]), (&json!(3), &json!(1.0)), "each has one to come");
    assert_eq!(server.json(&ada, &location).await, batch);
    assert_eq!(server.json(&ada, "/v1/batches?limit=1").await["items"], json!([full]));
    assert_eq!(server.json(&eve, "/v1/batches").await["items"], json!([]));

    let cancelled = post(&server, &ada, &format!("{location}/cancel")).await;
    assert_eq!(cancelled.status(), 202);
    let cancelled: Value = cancelled.json().await.unwrap();
    assert_eq!((&cancelled["counts"]["error"], &cancelled["progress"]), (&json!(3), &json!(1.0)));
    assert_eq!(server.count("SELECT count(*) FROM track_analyses WHERE status = 'pending'").await, 4);
}

#[tokio::test]
async fn batches_of_others_are_for_operators_and_cannot_be_told_from_none() {
    let server = Server::start().await;
    let (ada, eve, mallory) =
        (server.person("ada").await, operator(&server, "eve").await, server.person("mallory").await);
    uploaded(&server, &ada, 500).await;
    let body = json!({"analysis_type": "tonal", "user_id": ada.id});
    let ask = async |person: &Person, body: &Value| {
        server.request(person, Method::POST, "/v1/batches").json(body).send().await.unwrap()
    };
    expect_problem(ask(&mallory, &body).await, 403, "forbidden").await;
    let nobody = json!({"user_id": Uuid::new_v4()});
    expect_problem(ask(&mallory, &nobody).await, 403, "forbidden").await;
    expect_problem(ask(&eve, &nobody).await, 422, "validation-failed").await;
    expect_problem(ask(&mallory, &json!({"priority": 1})).await, 422, "validation-failed").await;
    let batch: Value = ask(&eve, &body).await.json().await.unwrap();
    assert_eq!((&batch["user_id"], &batch["counts"]["total"]), (&json!(ada.id), &json!(1)));

    let path = format!("/v1/batches/{}", id(&batch["id"]));
    let none = format!("/v1/batches/{}", Uuid::new_v4());
    for (method, end) in [(Method::GET, ""), (Method::POST, "/cancel")] {
        let mut problems = Vec::new();
        for path in [&path, &none] {
            let request = server.request(&mallory, method.clone(), &format!("{path}{end}"));
            problems.push(expect_problem(request.send().await.unwrap(), 404, "not-found").await);
        }
        assert_eq!(problems[0], problems[1]);
    }
    expect_problem(server.get(&mallory, &format!("/v1/batches?user_id={}", ada.id)).await, 403, "forbidden")
        .await;
    assert_eq!(server.json(&ada, &path).await, batch, "it is hers");
    assert_eq!(server.json(&eve, &format!("/v1/batches?user_id={}", ada.id)).await["items"], json!([batch]));
    assert_eq!(server.json(&eve, &path).await, batch);
    assert_eq!(post(&server, &eve, &format!("{path}/cancel")).await.status(), 202);
    let nobodys = server.get(&eve, &format!("/v1/batches?user_id={}", Uuid::new_v4())).await;
    assert_eq!(pointers(&expect_problem(nobodys, 422, "validation-failed").await), ["user_id"]);
    let (looked, eve) = ("batch.cross_user_access", Some(eve.id));
    let expected = ["batch.created", looked, looked, "batch.cancelled"];
    assert_eq!(trail(&server).await, expected.map(|event| (event.into(), eve)));
}

#[tokio::test]
async fn the_board_is_one_page_that_asks_this_server_alone_and_knows_nothing_itself() {
    let server = Server::start().await;
    let ada = server.person("ada").await;
    uploaded(&server, &ada, 500).await;
    let response = server.anonymous(Method::GET, "/queue").send().await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("connect-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let page = response.text().await.unwrap();
    for outside in ["http:", "https:", "src=", "href=", "url(", "import ", "innerHTML", "@import", "eval("] {
        let found = page.replace("http://www.w3.org/2000/svg", "").contains(outside);
        assert!(!found, "{outside}");
    }
    // What it shows comes from routes that ask for the right.
    let asked: Vec<&str> =
        page.split("\"/v1/").skip(1).map(|rest| rest.split(['"', '?']).next().unwrap()).collect();
    assert!(asked.contains(&"queue") && asked.contains(&"queue/analyses"), "{asked:?}");
    for path in asked.into_iter().filter(|path| path.starts_with("queue")) {
        let acts = ["queue/pause", "queue/resume"].contains(&path);
        let method = if acts { Method::POST } else { Method::GET };
        let refused = server.request(&ada, method, &format!("/v1/{path}")).send().await.unwrap();
        expect_problem(refused, 403, "forbidden").await;
    }
}

#[tokio::test]
async fn the_operators_role_sees_and_steers_the_queue_and_nothing_else() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    let track = server.track(&eve).await;
    let mut db = server.pool().acquire().await.unwrap();
    let role = access::grant(&mut db, ada.id, access::OPERATOR).await.unwrap();
    assert_eq!(role.as_deref(), Some("operator"));
    server.json(&ada, "/v1/queue").await;
    assert_eq!(post(&server, &ada, "/v1/queue/resume").await.status(), 200);
    expect_problem(server.get(&ada, &format!("/v1/tracks/{track}")).await, 404, "not-found").await;
    assert_eq!(access::grant(&mut db, ada.id, Uuid::nil()).await.unwrap(), None);
}

#[tokio::test]
async fn a_retry_with_the_same_key_pauses_resumes_and_cancels_nothing_twice() {
    let server = Server::start().await;
    let eve = operator(&server, "eve").await;
    uploaded(&server, &eve, 500).await;
    let batch = server.request(&eve, Method::POST, "/v1/batches").json(&json!({"analysis_type": "tonal"}));
    let batch: Value = batch.send().await.unwrap().json().await.unwrap();
    let cancel = format!("/v1/batches/{}/cancel", id(&batch["id"]));
    for (key, path) in [("p", "/v1/queue/pause"), ("r", "/v1/queue/resume"), ("c", cancel.as_str())] {
        let ask = || server.request(&eve, Method::POST, path).header("idempotency-key", key);
        let first = ask().send().await.unwrap();
        let status = first.status();
        assert!(status.is_success(), "{path}: {status}");
        let first: Value = first.json().await.unwrap();
        let left = trail(&server).await.len();
        let again = ask().send().await.unwrap();
        assert_eq!(
            (again.status(), again.headers()["idempotency-replayed"].as_bytes()),
            (status, &b"true"[..])
        );
        assert_eq!(again.json::<Value>().await.unwrap(), first, "{path}");
        assert_eq!(trail(&server).await.len(), left, "{path}: nothing was done");
    }
    let other = server.request(&eve, Method::POST, "/v1/queue/resume").header("idempotency-key", "p");
    expect_problem(other.send().await.unwrap(), 422, "idempotency-key-reused").await;
}

#[tokio::test]
async fn a_request_that_is_over_leaves_no_statement_behind() {
    let config = api::Config { request_timeout: Duration::from_millis(500), ..api::Config::default() };
    let server = Server::with(config).await;
    let eve = operator(&server, "eve").await;
    let mut held = server.pool().begin().await.unwrap();
    sqlx::query("SELECT 1 FROM analysis_queue FOR UPDATE").execute(&mut *held).await.unwrap();
    expect_problem(post(&server, &eve, "/v1/queue/pause").await, 504, "timeout").await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("no statement waits any more", || async { server.count(waiting).await == 0 }).await;
}

#[tokio::test]
async fn failures_are_told_apart_from_what_somebody_stopped() {
    let server = Server::start().await;
    let eve = operator(&server, "eve").await;
    let damaged = failed(&server, &eve, 500).await;
    let stopped = uploaded(&server, &eve, 501).await;
    post(&server, &eve, &format!("/v1/analyses/{stopped}/cancel")).await;
    let failures = server.json(&eve, "/v1/queue/analyses?failures=true").await;
    assert_eq!(failures["items"].as_array().unwrap().len(), 1);
    assert_eq!(failures["items"][0]["id"], json!(damaged));
    let kinds = server.json(&eve, "/v1/queue").await["failures"].clone();
    assert_eq!((kinds.as_array().unwrap().len(), &kinds[0]["kind"]), (1, &json!(DAMAGED.kind)));
}

#[tokio::test]
async fn operators_see_for_which_analysis_another_waits() {
    let server = Server::start().await;
    let (ada, eve) = (server.person("ada").await, operator(&server, "eve").await);
    uploaded(&server, &ada, 500).await;
    let twin = claim(&server).await;
    let later = uploaded(&server, &ada, 501).await;
    queue::wait_for(server.pool(), &claim(&server).await, twin.analysis_id).await.unwrap();
    let entry = server.json(&eve, "/v1/queue/analyses?status=pending").await["items"][0].clone();
    assert_eq!(
        (&entry["id"], &entry["run_at"], &entry["waits_for"]),
        (&json!(later), &Value::Null, &json!(twin.analysis_id))
    );
    let own = server.json(&ada, &format!("/v1/analyses/{later}")).await;
    assert_eq!((&own["status"], &own["run_at"]), (&json!("pending"), &Value::Null));
    assert!(own.get("waits_for").is_none(), "it may be somebody else's: {own}");
}
