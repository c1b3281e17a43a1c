//! What arrives at receivers, how often, and what is told of it.

use super::receiver::Receiver;
use super::{path, post, private, subscribe};
use crate::support::{Person, Server, eventually, expect_problem, id};
use api::{App, Config};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use store::webhooks::sending::{self, Room};
use tokio::sync::{Notify, Semaphore, oneshot};

/// Ends every analysis that waits, as a worker's commit does.
const COMPLETE: &str = "UPDATE track_analyses SET status = 'completed', started_at = now(), completed_at = now(),
    summary = '{\"tempo_bpm\": 124.0, \"key\": {\"name\": \"A minor\"}, \"tempo_curve\": []}' WHERE status = 'pending'";

/// As if the time of the next attempt had come.
const COME: &str =
    "UPDATE webhook_deliveries SET next_attempt_at = now() WHERE status = 'pending' AND lease_token IS NULL";

/// A server and someone with a webhook that leads to `receiver`.
async fn subscribed(receiver: &Receiver) -> (Server, Person, Value) {
    let server = Server::with(private()).await;
    let ada = server.person("ada").await;
    let webhook = subscribe(&server, &ada, &receiver.url()).await;
    (server, ada, webhook)
}

async fn heard(receiver: &Receiver, count: usize) {
    eventually("the receiver hears of it", || async { receiver.heard().len() >= count }).await;
    assert_eq!(receiver.heard().len(), count);
}

/// The newest delivery of a webhook, once it has this status and so many attempts are behind it.
async fn until(server: &Server, person: &Person, webhook: &Value, status: &str, attempts: i64) -> Value {
    let path = format!("{}/deliveries?limit=1", path(webhook));
    let newest = async || server.json(person, &path).await["items"][0].clone();
    let settled = "SELECT count(*) FROM webhook_deliveries WHERE lease_token IS NOT NULL";
    eventually("the delivery is there", || async {
        let delivery = newest().await;
        delivery["status"] == status && delivery["attempts"] == attempts && server.count(settled).await == 0
    })
    .await;
    newest().await
}

