//! Standard input as a file that can be read back and forth.

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

/// Copies standard input to a temporary file. A reader that waits for somebody who sends nothing cannot be woken: it has
/// a thread of its own, which the end of the process ends.
///
/// # Errors
/// Reading or writing failed; [`analysis_core::Error::Cancelled`] when it was stopped.
pub(crate) fn copy(stop: &Stop) -> Result<File> {
    if std::io::stdin().is_terminal() {
        say::err(format_args!(
            "arsis: reading audio from the terminal; to read a file: arsis analyze - < FILE"
        ));
    }
    let mut file = tempfile::tempfile().context("failed to create a temporary file")?;
    let (sender, portions) = sync_channel(AHEAD);
    let reader = thread::Builder::new().name("arsis-stdin".into()).spawn(move || read(&sender));
    reader.context("failed to start reading standard input")?;
    while let Some(portion) = next(&portions, stop)? {
        let portion = portion.context("failed to read standard input")?;
        file.write_all(&portion).context("failed to keep standard input in a temporary file")?;
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

fn read(sender: &SyncSender<std::io::Result<Vec<u8>>>) {
    let mut stdin = std::io::stdin().lock();
    loop {
        let mut portion = Vec::with_capacity(PORTION_BYTES);
        let read = stdin.by_ref().take(PORTION_BYTES as u64).read_to_end(&mut portion);
        let ended = !matches!(read, Ok(1..));
        let portion = read.map(|_| portion);
        // An empty portion ends it like a receiver that has gone; an error is the last thing said.
        if matches!(&portion, Ok(portion) if portion.is_empty()) || sender.send(portion).is_err() || ended {
            return;
        }
    }
}
