//! The way of chunks from the engine's thread to the job, bounded by their bytes.

use analysis_core::chunk::Chunk;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Chunks are stored when there are this many bytes of them. A row is stored in about 50 µs and a transaction in one or
/// two milliseconds: from here on longer batches save little and keep more in memory.
const BATCH_BYTES: usize = 256 << 10;

/// Bytes of chunks that may wait for the database, those of the batch among them, before the analysis waits for it too.
/// A larger chunk passes when no other but those of one batch waits.
const WAITING_BYTES: usize = 1 << 20;

/// A larger chunk counts for this much: for the rest there is a batch that is not full, so that the two never wait for
/// each other.
const MOST_COUNTED_BYTES: usize = WAITING_BYTES - BATCH_BYTES;

/// The engine's end.
pub(crate) struct Sender {
    chunks: mpsc::UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
    runtime: Handle,
}

/// The job's end. Dropping it tells the engine's.
pub(crate) struct Receiver {
    chunks: mpsc::UnboundedReceiver<Waiting>,
    room: Arc<Semaphore>,
}

struct Waiting {
    chunk: Chunk,
    room: OwnedSemaphorePermit,
}

/// The receiver is gone.
#[derive(Debug)]
pub(crate) struct Closed;

/// Chunks to be stored together; they take up room until they are dropped.
pub(crate) struct Batch {
    pub(crate) chunks: Vec<Chunk>,
    /// Whether none come after it.
    pub(crate) last: bool,
    room: Option<OwnedSemaphorePermit>,
}

/// To be called on the runtime that the receiver will be used on.
pub(crate) fn channel() -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(WAITING_BYTES));
    let sender = Sender { chunks: sender, room: room.clone(), runtime: Handle::current() };
    (sender, Receiver { chunks: receiver, room })
}

impl Sender {
    /// Hands a chunk over; blocks the thread until there is room for it.
    ///
    /// # Errors
    /// [`Closed`].
    pub(crate) fn send(&self, mut chunk: Chunk) -> Result<(), Closed> {
        // What the compressor reserved for the worst case would wait with it.
        chunk.bytes.shrink_to_fit();
        let counted = u32::try_from(chunk.bytes.len().min(MOST_COUNTED_BYTES)).unwrap_or(u32::MAX);
        let room = self.runtime.block_on(self.room.clone().acquire_many_owned(counted));
        let room = room.map_err(|_| Closed)?;
        self.chunks.send(Waiting { chunk, room }).map_err(|_| Closed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.chunks.is_closed()
    }
}

impl Receiver {
    /// Chunks to be stored together: [`BATCH_BYTES`] or a little more, fewer when the first has waited for `longest` or
    /// no more come.
    pub(crate) async fn next_batch(&mut self, longest: Duration) -> Batch {
        let mut batch = Batch { chunks: Vec::new(), last: false, room: None };
        let Some(first) = self.chunks.recv().await else { return Batch { last: true, ..batch } };
        let deadline = tokio::time::Instant::now() + longest;
        let mut bytes = batch.add(first);
        while bytes < BATCH_BYTES {
            match tokio::time::timeout_at(deadline, self.chunks.recv()).await {
                Ok(Some(waiting)) => bytes += batch.add(waiting),
                Ok(None) => return Batch { last: true, ..batch },
                Err(_) => break,
            }
        }
        batch
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.room.close();
    }
}

impl Batch {
    /// Takes a chunk and gives its bytes.
    fn add(&mut self, Waiting { chunk, room }: Waiting) -> usize {
        match &mut self.room {
            Some(all) => all.merge(room),
            None => self.room = Some(room),
        }
        let bytes = chunk.bytes.len();
        self.chunks.push(chunk);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn chunk(bytes: usize) -> Chunk {
        Chunk { level: 0, index: 0, start_frame: 0, frame_count: 1, crc32: 0, bytes: vec![0; bytes] }
    }

    /// Sends chunks of these sizes from a thread of its own, which gives the sender back.
    fn send(sender: Sender, sizes: &[usize]) -> thread::JoinHandle<Result<Sender, Closed>> {
        let chunks: Vec<Chunk> = sizes.iter().map(|size| chunk(*size)).collect();
        thread::spawn(move || chunks.into_iter().try_for_each(|chunk| sender.send(chunk)).map(|()| sender))
    }

    /// The first batch of chunks of these sizes, with the engine still at work or done: how many chunks, and whether
    /// it is the last.
    async fn check(sizes: &[usize], done: bool, expect: (usize, bool)) {
        let (sender, mut receiver) = channel();
        let engine = send(sender, sizes).join().expect("does not panic").expect("is open");
        let engine = (!done).then_some(engine);
        let batch = receiver.next_batch(Duration::from_millis(1)).await;
        assert_eq!((batch.chunks.len(), batch.last), expect, "{sizes:?}");
        drop(engine);
    }

    #[tokio::test]
    async fn a_batch_ends_by_bytes_by_time_or_with_the_engine() {
        check(&[BATCH_BYTES / 2; 4], false, (2, false)).await;
        check(&[BATCH_BYTES * 2], false, (1, false)).await;
        check(&[10; 3], false, (3, false)).await;
        check(&[10; 3], true, (3, true)).await;
        check(&[BATCH_BYTES; 2], true, (1, false)).await;
        check(&[], true, (0, true)).await;
    }

    #[tokio::test]
    async fn chunks_wait_by_their_bytes_and_large_ones_for_one_another() {
        let (sender, mut receiver) = channel();
        let room = receiver.room.clone();
        let engine = send(sender, &[10, 40 << 20, 40 << 20, 10]);
        let minute = Duration::from_secs(60);
        // The small one is no reason for the large one to wait, nor for the batch to.
        let first = receiver.next_batch(minute).await;
        assert_eq!(first.chunks.len(), 2);
        assert!(room.available_permits() < MOST_COUNTED_BYTES, "no second large one beside it");
        assert!(receiver.chunks.is_empty() && !engine.is_finished());
        drop(first);
        let second = receiver.next_batch(minute).await;
        assert_eq!(second.chunks.len(), 1);
        drop(second);
        assert!(engine.join().expect("does not panic").is_ok());
    }

    #[tokio::test]
    async fn an_engine_that_waits_for_room_is_told_when_nobody_takes_its_chunks() {
        let (sender, mut receiver) = channel();
        let engine = send(sender, &[1 << 20; 2]);
        let taken = receiver.next_batch(Duration::from_secs(60)).await;
        drop(receiver);
        assert!(engine.join().expect("does not panic").is_err());
        drop(taken);
    }
}
