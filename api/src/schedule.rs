//! When an analysis may be asked to run: its priority, and its time.

use crate::problem::Problem;
use crate::request::Caller;
use crate::rights;
use crate::text::Checks;
use store::PgConnection;
use store::access::Action;
use time::{Duration, OffsetDateTime};

/// Highest and lowest priority.
const PRIORITIES: std::ops::RangeInclusive<i16> = -100..=100;

/// How far ahead an analysis may be asked for.
const HORIZON: Duration = Duration::days(366);

/// Notes a priority outside of what there is.
pub(crate) fn check_priority(priority: Option<i16>, checks: &mut Checks) {
    if priority.is_some_and(|priority| !PRIORITIES.contains(&priority)) {
        let (lowest, highest) = PRIORITIES.into_inner();
        checks.refuse("#/priority", format!("must be {lowest} to {highest}"));
    }
}

/// Notes a time that is too far ahead.
pub(crate) fn check_run_at(run_at: Option<OffsetDateTime>, checks: &mut Checks) {
    if run_at.is_some_and(|at| at > OffsetDateTime::now_utc() + HORIZON) {
        checks.refuse("#/run_at", "must be at most a year ahead");
    }
}

/// Whether `caller` may ask for this priority: coming before others is for operators.
pub(crate) async fn allow(
    db: &mut PgConnection,
    caller: &Caller,
    priority: Option<i16>,
) -> Result<(), Problem> {
    if priority.is_some_and(|priority| priority > 0) && !rights::operates(db, caller, Action::Update).await? {
        return Err(Problem::invalid_field("#/priority", "must be 0 or less: more is for operators"));
    }
    Ok(())
}
