//! A person's tracks as pages of a library: filtered, in an order, from a place on.

use crate::Result;
use crate::tracks::Track;
use sqlx::PgConnection;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

/// What tracks are ordered by. Those of equal rank are ordered by id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// When they were uploaded.
    #[default]
    Created,
    /// Name, its first 500 characters, capitals like small letters, by code point.
    Name,
    /// Tempo; those without one before all others.
    Bpm,
    /// Length; those without one before all others.
    Duration,
}

/// Which tracks to list. What is `None` leaves all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this status.
    pub status: Option<String>,
    /// With this text in name, artist or album, capitals like small letters.
    pub text: Option<String>,
    /// With exactly this label.
    pub tag: Option<String>,
}

/// Where a track stands in an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Rank {
    /// In [`Order::Created`].
    Time(OffsetDateTime),
    /// In [`Order::Name`]: as much of the name as counts.
    Text(String),
    /// In [`Order::Bpm`] and [`Order::Duration`]: the value, or -1 for none.
    Number(f32),
}

/// A place in a list: that of the last track seen. Tracks inserted later do not shift it.
pub type Position = (Rank, Uuid);

/// Rank of a track without a tempo or a length. Those that others wrote may be no numbers.
const UNKNOWN: f32 = -1.0;

/// By how many characters of its name a track is ordered; others may have written longer ones than an index holds. As in
/// the statements below and the index.
const NAME: usize = 500;

impl Order {
    /// Where a track stands in this order.
    #[must_use]
    pub fn rank(self, track: &Track) -> Rank {
        match self {
            Self::Created => Rank::Time(track.created_at),
            Self::Name => Rank::Text(track.name.chars().take(NAME).collect()),
            Self::Bpm => Rank::Number(finite(track.bpm)),
            Self::Duration => Rank::Number(finite(track.duration_seconds)),
        }
    }
}

// One statement for each order and direction: with the order as a parameter no index could serve it. A list that begins at
// its beginning begins after a rank that comes before all others, so that the place is a bound of the index in every plan.
macro_rules! page {
    ($db:ident, $user:ident, $filter:ident, $after:ident, $limit:ident: $by:literal $is:literal $from:literal $way:literal) => {
        sqlx::query_as!(
            Track,
            "SELECT id, user_id, name, description, r2_key, file_size_bytes, mime_type, content_sha256,
                    duration_seconds, artist, album, genre, bpm, key_signature,
                    coalesce(tags, '{}') AS \"tags!\", status, error_message, created_at, updated_at
               FROM reference_tracks
              WHERE user_id = $1
                AND ($2::text IS NULL OR status = $2)
                AND ($3::text IS NULL OR strpos(lower(name), lower($3)) > 0
                     OR strpos(lower(artist), lower($3)) > 0 OR strpos(lower(album), lower($3)) > 0)
                AND ($4::text IS NULL OR tags @> ARRAY[$4])
                AND ("
                + $by
                + ", id) "
                + $is
                + " ("
                + $from
                + ", $6::uuid)
              ORDER BY "
                + $by
                + " "
                + $way
                + ", id "
                + $way
                + " LIMIT $7",
            $user,
            $filter.status,
            $filter.text,
            $filter.tag,
            $after.0,
            $after.1,
            $limit
        )
        .fetch_all($db)
        .await
    };
}

/// Up to `limit` tracks of a user after `after`, a place in the same order.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    user_id: Uuid,
    filter: &Filter,
    (order, descending): (Order, bool),
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Track>> {
    let (rank, id) = after.unzip();
    let id = id.unwrap_or(if descending { Uuid::max() } else { Uuid::nil() });
    let tracks = match (order, descending) {
        (Order::Created, true) => {
            let after = (time(rank).unwrap_or(datetime!(9999-12-31 0:00 UTC)), id);
            page!(db, user_id, filter, after, limit: "created_at" "<" "$5" "DESC")
        }
        (Order::Created, false) => {
            let after = (time(rank).unwrap_or(datetime!(0001-01-01 0:00 UTC)), id);
            page!(db, user_id, filter, after, limit: "created_at" ">" "$5" "ASC")
        }
        (Order::Name, true) => {
            let after = (text(rank).unwrap_or_else(|| "\u{10FFFF}".repeat(8)), id);
            page!(db, user_id, filter, after, limit: "left(lower(name), 500) COLLATE \"C\"" "<" "left(lower($5), 500)" "DESC")
        }
        (Order::Name, false) => {
            let after = (text(rank).unwrap_or_default(), id);
            page!(db, user_id, filter, after, limit: "left(lower(name), 500) COLLATE \"C\"" ">" "left(lower($5), 500)" "ASC")
        }
        (Order::Bpm, true) => {
            let after = (number(rank).unwrap_or(f32::INFINITY), id);
            page!(db, user_id, filter, after, limit: "CASE WHEN bpm > '-Infinity' AND bpm < 'Infinity' THEN bpm ELSE -1 END" "<" "$5" "DESC")
        }
        (Order::Bpm, false) => {
            let after = (number(rank).unwrap_or(f32::NEG_INFINITY), id);
            page!(db, user_id, filter, after, limit: "CASE WHEN bpm > '-Infinity' AND bpm < 'Infinity' THEN bpm ELSE -1 END" ">" "$5" "ASC")
        }
        (Order::Duration, true) => {
            let after = (number(rank).unwrap_or(f32::INFINITY), id);
            page!(db, user_id, filter, after, limit: "CASE WHEN duration_seconds > '-Infinity' AND duration_seconds < 'Infinity' THEN duration_seconds ELSE -1 END" "<" "$5" "DESC")
        }
        (Order::Duration, false) => {
            let after = (number(rank).unwrap_or(f32::NEG_INFINITY), id);
            page!(db, user_id, filter, after, limit: "CASE WHEN duration_seconds > '-Infinity' AND duration_seconds < 'Infinity' THEN duration_seconds ELSE -1 END" ">" "$5" "ASC")
        }
    };
    Ok(tracks?)
}

fn finite(number: Option<f32>) -> f32 {
    number.filter(|number| number.is_finite()).unwrap_or(UNKNOWN)
}

fn time(rank: Option<Rank>) -> Option<OffsetDateTime> {
    if let Some(Rank::Time(at)) = rank { Some(at) } else { None }
}

fn text(rank: Option<Rank>) -> Option<String> {
    if let Some(Rank::Text(text)) = rank { Some(text) } else { None }
}

fn number(rank: Option<Rank>) -> Option<f32> {
    if let Some(Rank::Number(number)) = rank { Some(number) } else { None }
}