#[tokio::test]
async fn the_end_of_an_analysis_is_told_once_and_signed() {
    let receiver = Receiver::start().await;
    let (server, ada, webhook) = subscribed(&receiver).await;
    let bob = server.person("bob").await;
    let deaf = json!({"url": receiver.url(), "events": ["analysis.failed"]});
    server.request(&ada, Method::POST, "/v1/webhooks").json(&deaf).send().await.unwrap();
    let inactive = json!({"url": receiver.url(), "events": ["analysis.completed"], "active": false});
    server.request(&ada, Method::POST, "/v1/webhooks").json(&inactive).send().await.unwrap();
    subscribe(&server, &bob, &receiver.url()).await;
    let track = server.track(&ada).await;
    server.execute(COMPLETE).await;
    let delivery = until(&server, &ada, &webhook, "delivered", 1).await;

    let heard = receiver.heard();
    assert_eq!(heard.len(), 1, "one webhook of hers wants it");
    let message = heard[0].json();
    assert_eq!(message["type"], "analysis.completed");
    assert_eq!(message["timestamp"], delivery["created_at"]);
    assert_eq!(id(&message["data"]["track_id"]), track);
    let analyses = server.json(&ada, &format!("/v1/tracks/{track}/analyses")).await;
    assert_eq!(message["data"]["analysis_id"], analyses["items"][0]["id"]);
    assert_eq!(message["data"]["status"], "completed");
    assert_eq!(message["data"]["tempo_bpm"], 124.0);
    assert_eq!(message["data"]["key"], "A minor");
    assert_eq!(message["data"]["error_kind"], json!(null));
    assert_eq!(heard[0].header("content-type"), "application/json");
    assert_eq!(heard[0].header("webhook-id"), delivery["event_id"].as_str().unwrap());
    let told: i64 = heard[0].header("webhook-timestamp").parse().unwrap();
    assert!((time::OffsetDateTime::now_utc().unix_timestamp() - told).abs() < 60);
    assert!(heard[0].is_signed_by(webhook["secret"].as_str().unwrap()));
    assert!(!heard[0].is_signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assert_eq!(delivery["response_status"], 204);
    assert_eq!((&delivery["error"], &delivery["next_attempt_at"]), (&json!(null), &json!(null)));
    assert_ne!(delivery["ended_at"], json!(null));
}

#[tokio::test]
async fn after_a_change_of_secrets_both_sign_for_a_day() {
    let receiver = Receiver::start().await;
    let (server, ada, webhook) = subscribed(&receiver).await;
    let rotated = post(&server, &ada, &format!("{}/rotate-secret", path(&webhook))).await;
    let rotated: Value = rotated.json().await.unwrap();
    assert_ne!(rotated["previous_secret_expires_at"], json!(null));
    let (old, new) = (webhook["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    let test = format!("{}/test", path(&webhook));
    assert_eq!(post(&server, &ada, &test).await.status(), 202);
    until(&server, &ada, &webhook, "delivered", 1).await;
    let first = receiver.heard()[0].clone();
    assert_eq!(first.json()["type"], "ping");
    assert_eq!(first.json()["data"], json!({"webhook_id": webhook["id"]}));
    assert!(first.is_signed_by(old) && first.is_signed_by(new));

    server.execute("UPDATE webhooks SET previous_secret_until = now()").await;
    assert_eq!(post(&server, &ada, &test).await.status(), 202);
    heard(&receiver, 2).await;
    let second = receiver.heard()[1].clone();
    assert!(!second.is_signed_by(old) && second.is_signed_by(new));
    assert_ne!(first.header("webhook-id"), second.header("webhook-id"));
}

#[tokio::test]
async fn a_failure_is_tried_again_later_with_the_same_id_and_may_be_asked_for_once_more() {
    let receiver = Receiver::answering(|number| match number {
        0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        1 => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "7200")]).into_response(),
        _ => StatusCode::OK.into_response(),
    })
    .await;
    let (server, ada, webhook) = subscribed(&receiver).await;
    server.track(&ada).await;
    server
        .execute(
            "UPDATE track_analyses SET status = 'error', error_kind = 'cancelled', error_message = 'Stop.'",
        )
        .await;
    let failed = until(&server, &ada, &webhook, "pending", 1).await;
    assert_eq!((&failed["error"], &failed["response_status"]), (&json!("status"), &json!(500)));
    assert_ne!(failed["next_attempt_at"], json!(null));
    assert_ne!(server.json(&ada, &path(&webhook)).await["failing_since"], json!(null));
    let wait =
        "SELECT round(extract(epoch FROM next_attempt_at - last_attempt_at))::bigint FROM webhook_deliveries";
    assert!((5..=7).contains(&server.count(wait).await), "{}", server.count(wait).await);

    server.execute(COME).await;
    let failed = until(&server, &ada, &webhook, "pending", 2).await;
    assert_eq!(failed["response_status"], 503);
    assert!((7200..=8641).contains(&server.count(wait).await), "as asked: {}", server.count(wait).await);

    server.execute(COME).await;
    let delivered = until(&server, &ada, &webhook, "delivered", 3).await;
    assert_eq!((&delivered["response_status"], &delivered["error"]), (&json!(200), &json!(null)));
    assert_eq!(server.json(&ada, &path(&webhook)).await["failing_since"], json!(null));

    let again = format!("{}/deliveries/{}", path(&webhook), id(&delivered["id"]));
    let answer = post(&server, &ada, &format!("{again}/redeliver")).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (202, &*again));
    let answer: Value = answer.json().await.unwrap();
    assert_eq!((&answer["status"], &answer["attempts"]), (&json!("pending"), &json!(0)));
    heard(&receiver, 4).await;
    let heard = receiver.heard();
    let ids: BTreeSet<_> = heard.iter().map(|heard| heard.header("webhook-id")).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert!(heard.iter().all(|each| each.body == heard[0].body));
    assert_eq!(heard[0].json()["type"], "analysis.failed");
    assert_eq!(heard[0].json()["data"]["error_kind"], "cancelled");
}

