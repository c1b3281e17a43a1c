//! The server: takes connections until it is told to stop, then lets them end.

use crate::router::router;
use crate::state::App;
use crate::sweep;
use crate::webhooks;
use axum::serve::ListenerExt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long the sweeper may take to end.
const SWEEPER_GRACE: Duration = Duration::from_secs(1);

/// Serves the API on `listener` until `shutdown` completes; then answers what is under way, ends endless
/// answers, breaks off uploads after half of the time to drain, and returns after [`Config::drain_timeout`](crate::Config::drain_timeout) at the latest.
///
/// # Errors
/// An I/O error when connections can no longer be accepted.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let closing = app.closing().clone();
    let closer = closing.clone();
    let mut sweeper = tokio::spawn(sweep::run(app.clone()));
    let mut sender = tokio::spawn(webhooks::run(app.clone()));
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    // An answer goes out when it is written: its last part waits for no acknowledgement.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
    });
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        shutdown.await;
        closer.cancel();
    });
    let late = async {
        closing.cancelled().await;
        let half = app.config().drain_timeout / 2;
        tokio::time::sleep(half).await;
        app.breaking_off().cancel();
        tokio::time::sleep(half).await;
    };
    // Uploads may outlive their connections: each cleans up what it stored.
    let ended = async {
        let served = server.into_future().await;
        app.uploads().close();
        app.uploads().wait().await;
        // It ends with what it sends; connections that could no longer be accepted tell it nothing.
        closing.cancel();
        if let Err(error) = (&mut sender).await {
            tracing::error!(%error, "the sender of webhooks has ended");
        }
        served
    };
    let served = tokio::select! {
        served = ended => served,
        () = late => {
            tracing::warn!("connections or uploads were still open when the time to drain was over");
            Ok(())
        }
    };
    closing.cancel();
    sender.abort();
    // It may be in the middle of a removal that the storage does not answer; what it leaves, the next sweep does.
    if tokio::time::timeout(SWEEPER_GRACE, &mut sweeper).await.is_err() {
        sweeper.abort();
    }
    served
}
