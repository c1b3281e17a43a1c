//! Connections: HTTP/1.1 and HTTP/2 without TLS, so many at a time, and each with so much patience.
//!
//! Whoever opens connections and says nothing, says it slowly or does not read the answers, holds one of many for a bounded
//! time; and no address holds more than its share of them.

use crate::activity::{Activity, Counted};
use crate::config::Config;
use crate::limits::network;
use crate::places::{Place, Places};
use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use ipnet::IpNet;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// Most headers of a request; more is 431. HTTP/2 counts none itself: there [`crate::router`] does.
pub(crate) const MAX_HEADERS: usize = 100;

/// Most bytes of the request line and the headers together; more is 431, and on HTTP/2 431 or the end of the connection.
/// Cookies of a platform fit in.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Most requests at a time on one connection of HTTP/2: browsers take 100.
const MAX_STREAMS: u32 = 128;

/// How often the other end of an HTTP/2 connection is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_PATIENCE: Duration = Duration::from_secs(20);

/// How long a connection that was at nothing may take to end.
const GOODBYE: Duration = Duration::from_secs(5);

/// Pause after a connection could not be accepted: the process has too many files open, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// How connections are served.
pub(crate) struct Gate {
    builder: Builder<TokioExecutor>,
    places: Arc<Semaphore>,
    of_each: Places<IpAddr>,
    most_of_each: usize,
    trusted: Vec<IpNet>,
    patience: Duration,
}

/// What a connection holds while it is open.
type Held = (OwnedSemaphorePermit, Option<Place<IpAddr>>);

/// What all connections have in common.
struct Open {
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl Gate {
    pub(crate) fn new(config: &Config) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEADER_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX))
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_PATIENCE);
        let places = Arc::new(Semaphore::new(config.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
        Self {
            builder,
            places,
            of_each: Places::default(),
            most_of_each: config.max_connections_per_address.max(1),
            trusted: config.trusted_proxies.clone(),
            patience: config.header_timeout,
        }
    }

    /// Accepts connections until `stopped`, and lets those that are open answer what they have been asked.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        router: Router,
        stopped: impl Future<Output = ()>,
    ) {
        let open = Open { closing: CancellationToken::new(), tasks: TaskTracker::new() };
        let mut stopped = pin!(stopped);
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&listener) => accepted,
                () = &mut stopped => break,
            };
            match accepted {
                Ok((stream, peer, place)) => match self.admit(peer.ip()) {
                    Ok(share) => self.handle(stream, peer, (place, share), &router, &open),
                    Err(address) => tracing::debug!(%address, "an address has its share of connections"),
                },
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "could not accept a connection; it is tried again");
                    tokio::select! {
                        () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                        () = &mut stopped => break,
                    }
                }
            }
        }
        drop(listener);
        open.closing.cancel();
        open.tasks.close();
        open.tasks.wait().await;
    }

    /// The next connection, once there is a place for it.
    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = self.places.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        Ok((stream, peer, place))
    }

    /// A place among those of an address, which is the error where there is none. Trusted proxies bring those of many.
    fn admit(&self, peer: IpAddr) -> Result<Option<Place<IpAddr>>, IpAddr> {
        let peer = peer.to_canonical();
        if self.trusted.iter().any(|net| net.contains(&peer)) {
            return Ok(None);
        }
        self.of_each.take(network(peer), self.most_of_each).map(Some).ok_or(peer)
    }

    /// Serves a connection in a task of its own.
    fn handle(&self, stream: TcpStream, peer: SocketAddr, held: Held, router: &Router, open: &Open) {
        // An answer goes out when it is written: its last part waits for no acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
        let activity = Activity::default();
        let (router, seen) = (router.clone(), activity.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let busy = seen.begin();
            request.extensions_mut().insert(ConnectInfo(peer));
            let answering = router.clone().oneshot(request);
            let seen = seen.clone();
            async move {
                let mut response = answering.await?;
                if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
                    // axum adds that of the body, which is 0; the whole has another (RFC 9110, section 8.6).
                    response.headers_mut().remove(header::CONTENT_LENGTH);
                }
                drop(busy);
                Ok::<_, Infallible>(seen.watch(response))
            }
        });
        let stream = TokioIo::new(Counted { stream, activity: activity.clone() });
        let connection = self.builder.serve_connection(stream, service).into_owned();
        let (closing, patience) = (open.closing.clone(), self.patience);
        open.tasks.spawn(async move {
            let mut connection = pin!(connection);
            let idle = tokio::select! {
                served = connection.as_mut() => return ended(served),
                () = closing.cancelled() => false,
                () = activity.idle(patience) => true,
            };
            // It may finish what it has been asked, and is told to ask for no more.
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                served = connection => ended(served),
                () = activity.idle(if idle { GOODBYE.min(patience) } else { patience }) => {
                    tracing::debug!("a connection was at nothing");
                }
            }
            drop(held);
        });
    }
}

fn ended(served: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = served {
        tracing::debug!(error = &*error, "a connection ended early");
    }
}

/// Whether an error is about the connection that was to be accepted, which is gone, and not about accepting.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
