//! What a server remembers about those who ask: what they may do, how often they asked, and whom it has refused.

use crate::config::Config;
use crate::entitlements::Entitlements;
use crate::health::Readiness;
use crate::limits::Limits;
use moka::sync::Cache;
use std::time::Duration;
use store::access::Action;
use uuid::Uuid;

/// How often the same refusal of the same person is written down: once in this time.
const REFUSAL_PERIOD: Duration = Duration::from_secs(60);

/// Most refusals remembered.
const REFUSALS: u64 = 10_000;

/// The memory of a server. Everything in it is bounded and goes by itself.
#[derive(Debug)]
pub(crate) struct Manners {
    pub(crate) entitlements: Entitlements,
    pub(crate) limits: Limits,
    pub(crate) readiness: Readiness,
    refusals: Cache<(Uuid, &'static str, &'static str), ()>,
}

impl Manners {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            entitlements: Entitlements::new(config.entitlements_age),
            limits: Limits::new(config),
            readiness: Readiness::default(),
            refusals: Cache::builder().max_capacity(REFUSALS).time_to_live(REFUSAL_PERIOD).build(),
        }
    }

    /// Whether `user_id` was not refused the same a moment ago: whoever tries again and again fills no table.
    pub(crate) fn is_first_refusal(&self, user_id: Uuid, resource: &'static str, action: Action) -> bool {
        self.refusals.entry((user_id, resource, action.as_str())).or_insert(()).is_fresh()
    }
}
