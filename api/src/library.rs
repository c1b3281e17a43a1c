//! The list of tracks as a library page wants it: filtered, in an order, page by page.

use crate::extract::Query;
use crate::page::{self, List, Page};
use crate::problem::Problem;
use crate::request::Caller;
use crate::state::App;
use crate::text::{self, Checks};
use crate::views::TrackView;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use store::library::{self, Filter, Order, Rank};
use store::tracks::Track;
use utoipa::{IntoParams, ToSchema};

/// Longest text searched for, in characters.
const SEARCH: usize = 200;

/// What tracks are ordered by.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    /// When they were uploaded.
    #[default]
    CreatedAt,
    /// Name; capitals count as small letters.
    Name,
    /// Tempo; tracks without one count as slowest.
    Bpm,
    /// Length; tracks without one count as shortest.
    DurationMs,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// Smallest, earliest or first in the alphabet first.
    Asc,
    /// The other way round.
    Desc,
}

/// What a track's state may be.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TrackStatus {
    /// Its first analysis is to come or runs.
    Processing,
    /// It has a result.
    Ready,
    /// Its analysis failed.
    Error,
}

/// Which tracks to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Keep tracks of this status only.
    #[param(inline)]
    status: Option<TrackStatus>,
    /// Keep tracks with this text in name, artist or album, 1 to 200 characters; capitals count as small letters.
    #[param(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    q: Option<String>,
    /// Keep tracks with exactly this label, 1 to 100 characters.
    #[param(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    tag: Option<String>,
    /// What to order by. Default `created_at`.
    #[param(inline)]
    sort: Option<Sort>,
    /// Which way. Default `desc` by `created_at`, else `asc`.
    #[param(inline)]
    order: Option<Direction>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl ListQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let mut checks = Checks::default();
        let mut given =
            |name, max, value: &Option<String>| value.clone().map(|value| checks.required(name, max, value));
        let (text, tag) = (given("q", SEARCH, &self.q), given("tag", text::TAG, &self.tag));
        let status = self.status.map(|status| match status {
            TrackStatus::Processing => "processing".to_owned(),
            TrackStatus::Ready => "ready".to_owned(),
            TrackStatus::Error => "error".to_owned(),
        });
        checks.finish().map(|()| Filter { status, text, tag })
    }

    fn order(&self) -> (Order, bool) {
        let order = match self.sort.unwrap_or_default() {
            Sort::CreatedAt => Order::Created,
            Sort::Name => Order::Name,
            Sort::Bpm => Order::Bpm,
            Sort::DurationMs => Order::Duration,
        };
        let default = if order == Order::Created { Direction::Desc } else { Direction::Asc };
        (order, self.order.unwrap_or(default) == Direction::Desc)
    }
}

/// Your tracks, newest first unless another order is asked for.
#[utoipa::path(get, path = "/v1/tracks", tag = "tracks", params(ListQuery),
    responses((status = 200, body = Page<TrackView>), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    list: List,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<Page<TrackView>>, Problem> {
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let (filter, order) = (query.filter()?, query.order());
    let after = list.after(query.cursor.as_deref(), |key| read_rank(order.0, key))?;
    let mut db = app.db().await?;
    let rows = library::list(&mut db, caller.user_id(), &filter, order, after, i64::from(limit) + 1).await?;
    let cursor = |track: &Track| list.cursor(write_rank(&order.0.rank(track)), track.id);
    Ok(axum::Json(Page::new(rows, limit, cursor)))
}

fn write_rank(rank: &Rank) -> String {
    match rank {
        Rank::Time(at) => page::time_key(*at).to_string(),
        Rank::Text(text) => URL_SAFE_NO_PAD.encode(text),
        // The shortest decimals that read back as the same number.
        Rank::Number(number) => number.to_string(),
    }
}

/// Reads [`write_rank`].
fn read_rank(order: Order, key: &str) -> Option<Rank> {
    match order {
        Order::Created => page::parse_time_key(key).map(Rank::Time),
        Order::Name => {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
            (!text.contains('\0')).then_some(Rank::Text(text))
        }
        Order::Bpm | Order::Duration => {
            key.parse::<f32>().ok().filter(|number| number.is_finite()).map(Rank::Number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_survive_the_journey(name in "[^\\x00]*", number in 0_f32..1e6) {
            let ranks = [
                (Order::Name, Rank::Text(name)),
                (Order::Bpm, Rank::Number(number)),
                (Order::Duration, Rank::Number(-1.0)),
            ];
            for (order, rank) in ranks {
                let key = write_rank(&rank);
                prop_assert!(key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
                prop_assert_eq!(read_rank(order, &key), Some(rank));
            }
        }

        #[test]
        fn nonsense_is_refused_and_never_panics(text in ".*") {
            for order in [Order::Created, Order::Name, Order::Bpm, Order::Duration] {
                let _ = read_rank(order, &text);
            }
        }
    }
}