#[tokio::test]
async fn a_delivery_is_given_up_after_its_last_attempt() {
    let receiver = Receiver::answering(|_| StatusCode::NOT_FOUND.into_response()).await;
    let (server, ada, webhook) = subscribed(&receiver).await;
    server.execute("UPDATE webhooks SET failing_since = now() - interval '4 days'").await;
    post(&server, &ada, &format!("{}/test", path(&webhook))).await;
    until(&server, &ada, &webhook, "pending", 1).await;
    server.execute("UPDATE webhook_deliveries SET attempt = 7, next_attempt_at = now()").await;
    let given_up = until(&server, &ada, &webhook, "failed", 8).await;
    assert_eq!((&given_up["error"], &given_up["response_status"]), (&json!("status"), &json!(404)));
    assert_eq!(given_up["next_attempt_at"], json!(null));
    let seen = server.json(&ada, &path(&webhook)).await;
    assert_eq!(seen["active"], true, "four days of failures are borne");
}

#[tokio::test]
async fn a_receiver_that_is_gone_or_only_fails_is_left_alone_and_its_owner_told() {
    let receiver = Receiver::answering(|number| match number {
        0 => StatusCode::GONE.into_response(),
        1 => StatusCode::BAD_GATEWAY.into_response(),
        _ => StatusCode::OK.into_response(),
    })
    .await;
    let (server, ada, webhook) = subscribed(&receiver).await;
    let test = format!("{}/test", path(&webhook));
    let activate = async || {
        let request = server.request(&ada, Method::PATCH, &path(&webhook)).json(&json!({"active": true}));
        let seen: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!((&seen["active"], &seen["deactivated_reason"]), (&json!(true), &json!(null)));
        assert_eq!(seen["failing_since"], json!(null));
    };
    post(&server, &ada, &test).await;
    let delivery = until(&server, &ada, &webhook, "failed", 1).await;
    assert_eq!(delivery["response_status"], 410);
    let seen = async || server.json(&ada, &path(&webhook)).await;
    eventually("it is deactivated", || async { seen().await["active"] == false }).await;
    assert_eq!(seen().await["deactivated_reason"], "gone");
    assert_ne!(seen().await["deactivated_at"], json!(null));
    expect_problem(post(&server, &ada, &test).await, 409, "webhook-inactive").await;
    let again = format!("{}/deliveries/{}/redeliver", path(&webhook), id(&delivery["id"]));
    expect_problem(post(&server, &ada, &again).await, 409, "webhook-inactive").await;
    server.track(&ada).await;
    server.execute(COMPLETE).await;
    assert_eq!(server.count("SELECT count(*) FROM webhook_deliveries").await, 1, "it is told nothing");

    activate().await;
    server.execute("UPDATE webhooks SET failing_since = now() - interval '6 days'").await;
    post(&server, &ada, &test).await;
    eventually("it is deactivated", || async { seen().await["active"] == false }).await;
    assert_eq!(seen().await["deactivated_reason"], "failing");
    // What waits goes on waiting, and is sent when the webhook begins again.
    server.execute(COME).await;
    activate().await;
    until(&server, &ada, &webhook, "delivered", 2).await;
    heard(&receiver, 3).await;
}

#[tokio::test]
async fn a_slow_receiver_has_its_share_and_others_do_not_wait_for_it() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let slow = Receiver::on(
        "127.0.0.2:0",
        Box::new(move |_| {
            let gate = opened.clone();
            Box::pin(async move {
                drop(gate.acquire().await.unwrap());
                StatusCode::OK.into_response()
            })
        }),
    )
    .await;
    let fast = Receiver::start().await;
    let server = Server::with(private()).await;
    let (ada, bob, eve) =
        (server.person("ada").await, server.person("bob").await, server.person("eve").await);
    // Two people whose webhooks lead to the same slow host, with a backlog that is older than anything else.
    subscribe(&server, &ada, &slow.url()).await;
    subscribe(&server, &eve, &slow.url()).await;
    let also = subscribe(&server, &ada, &fast.url()).await;
    let bobs = subscribe(&server, &bob, &fast.url()).await;
    server
        .execute(
            "INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, data, next_attempt_at, created_at)
             SELECT id, gen_random_uuid(), 'ping', '{}', now() - interval '1 hour', now() - interval '1 hour'
               FROM webhooks, generate_series(1, 100) WHERE url LIKE 'http://127.0.0.2%'",
        )
        .await;
    eventually("the slow one has its share", || async { slow.heard().len() == 8 }).await;
    post(&server, &bob, &format!("{}/test", path(&bobs))).await;
    until_delivered(&server, &bob, &bobs).await;
    assert_eq!((slow.heard().len(), slow.most_under_way()), (8, 8), "no more to a host at a time");
    assert_eq!(fast.heard().len(), 1);

    gate.add_permits(1_000_000);
    post(&server, &ada, &format!("{}/test", path(&also))).await;
    eventually("the backlog is sent", || async { slow.heard().len() == 200 }).await;
    eventually("all of it arrived", || async {
        server.count("SELECT count(*) FROM webhook_deliveries WHERE status <> 'delivered'").await == 0
    })
    .await;
    assert!(slow.most_under_way() <= 8, "{}", slow.most_under_way());
    let ids: BTreeSet<_> = slow.heard().iter().map(|heard| heard.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 200, "each once");
}

