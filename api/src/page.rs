//! Lists in pages: an opaque cursor leads to the next one, and rows inserted meanwhile shift nothing.

use crate::problem::Problem;
use serde::{Deserialize, Serialize};
use store::position::Position;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Most items on a page.
pub(crate) const MAX_LIMIT: u32 = 100;

/// Items on a page when nothing is asked for.
pub(crate) const DEFAULT_LIMIT: u32 = 50;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of at most `limit` items from one more than that many, where there are.
    pub(crate) fn new<R>(rows: Vec<R>, limit: u32, cursor: impl Fn(&R) -> String) -> Self
    where
        T: From<R>,
    {
        Self::with(rows, limit, cursor, T::from)
    }

    /// [`Page::new`], with `view` to make an item of a row.
    pub(crate) fn with<R>(
        mut rows: Vec<R>,
        limit: u32,
        cursor: impl Fn(&R) -> String,
        view: impl Fn(R) -> T,
    ) -> Self {
        let limit = limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(cursor) } else { None };
        Self { items: rows.into_iter().map(view).collect(), next_cursor }
    }
}

/// Where in a list to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl ListQuery {
    /// After what, and how many.
    pub(crate) fn check(&self) -> Result<(Option<Position>, u32), Problem> {
        check(self.cursor.as_deref(), self.limit)
    }
}

/// After what, and how many, of a list ordered by time.
pub(crate) fn check(cursor: Option<&str>, asked: Option<u32>) -> Result<(Option<Position>, u32), Problem> {
    let limit = limit(asked, MAX_LIMIT)?;
    let after = cursor.map(|cursor| read_cursor(cursor, parse_time_key)).transpose()?;
    Ok((after.map(|(created_at, id)| Position { created_at, id }), limit))
}

/// Checks how many items are asked for.
pub(crate) fn limit(asked: Option<u32>, max: u32) -> Result<u32, Problem> {
    match asked {
        None => Ok(DEFAULT_LIMIT.min(max)),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::invalid_field("limit", format!("must be 1 to {max}"))),
    }
}

/// A place in a list, told by a sort key and the id that decides between equal keys.
pub(crate) fn write_cursor(key: impl std::fmt::Display, id: Uuid) -> String {
    format!("{}.{key}", id.simple())
}

/// Reads [`write_cursor`]; `parse` reads the key.
pub(crate) fn read_cursor<K>(cursor: &str, parse: impl Fn(&str) -> Option<K>) -> Result<(K, Uuid), Problem> {
    let read = || {
        let (id, key) = cursor.split_once('.')?;
        Some((parse(key)?, Uuid::try_parse(id).ok()?))
    };
    read().ok_or_else(|| Problem::invalid_field("cursor", "is not a cursor that this list gave"))
}

/// The key of lists ordered by time: microseconds since 1970, PostgreSQL's own resolution.
pub(crate) fn time_key(at: OffsetDateTime) -> i128 {
    at.unix_timestamp_nanos() / 1000
}

/// Reads [`time_key`]. Years before 1, which no row of ours can have, are none: PostgreSQL ends in 4714 BC.
pub(crate) fn parse_time_key(key: &str) -> Option<OffsetDateTime> {
    let micros = key.parse::<i64>().ok()?;
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok().filter(|at| at.year() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cursors_survive_the_journey(micros in -1_000_000_000_000_000_i64..4_000_000_000_000_000, id: u128) {
            let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap();
            let cursor = write_cursor(time_key(at), Uuid::from_u128(id));
            prop_assert_eq!(read_cursor(&cursor, parse_time_key).unwrap(), (at, Uuid::from_u128(id)));
        }

        #[test]
        fn nonsense_is_refused_and_never_panics(text in ".*") {
            let _ = read_cursor(&text, parse_time_key);
        }
    }
}
