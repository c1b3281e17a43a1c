//! The stretch of a reader that holds the audio, seen from zero, with header fields corrected on the way.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

/// Where in the reader the container lies, and which of its bytes to read differently.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    /// First byte of the container, past leading tags.
    pub(super) start: u64,
    /// One past its last byte, before trailing tags.
    pub(super) end: u64,
    /// Replacement bytes by offset from `start`, in ascending order, not overlapping: streamed files leave
    /// sizes in their headers that a demuxer cannot work with.
    pub(super) patches: Vec<(u64, [u8; 4])>,
    /// Whether to tell the demuxer that it cannot seek.
    pub(super) forward_only: bool,
}

/// The first failure of the reader itself, kept apart from what a demuxer makes of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<io::Error>>>);

impl Failure {
    /// Takes the failure, if there was one.
    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn note(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        io::Error::from(kind)
    }
}

/// A reader limited to a [`Window`].
pub(super) struct Source<R> {
    reader: R,
    window: Window,
    position: u64,
    failure: Failure,
}

impl<R: Read + Seek> Source<R> {
    /// Places the reader at the start of the window.
    pub(super) fn new(mut reader: R, window: Window, failure: Failure) -> io::Result<Self> {
        reader.seek(SeekFrom::Start(window.start))?;
        Ok(Self { reader, window, position: 0, failure })
    }

    fn len(&self) -> u64 {
        self.window.end - self.window.start
    }

    /// Overwrites what lies under a patch in `bytes`, read from `position` on.
    fn patch(&self, bytes: &mut [u8]) {
        for (offset, patch) in &self.window.patches {
            for (at, value) in (*offset..).zip(patch) {
                let index = at.checked_sub(self.position).and_then(|index| usize::try_from(index).ok());
                if let Some(byte) = index.and_then(|index| bytes.get_mut(index)) {
                    *byte = *value;
                }
            }
        }
    }
}

impl<R: Read + Seek> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len().saturating_sub(self.position)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let count = loop {
            match self.reader.read(&mut buffer[..wanted]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failure.note(error)),
                Ok(count) => break count,
            }
        };
        self.patch(&mut buffer[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Source<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
            SeekFrom::End(delta) => self.len().checked_add_signed(delta),
        };
        // Past the end there is nothing to read; a header that points there must not make the reader fail.
        let target = target.ok_or(io::ErrorKind::InvalidInput)?.min(self.len());
        self.reader.seek(SeekFrom::Start(self.window.start + target)).map_err(|e| self.failure.note(e))?;
        self.position = target;
        Ok(target)
    }
}

impl<R: Read + Seek + Send + Sync> MediaSource for Source<R> {
    fn is_seekable(&self) -> bool {
        !self.window.forward_only
    }

    fn byte_len(&self) -> Option<u64> {
        (!self.window.forward_only).then(|| self.len())
    }
}
