//! Connections: HTTP/1.1 and HTTP/2 without TLS, so many at a time, and each with so much patience.
//!
//! Whoever opens connections and says nothing, or says it slowly, holds one of many for a bounded time.

use crate::config::Config;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt as _;

/// Most headers of a request; more is 431.
const MAX_HEADERS: usize = 100;

/// Most bytes of the request line and the headers together; more is 431. Cookies of a platform fit in.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Most requests at a time on one connection of HTTP/2: browsers take 100.
const MAX_STREAMS: u32 = 128;

/// How often the other end of an HTTP/2 connection is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_PATIENCE: Duration = Duration::from_secs(20);

/// Pause after a connection could not be accepted: the process has too many files open, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// How connections are served.
pub(crate) struct Gate {
    builder: Builder<TokioExecutor>,
    places: Arc<Semaphore>,
    header_timeout: Duration,
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
        Self { builder, places, header_timeout: config.header_timeout }
    }

    /// Accepts connections until `stopped`, and lets those that are open answer what they have been asked.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        router: Router,
        stopped: impl Future<Output = ()>,
    ) {
        let open = GracefulShutdown::new();
        let mut stopped = pin!(stopped);
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&listener) => accepted,
                () = &mut stopped => break,
            };
            match accepted {
                Ok((stream, peer, place)) => self.handle(stream, peer, place, &router, &open),
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
        open.shutdown().await;
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

    /// Serves a connection in a task of its own.
    fn handle(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
        router: &Router,
        open: &GracefulShutdown,
    ) {
        // An answer goes out when it is written: its last part waits for no acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
        let spoken = Arc::new(AtomicBool::new(false));
        let (router, heard) = (router.clone(), spoken.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            heard.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = open.watch(connection);
        let silent = silence(self.header_timeout, spoken);
        tokio::spawn(async move {
            tokio::select! {
                served = connection => if let Err(error) = served {
                    tracing::debug!(error = &*error, "a connection ended early");
                },
                () = silent => tracing::debug!("a connection asked for nothing"),
            }
            drop(place);
        });
    }
}

/// Ends when a connection has not brought a request in time. hyper's own timer begins once it knows the protocol.
async fn silence(patience: Duration, spoken: Arc<AtomicBool>) {
    tokio::time::sleep(patience).await;
    if spoken.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

/// Whether an error is about the connection that was to be accepted, which is gone, and not about accepting.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
