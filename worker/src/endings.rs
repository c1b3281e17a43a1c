//! Writing down how an attempt ended that came to nothing. Tried until the lease has run out: then the reaper decides.

use crate::Context;
use crate::failure::{Failure, Next, chain};
use crate::lease::{Status, Stop};
use crate::persist::insist;
use crate::report::Outcome;
use std::time::Duration;
use store::queue::{self, Claim, Released, Verdict};
use uuid::Uuid;

/// How long to leave an analysis that this worker has no means for at the moment: a full disk, for one, is emptied by
/// jobs that end or by people, and another worker may have room.
const POSTPONE: Duration = Duration::from_secs(30);

/// `error_kind` of an attempt that took longer than it may.
const TIMED_OUT: &str = "timed_out";

/// Writes that an analysis waits for its twin.
pub(crate) async fn put_aside(context: &Context, claim: &Claim, twin: Uuid) -> Outcome {
    let wait = || queue::wait_for(&context.pool, &claim.lease, twin);
    match insist(context.config.lease, wait).await {
        Ok(()) => Outcome::PutAside { twin },
        Err(error) => Outcome::Lost { failure: None, unwritten: Some(chain(&error)) },
    }
}

/// Writes that an attempt was stopped. Tries until the lease has run out: then the reaper decides.
pub(crate) async fn stopped(context: &Context, claim: &Claim, status: &Status, stop: Stop) -> Outcome {
    let (lease, patience) = (&claim.lease, context.config.lease);
    match stop {
        Stop::Cancelled | Stop::HandBack => {
            match insist(patience, || queue::release(&context.pool, lease)).await {
                Ok(Released::Cancelled) => Outcome::Cancelled(None),
                Ok(Released::HandedBack) => Outcome::Released,
                Err(error) => Outcome::Lost { failure: None, unwritten: Some(chain(&error)) },
            }
        }
        Stop::LeaseLost => Outcome::Lost { failure: None, unwritten: None },
        Stop::TimedOut => failed(context, claim, timed_out(context, claim, status).await).await,
    }
}

/// A host that stands still is no fault of the file, so there is another attempt; one that takes too long again, most
/// likely on another host, is the last: a file that the engine hangs on costs two slots their time, and no more.
async fn timed_out(context: &Context, claim: &Claim, status: &Status) -> Failure {
    let audio = status.progress();
    let total = audio.total_ms.map_or_else(|| "an unknown length".to_owned(), |ms| format!("{ms} ms"));
    let cause = format!(
        "no end after {} s, {} ms of {total} analysed",
        context.config.allowance(audio).as_secs(),
        audio.done_ms
    );
    let before = queue::previous_failure(&context.pool, &claim.lease);
    let again = match tokio::time::timeout(context.config.lease, before).await {
        Ok(Ok(kind)) => kind.as_deref() == Some(TIMED_OUT),
        // When in doubt the file gets another attempt; their number is bounded anyway.
        Ok(Err(_)) | Err(_) => false,
    };
    let next = if again { Next::Nothing } else { Next::Attempt };
    Failure { next, ..Failure::transient(TIMED_OUT, "The analysis took longer than it may.", cause) }
}

/// Writes that an analysis must wait for this worker, with the same patience; `None` when it has waited too long by now.
async fn postpone(context: &Context, claim: &Claim, failure: &Failure) -> Option<store::Result<()>> {
    let Failure { kind, message, cause, .. } = failure;
    let snooze = || queue::snooze(&context.pool, &claim.lease, POSTPONE, kind, message, cause);
    match insist(context.config.lease, snooze).await {
        Ok(true) => Some(Ok(())),
        Ok(false) => None,
        Err(error) => Some(Err(error)),
    }
}

/// Writes that an attempt failed, with the same patience.
pub(crate) async fn failed(context: &Context, claim: &Claim, failure: Failure) -> Outcome {
    if failure.next == Next::Postponed
        && let Some(written) = postpone(context, claim, &failure).await
    {
        return match written {
            Ok(()) => Outcome::Snoozed { failure, after: POSTPONE },
            Err(error) => Outcome::Lost { failure: Some(failure), unwritten: Some(chain(&error)) },
        };
    }
    let written = failure.for_queue();
    let fail = || queue::fail(&context.pool, &claim.lease, &written);
    match insist(context.config.lease, fail).await {
        Ok(Verdict::Failed) => Outcome::Failed(failure),
        Ok(Verdict::Cancelled) => Outcome::Cancelled(Some(failure)),
        Ok(Verdict::Retrying { after }) => Outcome::Retrying { failure, after },
        Err(error) => Outcome::Lost { failure: Some(failure), unwritten: Some(chain(&error)) },
    }
}