/// As [`until`], while other deliveries are under way.
async fn until_delivered(server: &Server, person: &Person, webhook: &Value) {
    let path = format!("{}/deliveries?limit=1", path(webhook));
    eventually("it is delivered", || async {
        server.json(person, &path).await["items"][0]["status"] == "delivered"
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_end_is_left_unread() {
    let parts = Arc::new(AtomicUsize::new(0));
    let counted = parts.clone();
    let receiver = Receiver::answering(move |_| {
        let counted = counted.clone();
        let endless = futures::stream::repeat(bytes::Bytes::from_static(&[b'x'; 65_536])).map(move |part| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::convert::Infallible>(part)
        });
        Body::from_stream(endless).into_response()
    })
    .await;
    let (server, ada, webhook) = subscribed(&receiver).await;
    post(&server, &ada, &format!("{}/test", path(&webhook))).await;
    let delivery = until(&server, &ada, &webhook, "delivered", 1).await;
    assert_eq!(delivery["response_status"], 200);
    // What fits into the buffers between the two, and no more.
    let sent = parts.load(Ordering::Relaxed) << 16;
    assert!(sent < 64 << 20, "{sent} bytes");
}

#[tokio::test]
async fn private_addresses_are_refused_when_it_is_sent_whatever_is_stored() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = Server::start().await;
    let ada = server.person("ada").await;
    let webhook = subscribe(&server, &ada, "https://hooks.example.org/").await;
    // As an installation that allowed them once may hold them; and names of this machine.
    let port = listener.local_addr().unwrap().port();
    let stored = [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://ip6-localhost:{port}/"),
    ];
    for url in stored {
        sqlx::query("UPDATE webhooks SET url = $1").bind(&url).execute(server.pool()).await.unwrap();
        post(&server, &ada, &format!("{}/test", path(&webhook))).await;
        let delivery = until(&server, &ada, &webhook, "pending", 1).await;
        assert_eq!(delivery["error"], "unreachable", "{url}");
        assert_eq!(delivery["response_status"], json!(null));
        server.execute("DELETE FROM webhook_deliveries").await;
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody has connected");
}

#[tokio::test]
async fn two_servers_share_the_work_and_send_nothing_twice() {
    let receiver = Receiver::start().await;
    let server = Server::with(private()).await;
    for i in 0..10 {
        let person = server.person(&format!("person-{i}")).await;
        subscribe(&server, &person, &receiver.url()).await;
    }
    server
        .execute(
            "INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, data)
             SELECT id, gen_random_uuid(), 'ping', '{}' FROM webhooks, generate_series(1, 30)",
        )
        .await;
    let (stop, other) = another(&server, private()).await;
    eventually("all is delivered", || async {
        server.count("SELECT count(*) FROM webhook_deliveries WHERE status <> 'delivered'").await == 0
    })
    .await;
    let ids: Vec<_> = receiver.heard().iter().map(|heard| heard.header("webhook-id").to_owned()).collect();
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (300, 300));
    assert_eq!(server.count("SELECT count(*) FROM webhook_deliveries WHERE attempt <> 1").await, 0);
    stop.send(()).unwrap();
    other.await.unwrap().unwrap();
}

/// Another server on the same database.
async fn another(
    server: &Server,
    config: Config,
) -> (oneshot::Sender<()>, tokio::task::JoinHandle<std::io::Result<()>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = App::new(server.pool().clone(), server.objects.clone(), config);
    let (stop, stopped) = oneshot::channel::<()>();
    (stop, tokio::spawn(api::serve(listener, app, async { drop(stopped.await) })))
}

#[tokio::test]
async fn what_a_server_that_died_had_claimed_is_sent_by_another_and_its_late_word_counts_for_nothing() {
    let receiver = Receiver::start().await;
    let (mut server, ada, webhook) = subscribed(&receiver).await;
    server.end().await;
    server
        .execute(
            "INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, data)
             SELECT id, gen_random_uuid(), 'ping', '{}' FROM webhooks",
        )
        .await;
    let room = Room { free: 10, per_host: 10, per_owner: 10, ..Room::default() };
    let mut db = server.pool().acquire().await.unwrap();
    let claimed = sending::claim(&mut db, &room, Duration::from_secs(60)).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert!(
        sending::claim(&mut db, &room, Duration::from_secs(60)).await.unwrap().is_empty(),
        "it is claimed"
    );
    server.execute("UPDATE webhook_deliveries SET next_attempt_at = now()").await;
    let (stop, other) = another(&server, private()).await;
    heard(&receiver, 1).await;
    let delivered = "SELECT count(*) FROM webhook_deliveries WHERE status = 'delivered' AND attempt = 2";
    eventually("it is delivered", || async { server.count(delivered).await == 1 }).await;
    assert!(!sending::delivered(&mut db, &claimed[0], 200).await.unwrap());
    assert_eq!(receiver.heard()[0].header("webhook-id"), claimed[0].event_id.to_string());
    stop.send(()).unwrap();
    other.await.unwrap().unwrap();
    drop((ada, webhook));
}

#[tokio::test]
async fn a_server_that_is_asked_to_end_finishes_what_it_sends() {
    let (reached, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (reached.clone(), answer.clone());
    let receiver = Receiver::on(
        "127.0.0.1:0",
        Box::new(move |_| {
            let (tell, wait) = (tell.clone(), wait.clone());
            Box::pin(async move {
                tell.notify_one();
                wait.notified().await;
                StatusCode::OK.into_response()
            })
        }),
    )
    .await;
    let (mut server, ada, webhook) = subscribed(&receiver).await;
    post(&server, &ada, &format!("{}/test", path(&webhook))).await;
    reached.notified().await;
    let address = server.address;
    let ending = tokio::spawn(async move {
        server.end().await;
        server
    });
    eventually("it takes no more connections", || async {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    answer.notify_one();
    let server = ending.await.unwrap();
    assert_eq!(server.count("SELECT count(*) FROM webhook_deliveries WHERE status = 'delivered'").await, 1);
}

#[tokio::test]
async fn deliveries_are_listed_in_pages_and_by_status() {
    let receiver = Receiver::start().await;
    let (server, ada, webhook) = subscribed(&receiver).await;
    server.execute("UPDATE webhooks SET active = FALSE").await;
    server
        .execute(
            "INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, data, status, created_at)
             SELECT id, gen_random_uuid(), 'ping', jsonb_build_object('n', n),
                    CASE WHEN n % 2 = 0 THEN 'failed' ELSE 'delivered' END, now() - make_interval(secs => n / 2)
               FROM webhooks, generate_series(0, 9) AS n",
        )
        .await;
    let base = format!("{}/deliveries", path(&webhook));
    let mut seen = Vec::new();
    let mut page = server.json(&ada, &format!("{base}?limit=3")).await;
    loop {
        seen.extend(page["items"].as_array().unwrap().iter().map(|delivery| delivery["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        server
            .execute(
                "INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, data)
                 SELECT id, gen_random_uuid(), 'ping', '{}' FROM webhooks",
            )
            .await;
        page = server.json(&ada, &format!("{base}?limit=3&cursor={cursor}")).await;
    }
    assert_eq!(seen.len(), 10);
    assert_eq!(seen.iter().map(Value::to_string).collect::<BTreeSet<_>>().len(), 10);
    let failed = server.json(&ada, &format!("{base}?status=failed")).await;
    assert_eq!(failed["items"].as_array().unwrap().len(), 5);
    let one = &failed["items"][0];
    assert_eq!(&server.json(&ada, &format!("{base}/{}", id(&one["id"]))).await, one);
    for bad in ["status=odd", "limit=0", "limit=101", "cursor=x", "cursor=%00"] {
        let answer = server.get(&ada, &format!("{base}?{bad}")).await;
        expect_problem(answer, 422, "validation-failed").await;
    }
}
