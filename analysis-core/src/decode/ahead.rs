//! Batches decoded ahead of who takes them, by several threads.
//!
//! ```text
//! supply ──► one thread at a time fills a batch ──► several decode theirs ──► taken in order, by one thread
//!    ▲                                                                              │
//!    └──────────────────────────── empty batches ◄──────────────────────────────────┘
//! ```
//!
//! There are two batches more than threads that decode, so that memory is bounded: nothing is decoded when all are
//! full. Who takes batches helps while the next one is not ready, so that no thread idles whichever side is slower.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batch::{Batch, Made};
use super::supply::Supply;
use crate::crew::{Crew, Queue};
use crate::stages::Stage;

/// Batches beyond one for each thread that decodes: the one that is being taken from, and one that waits.
const SPARE_BATCHES: usize = 2;
/// Threads taken to decode where one decoder has to decode everything: whoever has it, and who takes over from them.
const IN_ORDER_THREADS: usize = 2;

/// The batches of a stream in their order.
pub(super) struct Ahead {
    desk: Arc<Mutex<Desk>>,
    crew: Option<Arc<Crew>>,
    /// Number of the batch to be taken next.
    next: u64,
}

/// What lies between the threads.
#[derive(Default)]
struct Desk {
    /// Gone while a thread fills a batch, and for good after the last.
    supply: Option<Supply>,
    empty: Vec<Batch>,
    done: BTreeMap<u64, Batch>,
    /// Decoders that nobody uses now, the last used last.
    decoders: Vec<Made>,
}

impl Desk {
    fn has_work(&self) -> bool {
        self.supply.is_some() && !self.empty.is_empty()
    }

    /// A batch to fill, and what to fill it from.
    fn take_work(&mut self) -> Option<(Supply, Batch)> {
        if self.has_work() { self.supply.take().zip(self.empty.pop()) } else { None }
    }
}

impl Ahead {
    /// Without helpers: a batch is made when it is asked for.
    pub(super) fn new(supply: Supply) -> Self {
        let desk = Desk { supply: Some(supply), ..Desk::default() };
        Self { desk: Arc::new(Mutex::new(desk)), crew: None, next: 0 }
    }

    /// Goes on with the help of `crew`, from the state of `decoder`, which it takes where all has to be decoded by it.
    pub(super) fn spread(&mut self, crew: &Arc<Crew>, decoder: &mut Option<Made>) {
        {
            let mut desk = lock(&self.desk);
            let Some(supply) = desk.supply.as_mut().filter(|_| self.crew.is_none()) else { return };
            let Some(made) = decoder.take() else { return };
            *decoder = supply.decode_ahead(made);
            let most = if decoder.is_some() { usize::MAX } else { IN_ORDER_THREADS };
            desk.empty.resize_with(crew.threads().min(most) - 1 + SPARE_BATCHES, Batch::default);
        }
        self.crew = Some(crew.clone());
        leave_work(&self.desk, crew.queue());
    }

    /// The next batch in exchange for one that is done with.
    ///
    /// # Panics
    /// With what a helper panicked with.
    pub(super) fn next(&mut self, used: Batch) -> Batch {
        lock(&self.desk).empty.push(used);
        let number = self.next;
        self.next += 1;
        let done = || lock(&self.desk).done.remove(&number);
        match &self.crew {
            Some(crew) => {
                leave_work(&self.desk, crew.queue());
                crew.wait_for(done)
            }
            None => {
                make(&self.desk, None);
                done().unwrap_or_else(Batch::nothing_more)
            }
        }
    }
}

// Nothing on the desk is ever left half changed.
fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves word that a batch can be made, if one can.
fn leave_work(desk: &Arc<Mutex<Desk>>, queue: &Queue) {
    if lock(desk).has_work() {
        let (desk, queue_then) = (desk.clone(), queue.clone());
        queue.leave(move || {
            queue_then.enter(Stage::Decode);
            make(&desk, Some(&queue_then));
        });
    }
}

/// Fills a batch if there is one and nobody else fills one, lets others fill the next, decodes it, and lays it on the
/// desk.
fn make(desk: &Arc<Mutex<Desk>>, queue: Option<&Queue>) {
    let Some((mut supply, mut batch)) = lock(desk).take_work() else { return };
    let wanted = || !queue.is_some_and(Queue::is_closed);
    let (number, maker) = supply.fill(&mut batch, wanted);
    if batch.end.is_none() {
        lock(desk).supply = Some(supply);
        queue.into_iter().for_each(|queue| leave_work(desk, queue));
    }
    if let Some(maker) = maker {
        let mut own = lock(desk).decoders.pop();
        batch.decode_apart(&maker, &mut own);
        lock(desk).decoders.extend(own);
    }
    lock(desk).done.insert(number, batch);
    queue.into_iter().for_each(Queue::changed);
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use symphonia::core::codecs::audio::well_known as id;

    use super::super::demux;
    use super::super::supply::Maker;
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn batches_come_to_their_end_and_no_more_of_them_than_are_lent() {
        // FLAC, and as if each packet hung on the last.
        for (threads, codec, lent) in [
            (1, id::CODEC_ID_FLAC, 2),
            (2, id::CODEC_ID_FLAC, 3),
            (5, id::CODEC_ID_FLAC, 6),
            (2, id::CODEC_ID_AAC, 3),
            (5, id::CODEC_ID_AAC, 3),
        ] {
            let (demuxer, mut link, decoder) = demux::tests::scripted(|_| Vec::new(), false);
            link.params.codec = codec;
            let maker = Arc::new(Maker::new(link, Limits::default()));
            let crew = Arc::new(Crew::new(NonZeroUsize::new(threads).unwrap()));
            let mut ahead = Ahead::new(Supply::new(demuxer, maker.clone()));
            ahead.spread(&crew, &mut Some(Made { maker, decoder }));
            let (mut batch, mut packets) = (Batch::default(), 0);
            assert!(lock(&ahead.desk).empty.len() <= lent);
            while batch.end.is_none() {
                batch = ahead.next(batch);
                packets += batch.packets.len();
                let desk = lock(&ahead.desk);
                assert!(desk.empty.len() + desk.done.len() <= lent);
            }
            assert!(packets > 0);
        }
    }
}
