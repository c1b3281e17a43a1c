//! Regions: the named sections of a track as people see them, in an order of their own.

use crate::Result;
use crate::annotations::Counts;
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A region as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Row id.
    pub id: Uuid,
    /// Of which track.
    pub track_id: Uuid,
    /// Who made it.
    pub user_id: Uuid,
    /// Where it begins, in ms.
    pub start_time_ms: i32,
    /// Where it ends, in ms.
    pub end_time_ms: i32,
    /// Name to show.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What part of a piece it is, e.g. `chorus`.
    pub section_type: Option<String>,
    /// `#rrggbb`.
    pub color: Option<String>,
    /// Place in a list; regions of equal place come by time.
    pub display_order: i32,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed: later with every change.
    pub updated_at: OffsetDateTime,
}

/// What is said of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Where it begins, in ms.
    pub start_time_ms: i32,
    /// Where it ends, in ms.
    pub end_time_ms: i32,
    /// Name to show.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What part of a piece it is.
    pub section_type: Option<String>,
    /// `#rrggbb`.
    pub color: Option<String>,
    /// Place in a list. `None` for a new one: 0 while no region of the track was put in order, else after all others.
    pub display_order: Option<i32>,
}

/// A place in the list of a track's regions: `display_order`, `start_time_ms` and id of the last one seen.
pub type Position = (i32, i32, Uuid);

/// Which regions of a track to list.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Only those that end after this, in ms.
    pub from_ms: Option<i32>,
    /// Only those that begin before this, in ms.
    pub to_ms: Option<i32>,
    /// Only those of this type.
    pub section_type: Option<&'a str>,
    /// Only those of this author.
    pub author_id: Option<Uuid>,
    /// Only those after this.
    pub after: Option<Position>,
    /// At most this many.
    pub limit: i64,
}

/// Regions of a track in their order.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn list(db: &mut PgConnection, track_id: Uuid, filter: &Filter<'_>) -> Result<Vec<Region>> {
    let found = sqlx::query_as!(
        Region,
        "SELECT id, track_id, user_id, start_time_ms, end_time_ms, name, description, section_type, color,
                display_order, created_at, updated_at
           FROM track_regions
          WHERE track_id = $1
            AND ($2::int IS NULL OR end_time_ms > $2)
            AND ($3::int IS NULL OR start_time_ms < $3)
            AND ($4::text IS NULL OR section_type = $4)
            AND ($5::uuid IS NULL OR user_id = $5)
            AND ($6::int IS NULL OR (display_order, start_time_ms, id) > ($6, $7::int, $8::uuid))
          ORDER BY display_order, start_time_ms, id LIMIT $9",
        track_id,
        filter.from_ms,
        filter.to_ms,
        filter.section_type,
        filter.author_id,
        filter.after.map(|(order, _, _)| order),
        filter.after.map(|(_, start_ms, _)| start_ms),
        filter.after.map(|(_, _, id)| id),
        filter.limit
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// How far the regions of a track reach, in ms; 0 where there are none.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn reach(db: &mut PgConnection, track_id: Uuid) -> Result<i32> {
    let reach =
        sqlx::query_scalar!("SELECT max(end_time_ms) FROM track_regions WHERE track_id = $1", track_id)
            .fetch_one(db)
            .await?;
    Ok(reach.unwrap_or(0))
}

