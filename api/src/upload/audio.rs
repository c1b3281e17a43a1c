//! The audio of an upload on its way: looked at, counted, hashed, and passed on to storage piece by piece.

use crate::problem::{Kind, Problem};
use crate::sniff::{self, SNIFF_BYTES};
use crate::state::App;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use sha2::{Digest, Sha256};
use std::io;
use store::objects::{ObjectKey, Objects, Stored};
use tokio::sync::mpsc;

/// Pieces under way between the client and the storage.
const QUEUE_PIECES: usize = 2;

/// What was found out about a file while it passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audio {
    pub(crate) mime: &'static str,
    pub(crate) size_bytes: u64,
    pub(crate) sha256: String,
}

/// Why the passing of bytes stopped.
enum Halt {
    /// Something is wrong with what the client sends.
    Refused(Problem),
    /// The storage takes no more; its own error says why.
    StorageClosed,
}

/// Takes in a file: under `key`, or, without one, only to see what it is.
///
/// Holds a few pieces in memory, whatever the length. When it fails, the storage is told before the stream
/// to it ends, so that it discards what it has.
pub(crate) async fn take_in(
    app: &App,
    key: Option<&ObjectKey>,
    mut pieces: impl Stream<Item = Result<Bytes, Problem>> + Send + Unpin,
) -> Result<Audio, Problem> {
    let head = read_head(&mut pieces).await?;
    let kind = recognize(&head)?;
    let head = futures::stream::once(std::future::ready(Ok(head)));
    let pieces = limited(head.chain(pieces), app.config().max_upload_bytes);
    let stored = match key {
        Some(key) => put(app.objects(), key, kind.mime, pieces).await?,
        None => measure(pieces).await?,
    };
    Ok(Audio { mime: kind.mime, size_bytes: stored.size_bytes, sha256: stored.sha256 })
}

/// Gathers the first bytes, as many as it takes to tell what they are.
async fn read_head(
    pieces: &mut (impl Stream<Item = Result<Bytes, Problem>> + Unpin),
) -> Result<Bytes, Problem> {
    let mut head = BytesMut::new();
    while head.len() < SNIFF_BYTES {
        match pieces.next().await {
            Some(piece) => head.extend_from_slice(&piece?),
            None => break,
        }
    }
    Ok(head.freeze())
}

pub(super) fn recognize(head: &[u8]) -> Result<sniff::Kind, Problem> {
    if head.is_empty() {
        return Err(Problem::invalid_field("file", "the file is empty: was it copied to its end?"));
    }
    let known = "the content is no WAV, FLAC, MP3, Ogg, MP4, AAC, AIFF, CAF, Matroska or WebM audio";
    sniff::sniff(head).ok_or_else(|| Problem::detailed(Kind::UnsupportedMediaType, known))
}

/// Ends a stream with a problem once it is longer than it may be.
pub(super) fn limited<S>(
    pieces: S,
    max_bytes: u64,
) -> impl Stream<Item = Result<Bytes, Problem>> + Send + Unpin
where
    S: Stream<Item = Result<Bytes, Problem>> + Send + Unpin,
{
    let mut size_bytes = 0_u64;
    pieces.map(move |piece| {
        let piece = piece?;
        size_bytes = size_bytes.saturating_add(piece.len() as u64);
        if size_bytes > max_bytes {
            return Err(Problem::detailed(Kind::TooLarge, format!("the limit is {max_bytes} bytes")));
        }
        Ok(piece)
    })
}

pub(super) async fn put(
    objects: &Objects,
    key: &ObjectKey,
    mime: &str,
    pieces: impl Stream<Item = Result<Bytes, Problem>> + Send + Unpin,
) -> Result<Stored, Problem> {
    let (sender, receiver) = mpsc::channel(QUEUE_PIECES);
    let receiving = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    let (passed, stored) = tokio::join!(pass_on(pieces, sender), objects.put(key, mime, Box::pin(receiving)));
    match (passed, stored) {
        (Err(Halt::Refused(problem)), _) => Err(problem),
        (_, Err(error)) => Err(error.into()),
        (Err(Halt::StorageClosed), Ok(_)) => Err(Problem::internal("the storage stopped before the end")),
        (Ok(()), Ok(stored)) => Ok(stored),
    }
}

async fn pass_on(
    mut pieces: impl Stream<Item = Result<Bytes, Problem>> + Send + Unpin,
    sender: mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), Halt> {
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => sender.send(Ok(piece)).await.map_err(|_| Halt::StorageClosed)?,
            Err(problem) => {
                // An error, not an end: what is stored so far must not pass for the whole.
                let _ = sender.send(Err(io::Error::other("the upload stopped short"))).await;
                return Err(Halt::Refused(problem));
            }
        }
    }
    Ok(())
}

async fn measure(mut pieces: impl Stream<Item = Result<Bytes, Problem>> + Unpin) -> Result<Stored, Problem> {
    let (mut size_bytes, mut digest) = (0, Sha256::new());
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        size_bytes += piece.len() as u64;
        digest.update(&piece);
    }
    Ok(Stored { size_bytes, sha256: store::sessions::hex(&digest.finalize()) })
}
