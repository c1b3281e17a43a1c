//! Whether a connection is at something: a request that is being answered, an answer that waits for us, or bytes that go
//! out. One whose other end asks for nothing, or does not read what it asked for, is at nothing.

use axum::body::{Body, Bytes};
use axum::http::Response;
use hyper::body::{Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Fewest bytes of answers that must go out within the patience to count, where nothing else happens. Answers to pings of
/// HTTP/2 are far fewer.
const LEAST_BYTES: u64 = 16 << 10;

/// What happens on one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Requests that are being answered, and answers that wait for us and not for their reader.
    busy: AtomicUsize,
    /// How often something began, went on or ended.
    steps: AtomicU64,
    /// Bytes that went out.
    written: AtomicU64,
}

/// Something that we are busy with until it is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Activity);

impl Activity {
    /// We are at a request until what is returned is dropped.
    pub(crate) fn begin(&self) -> Busy {
        self.0.busy.fetch_add(1, Relaxed);
        self.step();
        Busy(self.clone())
    }

    fn step(&self) {
        self.0.steps.fetch_add(1, Relaxed);
    }

    /// Ends once nothing has happened for `patience`, at the latest after twice that.
    pub(crate) async fn idle(&self, patience: Duration) {
        loop {
            let (steps, written) = (self.0.steps.load(Relaxed), self.0.written.load(Relaxed));
            tokio::time::sleep(patience).await;
            let counts = &self.0;
            let silent = counts.busy.load(Relaxed) == 0 && counts.steps.load(Relaxed) == steps;
            if silent && counts.written.load(Relaxed).wrapping_sub(written) < LEAST_BYTES {
                return;
            }
        }
    }

    /// The response with a body whose progress is seen here.
    pub(crate) fn watch(&self, response: Response<Body>) -> Response<Watched> {
        response.map(|body| Watched { body, activity: self.clone(), waiting: None })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.step();
        self.0.0.busy.fetch_sub(1, Relaxed);
    }
}

/// A body of an answer.
#[derive(Debug)]
pub(crate) struct Watched {
    body: Body,
    activity: Activity,
    /// Its reader has taken all that there is and waits for more.
    waiting: Option<Busy>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(context);
        match &polled {
            Poll::Pending if this.waiting.is_none() => this.waiting = Some(this.activity.begin()),
            Poll::Pending => {}
            Poll::Ready(_) => {
                this.waiting = None;
                this.activity.step();
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream whose written bytes are counted.
#[derive(Debug)]
pub(crate) struct Counted<S> {
    pub(crate) stream: S,
    pub(crate) activity: Activity,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> Counted<S> {
    fn count(&self, written: usize) -> io::Result<usize> {
        self.activity.0.written.fetch_add(written as u64, Relaxed);
        Ok(written)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        Poll::Ready(self.count(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, bytes))?;
        Poll::Ready(self.count(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
