//! What people may do through their roles, remembered for a moment.
//!
//! Only what is allowed is remembered: a grant counts at once, and one that was taken away in the database counts for
//! [`Config::entitlements_age`](crate::Config::entitlements_age) at most. What this process takes away itself it forgets.

use crate::problem::Problem;
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::PgConnection;
use store::access::{self, Action, Held};
use uuid::Uuid;

/// Most people remembered. Few have roles.
const CAPACITY: u64 = 10_000;

/// The memory; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Entitlements(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    age: Duration,
    known: Cache<Uuid, Arc<Known>>,
    /// How often something was forgotten: what was read before then must not be remembered after.
    forgotten: AtomicU64,
}

/// What someone was allowed at a moment.
#[derive(Debug)]
struct Known {
    held: Held,
    read_at: Instant,
}

impl Known {
    /// Whether it allows that still. A grant that has expired since counts no more.
    fn allows(&self, resource: &str, action: Action) -> bool {
        let lasts = |lasts: Option<Duration>| lasts.is_none_or(|lasts| self.read_at.elapsed() < lasts);
        self.held.find(resource, action).is_some_and(|held| lasts(held.lasts))
    }
}

impl Entitlements {
    /// Remembers for `age`; zero is not at all.
    pub(crate) fn new(age: Duration) -> Self {
        let known = Cache::builder().max_capacity(CAPACITY).time_to_live(age).build();
        Self(Arc::new(Inner { age, known, forgotten: AtomicU64::new(0) }))
    }

    /// Whether a role of `user_id` allows `action` on every `resource`.
    pub(crate) async fn allow(
        &self,
        db: &mut PgConnection,
        user_id: Uuid,
        resource: &str,
        action: Action,
    ) -> Result<bool, Problem> {
        if self.0.known.get(&user_id).is_some_and(|known| known.allows(resource, action)) {
            return Ok(true);
        }
        let (forgotten, read_at) = (self.0.forgotten.load(Ordering::Acquire), Instant::now());
        let known = Known { held: access::held(db, user_id).await?, read_at };
        let allowed = known.allows(resource, action);
        if allowed && !self.0.age.is_zero() && self.0.forgotten.load(Ordering::Acquire) == forgotten {
            self.0.known.insert(user_id, Arc::new(known));
        }
        Ok(allowed)
    }

    /// Forgets what `user_id` may do. Call it when what changed is committed.
    pub(crate) fn forget(&self, user_id: Uuid) {
        self.0.forgotten.fetch_add(1, Ordering::AcqRel);
        self.0.known.invalidate(&user_id);
    }
}
