//! Whose grid is decoded when: one of a person at a time, and a few in all.

use crate::problem::Problem;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use uuid::Uuid;

/// Grids that are decoded at a time. One of a 5-minute track takes some tens of ms, one of ten hours a few seconds and up to
/// 150 MB.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// The place of each person who has a turn or waits for one.
static PLACES: LazyLock<Mutex<HashMap<Uuid, Weak<Semaphore>>>> = LazyLock::new(Mutex::default);

/// Leave to decode, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _place: OwnedSemaphorePermit,
    _one_of_all: SemaphorePermit<'static>,
}

impl Turn {
    /// Waits for a turn of `user_id`. Who asks for many waits for themselves: of the places for all they have one.
    pub(super) async fn of(user_id: Uuid) -> Result<Self, Problem> {
        let place = place(user_id).acquire_owned().await.map_err(Problem::internal)?;
        let one_of_all = AT_ONCE.acquire().await.map_err(Problem::internal)?;
        Ok(Self { _place: place, _one_of_all: one_of_all })
    }
}

fn place(user_id: Uuid) -> Arc<Semaphore> {
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = places.get(&user_id).and_then(Weak::upgrade) {
        return place;
    }
    places.retain(|_, place| place.strong_count() > 0);
    let place = Arc::new(Semaphore::new(1));
    places.insert(user_id, Arc::downgrade(&place));
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn one_person_takes_one_place() {
        let (ada, eve) = (Uuid::new_v4(), Uuid::new_v4());
        let now = |user_id| Turn::of(user_id).now_or_never();
        let first = now(ada).unwrap().unwrap();
        assert!(now(ada).is_none());
        let other = now(eve).unwrap().unwrap();
        drop(first);
        assert!(now(ada).is_some());
        drop(other);
        assert_eq!(PLACES.lock().unwrap().values().filter(|place| place.strong_count() > 0).count(), 0);
    }
}
