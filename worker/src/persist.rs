//! Writing to a database that may be away for a while.

use crate::ANSWER_LIMIT;
use crate::failure::chain;
use crate::job::Ended;
use crate::lease::{Status, Stop};
use std::time::{Duration, Instant};

/// Pause before writing again to a database that was away.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How long a commit may take; that of a track of ten hours writes half a million rows.
const COMMIT_LIMIT: Duration = Duration::from_secs(100);

/// Writes, and waits for a database that is away as long as `patience` lasts.
pub(crate) async fn insist<T, F, Fut>(patience: Duration, write: F) -> store::Result<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = store::Result<T>>,
{
    let began = Instant::now();
    loop {
        match store::within(patience.min(COMMIT_LIMIT), write()).await {
            Err(error) if may_pass(&error) && began.elapsed() < patience => {
                tracing::warn!(error = chain(&error), "could not write yet, trying again");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            written => return written,
        }
    }
}

/// Whether a write is worth repeating as it is.
fn may_pass(error: &store::Error) -> bool {
    error.is_unavailable() || error.is_collision()
}

/// Writes, and waits for a database that is away as long as the lease allows.
pub(crate) async fn persist<T, F, Fut>(status: &Status, write: F) -> Result<T, Ended>
where
    F: Fn() -> Fut,
    Fut: Future<Output = store::Result<T>>,
{
    loop {
        match until_stopped(status, store::within(ANSWER_LIMIT, write())).await? {
            Ok(written) => return Ok(written),
            Err(store::Error::LeaseLost { .. }) => return Err(Ended::Stopped(Stop::LeaseLost)),
            Err(error) if may_pass(&error) => {
                tracing::warn!(error = chain(&error), "could not write yet, trying again");
                until_stopped(status, tokio::time::sleep(RETRY_PAUSE)).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

pub(crate) async fn until_stopped<T>(status: &Status, work: impl Future<Output = T>) -> Result<T, Ended> {
    tokio::select! {
        biased;
        stop = status.stopped() => Err(Ended::Stopped(stop)),
        done = work => Ok(done),
    }
}
