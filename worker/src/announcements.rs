//! Listens, for as long as jobs run, to what the database announces.

use crate::Context;
use store::queue::announcements::Announcements;
use tokio_util::sync::CancellationToken;

/// Stops jobs that someone asked to stop, and wakes the reaper for analyses that others wrote, until `ended`.
pub(crate) async fn follow(context: &Context, ended: &CancellationToken) {
    let mut announcements = Announcements::new(&context.pool);
    loop {
        let heard = tokio::select! {
            () = ended.cancelled() => return,
            heard = announcements.next() => heard,
        };
        for analysis_id in heard.cancelled {
            context.running.cancel(analysis_id);
        }
        if heard.pending {
            context.pending_announced.notify_one();
        }
    }
}
