//! Where attempts go, and where they do not whatever a name or a receiver says.

use super::*;
use reqwest::dns::{Addrs, Name, Resolving};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::webhooks::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use uuid::Uuid;

/// Gives another answer each time, the last one for ever.
#[derive(Clone)]
struct Scripted {
    answers: Arc<Vec<Vec<SocketAddr>>>,
    asked: Arc<AtomicUsize>,
}

impl Scripted {
    fn new(answers: &[&[&str]]) -> Self {
        let read = |answer: &&[&str]| {
            answer.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect::<Vec<_>>()
        };
        Self { answers: Arc::new(answers.iter().map(read).collect()), asked: Arc::default() }
    }
}

impl Resolve for Scripted {
    fn resolve(&self, _: Name) -> Resolving {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
        let answer = self.answers[turn].clone();
        Box::pin(async move { Ok(Box::new(answer.into_iter()) as Addrs) })
    }
}

fn claimed(url: &str) -> Claimed {
    Claimed {
        id: Uuid::from_u128(1),
        token: Uuid::from_u128(2),
        webhook_id: Uuid::from_u128(3),
        owner_id: Uuid::from_u128(4),
        url: url.into(),
        host: "hooks.example".into(),
        secret: Secret::generate().unwrap(),
        previous_secret: None,
        event_id: Uuid::from_u128(5),
        event_type: "ping".into(),
        data: serde_json::json!({}),
        occurred_at: OffsetDateTime::UNIX_EPOCH,
        attempt: 1,
    }
}

/// A receiver that counts connections, and answers each with `answer`.
async fn receiver(answer: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = connection.read(&mut request).await;
                let _ = connection.write_all(answer.as_bytes()).await;
            });
        }
    });
    (port, count)
}

const OK: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

/// A sender that looks at addresses as it does by default, but not at the port and the scheme.
fn public_only(resolver: Scripted) -> Sender {
    Sender::resolving(PublicOnly::new(resolver), true).unwrap()
}

#[tokio::test]
async fn a_name_is_looked_at_with_each_connection_and_leads_nowhere_private() {
    let (port, count) = receiver(OK).await;
    let url = format!("http://hooks.example:{port}/");
    // Without the filter the same name leads to the receiver: it is the filter that keeps attempts away.
    let open = Sender::resolving(Scripted::new(&[&["127.0.0.1"]]), true).unwrap();
    assert_eq!(open.send(&claimed(&url)).await, Outcome::Delivered(StatusCode::NO_CONTENT));
    assert_eq!(count.load(Ordering::Relaxed), 1);

    // First a public address that nothing answers at, then, as a rebinding name server does, a private one.
    let names =
        Scripted::new(&[&[], &["127.0.0.1"], &["::1", "10.0.0.1"], &["::ffff:127.0.0.1"], &["0.0.0.0"]]);
    let sender = public_only(names.clone());
    for _ in 0..5 {
        assert_eq!(sender.send(&claimed(&url)).await, Outcome::Failed(Reason::Unreachable));
    }
    assert_eq!(names.asked.load(Ordering::Relaxed), 5, "each attempt asks anew");
    assert_eq!(count.load(Ordering::Relaxed), 1, "nobody has connected");
}

#[tokio::test]
async fn of_several_addresses_only_the_public_ones_are_passed_on() {
    let names =
        Scripted::new(&[&["127.0.0.1", "93.184.216.34", "169.254.169.254", "2606:4700::1111", "fd00::1"]]);
    let found = PublicOnly::new(names).resolve("hooks.example".parse().unwrap()).await;
    let found: Vec<_> = found.unwrap_or_else(|error| panic!("{error}")).map(|address| address.ip()).collect();
    assert_eq!(
        found,
        ["93.184.216.34".parse::<std::net::IpAddr>().unwrap(), "2606:4700::1111".parse().unwrap()]
    );
}

#[tokio::test]
async fn an_address_in_the_url_is_looked_at_though_nothing_resolves_it() {
    let (port, count) = receiver(OK).await;
    let sender = Sender::new(false).unwrap();
    for url in
        [format!("http://127.0.0.1:{port}/"), format!("https://127.0.0.1:{port}/"), "https://[::1]/".into()]
    {
        assert_eq!(sender.send(&claimed(&url)).await, Outcome::Failed(Reason::Unreachable), "{url}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_redirect_is_a_refusal_and_is_not_followed() {
    let (inside, visits) = receiver(OK).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{inside}/\r\nconnection: close\r\n\r\n"
    );
    let (port, count) = receiver(answer.leak()).await;
    let sender = Sender::new(true).unwrap();
    let outcome = sender.send(&claimed(&format!("http://127.0.0.1:{port}/"))).await;
    assert_eq!(outcome, Outcome::Refused { status: StatusCode::TEMPORARY_REDIRECT, retry_after: None });
    assert_eq!((count.load(Ordering::Relaxed), visits.load(Ordering::Relaxed)), (1, 0));
}

#[tokio::test]
async fn what_is_told_of_a_failure_is_coarse() {
    let sender = Sender::new(true).unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (mute, _) = receiver("").await;
    let (garbled, _) = receiver("SSH-2.0-OpenSSH_9.9\r\n").await;
    let (no_tls, _) = receiver(OK).await;
    let cases = [
        (format!("http://{closed}/"), Reason::Unreachable),
        (format!("https://127.0.0.1:{no_tls}/"), Reason::Unreachable),
        (format!("http://127.0.0.1:{mute}/"), Reason::BrokenOff),
        (format!("http://127.0.0.1:{garbled}/"), Reason::BrokenOff),
    ];
    for (url, reason) in cases {
        assert_eq!(sender.send(&claimed(&url)).await, Outcome::Failed(reason), "{url}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date_and_bounded() {
    let now = OffsetDateTime::from_unix_timestamp(784_111_777).unwrap(); // 1994-11-06 08:49:37 UTC
    let read = |text| read_retry_after(text, now).map(|wait| wait.as_secs());
    assert_eq!(read("120"), Some(120));
    assert_eq!(read(" 0 "), Some(0));
    assert_eq!(read("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
    assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
    for long in ["86401", "99999999999999999999999", "Mon, 06 Nov 2034 08:49:37 GMT"] {
        assert_eq!(read(long), Some(86_400), "{long}");
    }
    for none in ["", "soon", "-1", "1.5", "+3"] {
        assert_eq!(read(none), None, "{none}");
    }
}
