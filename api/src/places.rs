//! Places of which each of many may hold a few at a time: connections of an address, uploads of a person.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Who holds how many places. Who holds none is not remembered.
#[derive(Debug)]
pub(crate) struct Places<K: Hash + Eq + Copy>(Arc<Mutex<HashMap<K, usize>>>);

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Hash + Eq + Copy> {
    key: K,
    held: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Hash + Eq + Copy> Default for Places<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Hash + Eq + Copy> Places<K> {
    /// One more place for `key`, unless it holds `most` already.
    pub(crate) fn take(&self, key: K, most: usize) -> Option<Place<K>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(&key).is_some_and(|count| *count >= most) {
            return None;
        }
        *held.entry(key).or_insert(0) += 1;
        drop(held);
        Some(Place { key, held: self.0.clone() })
    }
}

impl<K: Hash + Eq + Copy> Drop for Place<K> {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_places_of_its_own_and_gives_them_back() {
        let places = Places::default();
        let (first, second) = (places.take('a', 2), places.take('a', 2));
        assert!(first.is_some() && second.is_some());
        assert!(places.take('a', 2).is_none() && places.take('b', 2).is_some());
        drop(first);
        assert!(places.take('a', 2).is_some());
        drop(second);
        assert!(places.0.lock().unwrap().is_empty(), "nobody is remembered for ever");
    }
}
