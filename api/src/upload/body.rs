//! The body of an upload as a stream with limits on its size and on its silences.

use crate::config::Config;
use crate::problem::{Kind, Problem};
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// Room for the fields and boundaries of a form around the file, in bytes.
const FORM_BYTES: u64 = 4 << 20;

/// Most bytes of a form that may be read without a part of it being given out, in bytes: the headers of a part, which
/// multer gathers in memory whatever their length, and some pieces that hyper had ready.
const MAX_AHEAD_BYTES: u64 = 4 << 20;

/// Why the body of an upload stopped short, for those who see only its stream break.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fault(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    kind: OnceLock<Kind>,
    ahead_bytes: AtomicU64,
}

impl Fault {
    /// The problem that broke the stream, or else `otherwise`.
    pub(crate) fn or(&self, otherwise: Problem) -> Problem {
        self.0.kind.get().map_or(otherwise, |kind| Problem::new(*kind))
    }

    /// Says that what was read of a form has been given out.
    pub(crate) fn gave_out(&self) {
        self.0.ahead_bytes.store(0, Ordering::Relaxed);
    }
}

/// The stream broke; [`Fault`] says why.
#[derive(Debug, thiserror::Error)]
#[error("the upload stopped short: {0}")]
pub(crate) struct Broken(String);

struct Guarded {
    stream: BodyDataStream,
    fault: Fault,
    idle: Duration,
    deadline: Instant,
    left_bytes: u64,
    max_ahead_bytes: u64,
    breaking_off: CancellationToken,
}

/// Puts limits on a body, and breaks it off when the server ends.
pub(crate) fn guard(
    body: Body,
    config: &Config,
    breaking_off: &CancellationToken,
) -> (impl Stream<Item = Result<Bytes, Broken>> + Send + 'static, Fault) {
    guard_within(u64::MAX, body, config, breaking_off)
}

/// The same for a form, whose reader says with [`Fault::gave_out`] that it goes on.
///
/// Before each piece the stream yields once. multer, which reads forms, takes everything a stream has ready
/// into memory before it gives out the first byte; with a fast client and a slow storage that would be the
/// whole file. A pause after each piece keeps it to one.
pub(crate) fn guard_form(
    body: Body,
    config: &Config,
    breaking_off: &CancellationToken,
) -> (impl Stream<Item = Result<Bytes, Broken>> + Send + 'static, Fault) {
    guard_within(MAX_AHEAD_BYTES, body, config, breaking_off)
}

fn guard_within(
    max_ahead_bytes: u64,
    body: Body,
    config: &Config,
    breaking_off: &CancellationToken,
) -> (impl Stream<Item = Result<Bytes, Broken>> + Send + 'static, Fault) {
    let fault = Fault::default();
    let guarded = Guarded {
        stream: body.into_data_stream(),
        fault: fault.clone(),
        idle: config.upload_idle_timeout,
        deadline: Instant::now() + config.upload_timeout,
        left_bytes: config.max_upload_bytes.saturating_add(FORM_BYTES),
        max_ahead_bytes,
        breaking_off: breaking_off.clone(),
    };
    let stream = futures::stream::try_unfold(guarded, |mut guarded| async move {
        tokio::task::yield_now().await;
        let piece = guarded.next().await?;
        Ok(piece.map(|piece| (piece, guarded)))
    });
    (stream, fault)
}

impl Guarded {
    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        let next = timeout_at(self.deadline, timeout(self.idle, self.stream.next()));
        let next = tokio::select! {
            next = next => next,
            () = self.breaking_off.cancelled() => return Err(self.broken(Kind::Unavailable, "the server ends")),
        };
        let Ok(Ok(next)) = next else {
            return Err(self.broken(Kind::RequestTimeout, "no bytes came in time"));
        };
        match next {
            None => Ok(None),
            Some(Err(error)) => Err(self.broken(Kind::Malformed, error)),
            Some(Ok(piece)) => {
                let left = self.left_bytes.checked_sub(piece.len() as u64);
                self.left_bytes = left.ok_or_else(|| self.broken(Kind::TooLarge, "too many bytes"))?;
                let piece_bytes = piece.len() as u64;
                let ahead_bytes = self.fault.0.ahead_bytes.fetch_add(piece_bytes, Ordering::Relaxed);
                if ahead_bytes > self.max_ahead_bytes {
                    return Err(self.broken(Kind::TooLarge, "too many bytes between the parts of a form"));
                }
                Ok(Some(piece))
            }
        }
    }

    fn broken(&self, kind: Kind, why: impl ToString) -> Broken {
        let _ = self.fault.0.kind.set(kind); // the first fault is the true one
        Broken(why.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request};
    use std::sync::atomic::AtomicUsize;

    const HEAD: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";

    /// A form of a thousand pieces that are all there at once; counts how many were taken.
    fn eager_body(taken: &Arc<AtomicUsize>) -> Body {
        let taken = Arc::clone(taken);
        let pieces = (0..1000).map(move |i| {
            taken.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from_static(if i == 0 { HEAD } else { &[7; 4096] }))
        });
        Body::from_stream(futures::stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_form_reader_takes_no_more_than_it_gives_out() {
        let taken = Arc::new(AtomicUsize::new(0));
        let (stream, fault) = guard_form(eager_body(&taken), &Config::default(), &CancellationToken::new());
        let request = Request::builder().header("content-type", "multipart/form-data; boundary=b");
        let request = request.body(Body::from_stream(stream)).unwrap();
        let mut form = Multipart::from_request(request, &()).await.unwrap();
        let mut field = form.next_field().await.unwrap().unwrap();
        for given_out in 1..=100 {
            field.chunk().await.unwrap().unwrap();
            fault.gave_out();
            let ahead = taken.load(Ordering::Relaxed) - given_out;
            assert!(ahead <= 4, "{ahead} pieces in memory after {given_out}");
        }
    }

    #[tokio::test]
    async fn headers_of_a_part_that_never_end_are_given_up() {
        let endless =
            futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 65_536])));
        let start = futures::stream::iter([Ok(Bytes::from_static(b"--b\r\nContent-Disposition: "))]);
        let body = Body::from_stream(start.chain(endless));
        let (stream, fault) = guard_form(body, &Config::default(), &CancellationToken::new());
        let request = Request::builder().header("content-type", "multipart/form-data; boundary=b");
        let mut request = request.body(Body::from_stream(stream)).unwrap();
        DefaultBodyLimit::disable().apply(&mut request);
        let mut form = Multipart::from_request(request, &()).await.unwrap();
        assert!(form.next_field().await.is_err());
        assert_eq!(fault.or(Problem::new(Kind::Internal)).kind(), Kind::TooLarge);
    }

    #[tokio::test]
    async fn a_body_that_never_goes_on_is_given_up() {
        let config = Config { upload_idle_timeout: Duration::from_millis(1), ..Config::default() };
        let silent = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let (stream, fault) = guard(Body::from_stream(silent), &config, &CancellationToken::new());
        assert!(Box::pin(stream).next().await.unwrap().is_err());
        assert_eq!(fault.or(Problem::new(Kind::Internal)).kind(), Kind::RequestTimeout);
    }
}
