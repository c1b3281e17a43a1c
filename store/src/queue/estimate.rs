//! How far a running analysis is, and when it will be done.

use std::time::Duration;
use time::OffsetDateTime;

/// What its row says about a running analysis. Both times are the database's, so no host's clock plays a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// When the attempt began.
    pub started_at: Option<OffsetDateTime>,
    /// When its progress was last published.
    pub updated_at: OffsetDateTime,
    /// Audio analysed by then, in ms.
    pub done_ms: Option<i64>,
    /// Length of the audio, in ms, where the file says it.
    pub total_ms: Option<i64>,
}

impl Observed {
    /// The part that is done, 0 to 1; `None` while the length is unknown.
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        let total = self.total_ms.filter(|total| *total > 0)?;
        Some(ratio(self.done_ms?.clamp(0, total), total))
    }

    /// How long it will take from `updated_at`, if it goes on as fast as it went; `None` before there is any progress.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let fraction = self.fraction().filter(|fraction| *fraction > 0.0)?;
        let elapsed_s = (self.updated_at - self.started_at?).as_seconds_f64().max(0.0);
        Duration::try_from_secs_f64(elapsed_s * (1.0 - fraction) / fraction).ok()
    }

    /// When it will be done, by the database's clock.
    #[must_use]
    pub fn completes_at(&self) -> Option<OffsetDateTime> {
        self.updated_at.checked_add(self.remaining()?.try_into().ok()?)
    }
}

/// The lengths are far below 2^53 ms, the largest that an `f64` holds exactly.
#[expect(clippy::cast_precision_loss, reason = "as above")]
fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(elapsed_s: i64, done_ms: Option<i64>, total_ms: Option<i64>) -> Observed {
        let started_at = OffsetDateTime::UNIX_EPOCH;
        let updated_at = started_at + time::Duration::seconds(elapsed_s);
        Observed { started_at: Some(started_at), updated_at, done_ms, total_ms }
    }

    #[test]
    fn a_quarter_in_ten_seconds_leaves_thirty() {
        let quarter = observed(10, Some(15_000), Some(60_000));
        assert_eq!(quarter.fraction(), Some(0.25));
        assert_eq!(quarter.remaining(), Some(Duration::from_secs(30)));
        assert_eq!(quarter.completes_at(), Some(OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(40)));
    }

    #[test]
    fn nothing_is_said_where_nothing_is_known() {
        assert_eq!(observed(10, Some(5), None).fraction(), None);
        assert_eq!(observed(10, Some(5), Some(0)).fraction(), None);
        assert_eq!(observed(10, None, Some(5)).fraction(), None);
        let begun = observed(0, Some(0), Some(60_000));
        assert_eq!((begun.fraction(), begun.remaining()), (Some(0.0), None));
        assert_eq!(Observed { started_at: None, ..observed(9, Some(1), Some(2)) }.completes_at(), None);
    }

    #[test]
    fn a_file_longer_than_it_said_is_done_and_never_more() {
        let over = observed(10, Some(70_000), Some(60_000));
        assert_eq!((over.fraction(), over.remaining()), (Some(1.0), Some(Duration::ZERO)));
        // The clock was set back: no time is negative.
        assert_eq!(observed(-10, Some(1), Some(2)).remaining(), Some(Duration::ZERO));
        // So slow that no calendar has the day.
        assert_eq!(observed(i64::from(u32::MAX), Some(1), Some(i64::MAX)).completes_at(), None);
    }
}
