//! Ctrl-C and SIGTERM for commands that live in no async runtime.

use crate::say;
use anyhow::{Context, Result};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// The exit status of what Ctrl-C or SIGTERM ended: 128 and the signal's number, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;
/// Of SIGTERM.
pub(crate) const TERMINATED: u8 = 143;

/// Whether to end, for all who share it.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<Shared>);

#[derive(Default)]
struct Shared {
    asked: AtomicBool,
    /// The status of the signal that asked; 0 where none did.
    status: AtomicU8,
    sleep: Mutex<()>,
    changed: Condvar,
}

impl Stop {
    /// Asked for by the first Ctrl-C or SIGTERM; a second one ends the process at once.
    ///
    /// # Errors
    /// The system gives no thread or no signals.
    pub(crate) fn on_signal() -> Result<Self> {
        let stop = Self::default();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("failed to start listening for Ctrl-C")?;
        // Here rather than on the thread: from now on no signal is missed.
        let listening = runtime.enter();
        let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
        drop(listening);
        let asked = stop.clone();
        let listen = async move {
            loop {
                let status = tokio::select! {
                    _ = interrupt.recv() => INTERRUPTED,
                    _ = terminate.recv() => TERMINATED,
                };
                if asked.is_asked() {
                    std::process::exit(status.into());
                }
                asked.0.status.store(status, Ordering::Relaxed);
                asked.ask();
            }
        };
        let thread = std::thread::Builder::new().name("arsis-signals".into());
        thread.spawn(move || runtime.block_on(listen)).context("failed to listen for Ctrl-C")?;
        Ok(stop)
    }

    /// Asks to end.
    pub(crate) fn ask(&self) {
        let sleep = self.0.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.asked.store(true, Ordering::Relaxed);
        drop(sleep);
        self.0.changed.notify_all();
    }

    /// Whether somebody has asked.
    pub(crate) fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// The exit status of what a signal ended.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.0.status.load(Ordering::Relaxed) {
            0 => ExitCode::from(INTERRUPTED),
            status => ExitCode::from(status),
        }
    }

    /// Fails with the error that ends an analysis once somebody has asked.
    pub(crate) fn check(&self) -> analysis_core::Result<()> {
        if self.is_asked() { Err(analysis_core::Error::Cancelled) } else { Ok(()) }
    }

    /// Sleeps so long, or until somebody asks.
    pub(crate) fn sleep(&self, time: Duration) {
        let sleep = self.0.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.0.changed.wait_timeout_while(sleep, time, |()| !self.is_asked());
        drop(waiting);
    }
}

/// A thread that waits for signals says nothing: the command says how it ended.
pub(crate) fn say_stopped(done: usize, files: usize) {
    say::err(format_args!("arsis: stopped; {done} of {files} files are done"));
}
