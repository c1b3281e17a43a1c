//! A receiver of webhooks, which checks signatures by its own arithmetic.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether one of the signatures is by this secret.
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut signed =
            format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp")).into_bytes();
        signed.extend_from_slice(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed)));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}

/// HMAC as RFC 2104 writes it, for keys that fit in a block.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

/// What is answered to the request of a number, from 0.
type Answer = Box<dyn Fn(usize) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

struct Inner {
    answer: Answer,
    heard: Mutex<Vec<Heard>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

/// A server that takes what is sent to any path of it.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
}

impl Receiver {
    /// Answers 204.
    pub(crate) async fn start() -> Self {
        Self::answering(|_| StatusCode::NO_CONTENT.into_response()).await
    }

    /// Answers the request of a number.
    pub(crate) async fn answering(answer: impl Fn(usize) -> Response + Send + Sync + 'static) -> Self {
        let answer = move |number| -> Pin<Box<dyn Future<Output = Response> + Send>> {
            Box::pin(std::future::ready(answer(number)))
        };
        Self::on("127.0.0.1:0", Box::new(answer)).await
    }

    /// On an address of its own, which counts as a host of its own.
    pub(crate) async fn on(address: &str, answer: Answer) -> Self {
        let (under_way, most_under_way) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let inner = Arc::new(Inner { answer, heard: Mutex::default(), under_way, most_under_way });
        let app = axum::Router::new().fallback(hear).with_state(inner.clone());
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, inner }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What has arrived so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.inner.heard.lock().unwrap().clone()
    }

    /// Most requests at a time so far.
    pub(crate) fn most_under_way(&self) -> usize {
        self.inner.most_under_way.load(Ordering::SeqCst)
    }
}

async fn hear(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let number = {
        let mut heard = inner.heard.lock().unwrap();
        heard.push(Heard { headers, body });
        heard.len() - 1
    };
    let now = inner.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    inner.most_under_way.fetch_max(now, Ordering::SeqCst);
    let answer = (inner.answer)(number).await;
    inner.under_way.fetch_sub(1, Ordering::SeqCst);
    answer
}
