//! The server: takes connections until it is told to stop, then lets them end.

use crate::connection::Gate;
use crate::router::router;
use crate::state::App;
use crate::sweep;
use crate::webhooks;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long the sweeper may take to end.
const SWEEPER_GRACE: Duration = Duration::from_secs(1);

/// Serves the API on `listener` until `shutdown` completes; then answers what is under way, ends endless
/// answers, breaks off uploads after half of the time to drain, and returns after [`Config::drain_timeout`](crate::Config::drain_timeout) at the latest.
///
/// # Errors
/// None so far: what goes wrong with a connection ends that one, and one that cannot be accepted is tried again.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let closing = app.closing().clone();
    let closer = closing.clone();
    let mut sweeper = tokio::spawn(sweep::run(app.clone()));
    let mut sender = tokio::spawn(webhooks::run(app.clone()));
    let gate = Gate::new(app.config());
    let stopped = async move {
        shutdown.await;
        closer.cancel();
    };
    let server = gate.serve(listener, router(app.clone()), stopped);
    let late = async {
        closing.cancelled().await;
        let half = app.config().drain_timeout / 2;
        tokio::time::sleep(half).await;
        app.breaking_off().cancel();
        tokio::time::sleep(half).await;
    };
    // Uploads may outlive their connections: each cleans up what it stored.
    let ended = async {
        server.await;
        app.uploads().close();
        app.uploads().wait().await;
        // It ends with what it sends; connections that could no longer be accepted tell it nothing.
        closing.cancel();
        if let Err(error) = (&mut sender).await {
            tracing::error!(%error, "the sender of webhooks has ended");
        }
    };
    tokio::select! {
        () = ended => {}
        () = late => tracing::warn!("connections or uploads were still open when the time to drain was over"),
    }
    closing.cancel();
    sender.abort();
    // It may be in the middle of a removal that the storage does not answer; what it leaves, the next sweep does.
    if tokio::time::timeout(SWEEPER_GRACE, &mut sweeper).await.is_err() {
        sweeper.abort();
    }
    Ok(())
}
