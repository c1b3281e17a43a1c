//! The jobs that a worker runs at the moment, so that one can be told to stop.

use crate::lease::{Status, Stop};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// By the id of their analysis.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<HashMap<Uuid, Arc<Status>>>);

/// A job is among the running ones for as long as this lives.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    running: &'a Running,
    analysis_id: Uuid,
    status: Arc<Status>,
}

impl Running {
    /// Takes up a job. One that lost its lease may still be ending when the worker claims its analysis again: the
    /// later one counts.
    pub(crate) fn enter(&self, analysis_id: Uuid, status: &Arc<Status>) -> Entry<'_> {
        self.lock().insert(analysis_id, status.clone());
        Entry { running: self, analysis_id, status: status.clone() }
    }

    /// Tells the job of an analysis to stop, if it runs here.
    pub(crate) fn cancel(&self, analysis_id: Uuid) {
        if let Some(status) = self.lock().get(&analysis_id) {
            status.set_stop(Stop::Cancelled);
        }
    }

    // The map is whole between any two calls.
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Status>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut running = self.running.lock();
        if running.get(&self.analysis_id).is_some_and(|status| Arc::ptr_eq(status, &self.status)) {
            running.remove(&self.analysis_id);
        }
    }
}
