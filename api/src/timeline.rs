//! What annotations and regions have in common: both are said of a stretch of a track, by someone, in numbers.

pub(crate) mod bulk;
pub(crate) mod fields;
pub(crate) mod import;
pub(crate) mod listing;
pub(crate) mod saved;
pub(crate) mod standing;
pub(crate) mod version;

use crate::problem::{Kind, Problem};
use store::PgConnection;
use store::annotations::Counts;
use store::tracks::{self, Track};
use uuid::Uuid;

/// Most of either kind that one person has on a track.
pub(crate) const MAX_OF_AUTHOR: i64 = 10_000;

/// Most of either kind on a track.
pub(crate) const MAX_OF_TRACK: i64 = 50_000;

/// Longest title or name, in characters.
pub(crate) const LINE: usize = 200;

/// Longest free text, in characters.
pub(crate) const TEXT: usize = 4000;

/// Length of a track in ms, where it is known.
pub(crate) fn length_ms(track: &Track) -> Option<i32> {
    let length_ms = analysis_core::units::seconds_to_ms(f64::from(track.duration_seconds?));
    Some(i32::try_from(length_ms).unwrap_or(i32::MAX))
}

/// Holds a track while something is added to it.
pub(crate) async fn hold(db: &mut PgConnection, track_id: Uuid) -> Result<(), Problem> {
    if tracks::hold(db, track_id).await? { Ok(()) } else { Err(Problem::new(Kind::NotFound)) }
}

/// Whether there is room for `more` beside those counted.
pub(crate) fn check_room(counts: Counts, more: usize) -> Result<(), Problem> {
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    if counts.of_author.saturating_add(more) > MAX_OF_AUTHOR {
        let detail = format!("one person has at most {MAX_OF_AUTHOR} on a track");
        return Err(Problem::detailed(Kind::LimitReached, detail));
    }
    if counts.of_all.saturating_add(more) > MAX_OF_TRACK {
        return Err(Problem::detailed(Kind::LimitReached, format!("a track has at most {MAX_OF_TRACK}")));
    }
    Ok(())
}
