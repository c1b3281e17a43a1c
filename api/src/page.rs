//! Lists in pages: an opaque cursor leads to the next one, and rows inserted meanwhile shift nothing.

use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;
use std::fmt::Display;
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
    pub(crate) cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    pub(crate) limit: Option<u32>,
}

/// The list that is asked for: its address and its filters. Its cursors name it, and no other list takes them.
#[derive(Debug)]
pub(crate) struct List {
    /// First bytes of a digest.
    name: [u8; 6],
}

impl<S: Send + Sync> FromRequestParts<S> for List {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::at(&parts.uri))
    }
}

impl List {
    /// All of the address counts, but where to go on and how many; parameters in any order.
    pub(crate) fn at(uri: &Uri) -> Self {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let mut filters: Vec<_> =
            pairs.filter(|(name, _)| !["cursor", "limit"].contains(&name.as_ref())).collect();
        filters.sort();
        let mut digest = Sha256::new_with_prefix(uri.path());
        for (name, value) in &filters {
            // Neither holds a NUL: what one ends and the next begins with is told apart.
            digest.update(format!("\0{name}\0{value}"));
        }
        let digest: [u8; 32] = digest.finalize().into();
        Self { name: std::array::from_fn(|i| digest[i]) }
    }

    /// A place in the list, told by a sort key and the id that decides between equal keys.
    pub(crate) fn cursor(&self, key: impl Display, id: Uuid) -> String {
        format!("{}.{}.{key}", id.simple(), URL_SAFE_NO_PAD.encode(self.name))
    }

    /// A place in a list ordered by time.
    pub(crate) fn time_cursor(&self, at: OffsetDateTime, id: Uuid) -> String {
        self.cursor(time_key(at), id)
    }

    /// Reads [`List::cursor`], if there is one; `parse` reads the key.
    pub(crate) fn after<K>(
        &self,
        cursor: Option<&str>,
        parse: impl Fn(&str) -> Option<K>,
    ) -> Result<Option<(K, Uuid)>, Problem> {
        let read = |cursor: &str| {
            let (id, rest) = cursor.split_once('.')?;
            let key = rest.strip_prefix(&URL_SAFE_NO_PAD.encode(self.name))?.strip_prefix('.')?;
            Some((parse(key)?, Uuid::try_parse(id).ok()?))
        };
        let foreign =
            || Problem::invalid_field("cursor", "is not a cursor that this list gave, with these filters");
        cursor.map(|cursor| read(cursor).ok_or_else(foreign)).transpose()
    }

    /// Reads [`List::time_cursor`], if there is one.
    pub(crate) fn after_time(&self, cursor: Option<&str>) -> Result<Option<(OffsetDateTime, Uuid)>, Problem> {
        self.after(cursor, parse_time_key)
    }

    /// After what, and how many, of a list ordered by time.
    pub(crate) fn check(
        &self,
        cursor: Option<&str>,
        asked: Option<u32>,
    ) -> Result<(Option<Position>, u32), Problem> {
        let limit = limit(asked, MAX_LIMIT)?;
        let after = self.after_time(cursor)?;
        Ok((after.map(|(created_at, id)| Position { created_at, id }), limit))
    }
}

/// Checks how many items are asked for.
pub(crate) fn limit(asked: Option<u32>, max: u32) -> Result<u32, Problem> {
    match asked {
        None => Ok(DEFAULT_LIMIT.min(max)),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::invalid_field("limit", format!("must be 1 to {max}"))),
    }
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

    fn list(uri: &str) -> List {
        List::at(&uri.parse().unwrap())
    }

    proptest! {
        #[test]
        fn cursors_survive_the_journey(micros in -1_000_000_000_000_000_i64..4_000_000_000_000_000, id: u128) {
            let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap();
            let id = Uuid::from_u128(id);
            let cursor = list("/v1/tracks?tag=a&q=b&limit=1").time_cursor(at, id);
            let again = list("/v1/tracks?limit=7&q=b&cursor=x&tag=a").after_time(Some(&cursor)).unwrap();
            prop_assert_eq!(again, Some((at, id)));
            for other in ["/v1/tracks?tag=a", "/v1/tracks?tag=b&q=a", "/v1/webhooks?tag=a&q=b", "/v1/tracks?tag=a%26q=b"] {
                prop_assert!(list(other).after_time(Some(&cursor)).is_err(), "{}", other);
            }
        }

        #[test]
        fn nonsense_is_refused_and_never_panics(text in ".*") {
            let _ = list("/v1/tracks").after_time(Some(&text));
        }
    }
}
