//! What a server remembers about those who ask: what they may do, how often they asked, and whom it has refused.

use crate::config::Config;
use crate::entitlements::Entitlements;
use crate::health::Readiness;
use crate::limits::Limits;
use crate::places::Places;
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;
use store::access::Action;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How often the same refusal of the same person is written down: once in this time.
const REFUSAL_PERIOD: Duration = Duration::from_secs(60);

/// Most refusals remembered.
const REFUSALS: u64 = 10_000;

/// How long a person's place in a queue is remembered after they last came: longer than any request waits.
const QUEUED_FOR: Duration = Duration::from_secs(600);

/// The memory of a server. Everything in it is bounded and goes by itself.
#[derive(Debug)]
pub(crate) struct Manners {
    pub(crate) entitlements: Entitlements,
    pub(crate) limits: Limits,
    pub(crate) readiness: Readiness,
    /// Bodies of audio under way, of each person.
    pub(crate) bodies: Places<Uuid>,
    /// Announced uploads whose audio is under way.
    pub(crate) contents: Places<Uuid>,
    /// Exports on disk, of each person.
    pub(crate) files: Places<Uuid>,
    making: Cache<Uuid, Arc<Semaphore>>,
    refusals: Cache<(Uuid, &'static str, &'static str), ()>,
}

impl Manners {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            entitlements: Entitlements::new(config.entitlements_age),
            limits: Limits::new(config),
            readiness: Readiness::default(),
            bodies: Places::default(),
            contents: Places::default(),
            files: Places::default(),
            making: Cache::builder().max_capacity(REFUSALS).time_to_idle(QUEUED_FOR).build(),
            refusals: Cache::builder().max_capacity(REFUSALS).time_to_live(REFUSAL_PERIOD).build(),
        }
    }

    /// The place of a person in the queue for exports: whoever asks for many stands there once.
    pub(crate) fn making(&self, user_id: Uuid) -> Arc<Semaphore> {
        self.making.get_with(user_id, || Arc::new(Semaphore::new(1)))
    }

    /// Whether `user_id` was not refused the same a moment ago: whoever tries again and again fills no table.
    pub(crate) fn is_first_refusal(&self, user_id: Uuid, resource: &'static str, action: Action) -> bool {
        self.refusals.entry((user_id, resource, action.as_str())).or_insert(()).is_fresh()
    }
}
