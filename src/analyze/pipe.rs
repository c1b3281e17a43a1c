//! What comes through a pipe, standard input or a named one, as a file that can be read back and forth.

use super::output::unnamed;
use crate::say;
use crate::stop::Stop;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Read at a time.
const PORTION_BYTES: usize = 1 << 18;
/// Portions that are read ahead of what is written.
const AHEAD: usize = 4;
/// How long it takes at most to see that somebody wants it to end.
const LOOK: Duration = Duration::from_millis(100);

/// Copies standard input.
///
/// # Errors
/// As [`copy`].
pub(crate) fn copy_stdin(stop: &Stop) -> Result<File> {
    if std::io::stdin().is_terminal() {
        say::err(format_args!(
            "arsis: reading audio from the terminal; to read a file: arsis analyze - < FILE"
        ));
    }
    copy(|| Ok(std::io::stdin()), stop)
}

/// Copies what `open` opens to a temporary file. A reader that waits for somebody who sends nothing cannot be woken, nor
/// can who opens a pipe that nobody writes to: they have a thread of their own, which the end of the process ends.
///
/// # Errors
/// Opening, reading or writing failed; [`analysis_core::Error::Cancelled`] when it was stopped.
pub(crate) fn copy<R: Read>(
    open: impl FnOnce() -> std::io::Result<R> + Send + 'static,
    stop: &Stop,
) -> Result<File> {
    let mut file = unnamed()?;
    let (sender, portions) = sync_channel(AHEAD);
    let reader = thread::Builder::new().name("arsis-pipe".into()).spawn(move || match open() {
        Ok(pipe) => read(pipe, &sender),
        Err(error) => drop(sender.send(Err(error))),
    });
    reader.context("failed to start reading the input")?;
    while let Some(portion) = next(&portions, stop)? {
        let portion = portion.context("failed to read the input")?;
        file.write_all(&portion).context("failed to keep the input in a temporary file")?;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// The next portion; `None` at the end.
fn next(
    portions: &Receiver<std::io::Result<Vec<u8>>>,
    stop: &Stop,
) -> Result<Option<std::io::Result<Vec<u8>>>> {
    loop {
        stop.check()?;
        match portions.recv_timeout(LOOK) {
            Ok(portion) => return Ok(Some(portion)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn read(mut pipe: impl Read, sender: &SyncSender<std::io::Result<Vec<u8>>>) {
    loop {
        let mut portion = Vec::with_capacity(PORTION_BYTES);
        let read = pipe.by_ref().take(PORTION_BYTES as u64).read_to_end(&mut portion);
        let ended = !matches!(read, Ok(1..));
        let portion = read.map(|_| portion);
        // An empty portion ends it like a receiver that has gone; an error is the last thing said.
        if matches!(&portion, Ok(portion) if portion.is_empty()) || sender.send(portion).is_err() || ended {
            return;
        }
    }
}