/// A region of a track.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn get(db: &mut PgConnection, track_id: Uuid, id: Uuid) -> Result<Option<Region>> {
    let found = sqlx::query_as!(
        Region,
        "SELECT id, track_id, user_id, start_time_ms, end_time_ms, name, description, section_type, color,
                display_order, created_at, updated_at
           FROM track_regions WHERE track_id = $1 AND id = $2",
        track_id,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// [`get`], held until the transaction ends: nobody changes it meanwhile.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn lock(db: &mut PgConnection, track_id: Uuid, id: Uuid) -> Result<Option<Region>> {
    let found = sqlx::query_as!(
        Region,
        "SELECT id, track_id, user_id, start_time_ms, end_time_ms, name, description, section_type, color,
                display_order, created_at, updated_at
           FROM track_regions WHERE track_id = $1 AND id = $2 FOR UPDATE",
        track_id,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// How many regions a track has, of `author_id` and of all.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn count(db: &mut PgConnection, track_id: Uuid, author_id: Uuid) -> Result<Counts> {
    let counts = sqlx::query_as!(
        Counts,
        r#"SELECT count(*) FILTER (WHERE user_id = $2) AS "of_author!", count(*) AS "of_all!"
             FROM track_regions WHERE track_id = $1"#,
        track_id,
        author_id
    )
    .fetch_one(db)
    .await?;
    Ok(counts)
}

/// Makes regions in one statement, and gives them in the order of `drafts`. Hold the track
/// ([`crate::tracks::hold`]): the places of those that name none follow from the regions that are there.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn insert(
    db: &mut PgConnection,
    track_id: Uuid,
    author_id: Uuid,
    drafts: &[Draft],
) -> Result<Vec<Region>> {
    // Ids of version 7 rise as they are made: they keep the order.
    let ids: Vec<Uuid> = drafts.iter().map(|_| Uuid::now_v7()).collect();
    let starts: Vec<i32> = drafts.iter().map(|draft| draft.start_time_ms).collect();
    let ends: Vec<i32> = drafts.iter().map(|draft| draft.end_time_ms).collect();
    let names: Vec<&str> = drafts.iter().map(|draft| draft.name.as_str()).collect();
    let descriptions: Vec<Option<&str>> = drafts.iter().map(|draft| draft.description.as_deref()).collect();
    let types: Vec<Option<&str>> = drafts.iter().map(|draft| draft.section_type.as_deref()).collect();
    let colors: Vec<Option<&str>> = drafts.iter().map(|draft| draft.color.as_deref()).collect();
    let orders = places(drafts, last_place(db, track_id).await?);
    let mut made = sqlx::query_as!(
        Region,
        "INSERT INTO track_regions (track_id, user_id, id, start_time_ms, end_time_ms, name, description,
                                    section_type, color, display_order)
         SELECT $1, $2, d.*
           FROM UNNEST($3::uuid[], $4::int[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::int[])
                AS d
         RETURNING id, track_id, user_id, start_time_ms, end_time_ms, name, description, section_type, color,
                   display_order, created_at, updated_at",
        track_id,
        author_id,
        &ids,
        &starts,
        &ends,
        &names as &[&str],
        &descriptions as &[Option<&str>],
        &types as &[Option<&str>],
        &colors as &[Option<&str>],
        &orders
    )
    .fetch_all(db)
    .await?;
    made.sort_by_key(|region| region.id);
    Ok(made)
}

/// The last place that is taken on a track; 0 while there is none.
async fn last_place(db: &mut PgConnection, track_id: Uuid) -> Result<i32> {
    let last =
        sqlx::query_scalar!("SELECT max(display_order) FROM track_regions WHERE track_id = $1", track_id)
            .fetch_one(db)
            .await?;
    Ok(last.unwrap_or(0))
}

/// The place of each draft: its own, or after `last` where regions have been put in order.
fn places(drafts: &[Draft], mut last: i32) -> Vec<i32> {
    let in_order = last > 0;
    let mut next = || {
        last = if in_order { last.saturating_add(1) } else { 0 };
        last
    };
    drafts.iter().map(|draft| draft.display_order.unwrap_or_else(&mut next)).collect()
}

/// Has something else said of a region; `None` when there is no such region. A place of `None` stays.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn update(db: &mut PgConnection, id: Uuid, draft: &Draft) -> Result<Option<Region>> {
    let changed = sqlx::query_as!(
        Region,
        "UPDATE track_regions
            SET start_time_ms = $2, end_time_ms = $3, name = $4, description = $5, section_type = $6, color = $7,
                display_order = coalesce($8, display_order),
                updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
          WHERE id = $1
      RETURNING id, track_id, user_id, start_time_ms, end_time_ms, name, description, section_type, color,
                display_order, created_at, updated_at",
        id,
        draft.start_time_ms,
        draft.end_time_ms,
        draft.name,
        draft.description,
        draft.section_type,
        draft.color,
        draft.display_order
    )
    .fetch_optional(db)
    .await?;
    Ok(changed)
}

/// Removes regions; those that are not there are gone already.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn delete(db: &mut PgConnection, ids: &[Uuid]) -> Result<()> {
    sqlx::query!("DELETE FROM track_regions WHERE id = ANY ($1)", ids).execute(db).await?;
    Ok(())
}

/// Ids of a track's regions in their order.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn order(db: &mut PgConnection, track_id: Uuid) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM track_regions WHERE track_id = $1 ORDER BY display_order, start_time_ms, id",
        track_id
    )
    .fetch_all(db)
    .await?;
    Ok(ids)
}

/// Puts a track's regions in order: `first` in this order, then the others in the order they had. Places are counted
/// from 1, 0 is for those that nobody has put in order; regions whose place stays are left alone. Hold the track ([`crate::tracks::hold`]).
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn reorder(db: &mut PgConnection, track_id: Uuid, first: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "UPDATE track_regions r
            SET display_order = p.place::int, updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
           FROM (SELECT o.id, row_number() OVER (ORDER BY f.place NULLS LAST, o.display_order, o.start_time_ms, o.id) AS place
                   FROM track_regions o
                   LEFT JOIN UNNEST($2::uuid[]) WITH ORDINALITY AS f (id, place) ON f.id = o.id
                  WHERE o.track_id = $1) AS p
          WHERE r.id = p.id AND r.display_order <> p.place",
        track_id,
        first
    )
    .execute(db)
    .await?;
    Ok(())
}
