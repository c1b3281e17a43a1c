//! Batches decoded ahead of who takes them, by several threads.
//!
//! ```text
//! supply ──► one thread at a time fills a batch ──► several decode theirs ──► taken in order, by one thread
//!    ▲                                                                              │
//!    └──────────────────────────── empty batches ◄──────────────────────────────────┘
//! ```
//!
//! There are two batches more than threads, so that memory is bounded: helpers rest when all are full. Who takes
//! batches helps while the next one is not ready, so that no thread idles whichever side is slower.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::batch::{Batch, Made};
use super::supply::Supply;

/// Batches beyond one for each thread: the one that is being taken from, and one that waits.
const SPARE_BATCHES: usize = 2;

/// The batches of a stream in their order. Dropping it ends its threads and waits for them.
pub(super) struct Ahead {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    /// Number of the batch to be taken next.
    next: u64,
    /// Decoder of the thread that takes.
    own: Option<Made>,
}

struct Shared {
    desk: Mutex<Desk>,
    /// Something on the desk is another than it was.
    changed: Condvar,
}

/// What lies between the threads.
#[derive(Default)]
struct Desk {
    /// Gone while a thread fills a batch, and for good after the last.
    supply: Option<Supply>,
    empty: Vec<Batch>,
    done: BTreeMap<u64, Batch>,
    /// What a helper panicked with.
    panic: Option<Box<dyn Any + Send>>,
    closed: bool,
}

impl Ahead {
    /// With no helpers: a batch is made when it is asked for.
    pub(super) fn new(supply: Supply) -> Self {
        let desk = Desk { supply: Some(supply), ..Desk::default() };
        let shared = Shared { desk: Mutex::new(desk), changed: Condvar::new() };
        Self { shared: Arc::new(shared), helpers: Vec::new(), next: 0, own: None }
    }

    /// Goes on with `threads` threads (as many as the system gives), the one that takes included, from the state of
    /// `decoder`, which it takes where all has to be decoded by it.
    pub(super) fn spread(&mut self, threads: usize, decoder: &mut Option<Made>) {
        let mut desk = self.shared.lock();
        let Some(supply) = desk.supply.as_mut().filter(|_| threads > 1 && self.helpers.is_empty()) else {
            return;
        };
        let Some(made) = decoder.take() else { return };
        *decoder = supply.decode_ahead(made);
        let helpers = if supply.splits() { threads - 1 } else { 1 };
        desk.empty.resize_with(helpers + SPARE_BATCHES, Batch::default);
        drop(desk);
        for _ in 0..helpers {
            let shared = self.shared.clone();
            let helper = thread::Builder::new().name("arsis-decode".into()).spawn(move || shared.help());
            self.helpers.extend(helper.ok());
        }
    }

    /// The next batch in exchange for one that is done with.
    ///
    /// # Panics
    /// With what a helper panicked with.
    pub(super) fn next(&mut self, used: Batch) -> Batch {
        let mut desk = self.shared.lock();
        desk.empty.push(used);
        loop {
            if let Some(panic) = desk.panic.take() {
                drop(desk);
                resume_unwind(panic);
            }
            if let Some(batch) = desk.done.remove(&self.next) {
                self.next += 1;
                self.shared.changed.notify_all();
                return batch;
            }
            desk = match desk.work() {
                Some((supply, batch)) => {
                    drop(desk);
                    self.shared.make(supply, batch, &mut self.own);
                    self.shared.lock()
                }
                None => self.shared.wait(desk),
            };
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        for helper in self.helpers.drain(..) {
            // It has caught its panics.
            let _ = helper.join();
        }
    }
}

impl Desk {
    /// A batch to fill and what to fill it from.
    fn work(&mut self) -> Option<(Supply, Batch)> {
        self.supply.as_ref()?;
        let batch = self.empty.pop()?;
        self.supply.take().map(|supply| (supply, batch))
    }
}

impl Shared {
    // Nothing on the desk is ever left half changed.
    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, desk: MutexGuard<'a, Desk>) -> MutexGuard<'a, Desk> {
        self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes batches until there are no more to make.
    fn help(&self) {
        let helped = catch_unwind(AssertUnwindSafe(|| {
            let mut own = None;
            while let Some((supply, batch)) = self.await_work() {
                self.make(supply, batch, &mut own);
            }
        }));
        if let Err(panic) = helped {
            self.lock().panic.get_or_insert(panic);
            self.changed.notify_all();
        }
    }

    fn await_work(&self) -> Option<(Supply, Batch)> {
        let mut desk = self.lock();
        while !desk.closed {
            match desk.work() {
                None => desk = self.wait(desk),
                work => return work,
            }
        }
        None
    }

    /// Fills a batch, lets others fill the next, decodes it, and lays it on the desk.
    fn make(&self, mut supply: Supply, mut batch: Batch, own: &mut Option<Made>) {
        let (number, maker) = supply.fill(&mut batch);
        if batch.end.is_none() {
            self.lock().supply = Some(supply);
            self.changed.notify_all();
        }
        if let Some(maker) = maker {
            batch.decode_apart(&maker, own);
        }
        self.lock().done.insert(number, batch);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::super::demux;
    use super::super::supply::Maker;
    use super::*;
    use crate::limits::Limits;

    fn ahead(threads: usize) -> Ahead {
        let (demuxer, link, decoder) = demux::tests::scripted(|_| Vec::new(), false);
        let maker = Arc::new(Maker::new(link, Limits::default()));
        let mut ahead = Ahead::new(Supply::new(demuxer, maker.clone()));
        ahead.spread(threads, &mut Some(Made { maker, decoder }));
        ahead
    }

    #[test]
    fn batches_come_in_their_order_and_no_more_of_them_than_are_lent() {
        let mut ahead = ahead(3);
        let (mut batch, mut packets) = (Batch::default(), 0);
        while batch.end.is_none() {
            batch = ahead.next(batch);
            packets += batch.packets.len();
            let desk = ahead.shared.lock();
            assert!(desk.empty.len() + desk.done.len() < 3 + SPARE_BATCHES);
        }
        assert!(packets > 0);
    }

    #[test]
    fn a_helpers_panic_is_the_takers() {
        let mut ahead = ahead(2);
        ahead.shared.lock().panic = Some(Box::new("a helper panics"));
        let taken = catch_unwind(AssertUnwindSafe(|| ahead.next(Batch::default()).packets.len()));
        assert!(taken.is_err_and(|panic| panic.downcast_ref::<&str>() == Some(&"a helper panics")));
    }
}
