//! Annotations: what people note about moments and stretches of a track, for themselves or for all who may see it.

use crate::Result;
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// An annotation as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Row id.
    pub id: Uuid,
    /// On which track.
    pub track_id: Uuid,
    /// Who wrote it.
    pub user_id: Uuid,
    /// Where it begins, in ms.
    pub start_time_ms: i32,
    /// Where it ends, in ms; `None` for a moment.
    pub end_time_ms: Option<i32>,
    /// What it says, in a line.
    pub title: String,
    /// What it says at length.
    pub content: Option<String>,
    /// What kind of annotation its author calls it.
    pub category: Option<String>,
    /// `#rrggbb`.
    pub color: Option<String>,
    /// Only its author sees it.
    pub is_private: bool,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// When it last changed: later with every change.
    pub updated_at: OffsetDateTime,
}

/// What an annotation says, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Where it begins, in ms.
    pub start_time_ms: i32,
    /// Where it ends, in ms; `None` for a moment.
    pub end_time_ms: Option<i32>,
    /// What it says, in a line.
    pub title: String,
    /// What it says at length.
    pub content: Option<String>,
    /// What kind of annotation it is.
    pub category: Option<String>,
    /// `#rrggbb`.
    pub color: Option<String>,
    /// Only its author sees it.
    pub is_private: bool,
}

/// Which annotations of a track to list.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Only those that reach beyond this, in ms; a moment must not be before it.
    pub from_ms: Option<i32>,
    /// Only those that begin before this, in ms.
    pub to_ms: Option<i32>,
    /// Only those of this category.
    pub category: Option<&'a str>,
    /// Only those of this author.
    pub author_id: Option<Uuid>,
    /// Only private ones, or only those that are not.
    pub is_private: Option<bool>,
    /// Only those after this `(start_time_ms, id)`: the last one of the page before.
    pub after: Option<(i32, Uuid)>,
    /// At most this many.
    pub limit: i64,
}

/// How many annotations a track has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Of one author.
    pub of_author: i64,
    /// Of all.
    pub of_all: i64,
}

/// Annotations of a track that `reader_id` may see, by time: their own, and those of others that are not private.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    track_id: Uuid,
    reader_id: Uuid,
    filter: &Filter<'_>,
) -> Result<Vec<Annotation>> {
    let (after_ms, after_id) = filter.after.unzip();
    let found = sqlx::query_as!(
        Annotation,
        "SELECT id, track_id, user_id, start_time_ms, end_time_ms, title, content, category, color, is_private,
                created_at, updated_at
           FROM track_annotations
          WHERE track_id = $1 AND (user_id = $2 OR NOT is_private)
            AND ($3::int IS NULL OR CASE WHEN end_time_ms IS NULL THEN start_time_ms >= $3 ELSE end_time_ms > $3 END)
            AND ($4::int IS NULL OR start_time_ms < $4)
            AND ($5::text IS NULL OR category = $5)
            AND ($6::uuid IS NULL OR user_id = $6)
            AND ($7::bool IS NULL OR is_private = $7)
            AND ($8::int IS NULL OR (start_time_ms, id) > ($8, $9::uuid))
          ORDER BY start_time_ms, id LIMIT $10",
        track_id,
        reader_id,
        filter.from_ms,
        filter.to_ms,
        filter.category,
        filter.author_id,
        filter.is_private,
        after_ms,
        after_id,
        filter.limit
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// How far the annotations that `reader_id` may see reach, in ms; 0 where there are none.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn reach(db: &mut PgConnection, track_id: Uuid, reader_id: Uuid) -> Result<i32> {
    let reach = sqlx::query_scalar!(
        "SELECT max(coalesce(end_time_ms, start_time_ms)) FROM track_annotations
          WHERE track_id = $1 AND (user_id = $2 OR NOT is_private)",
        track_id,
        reader_id
    )
    .fetch_one(db)
    .await?;
    Ok(reach.unwrap_or(0))
}

/// An annotation of a track, whoever may see it.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn get(db: &mut PgConnection, track_id: Uuid, id: Uuid) -> Result<Option<Annotation>> {
    let found = sqlx::query_as!(
        Annotation,
        "SELECT id, track_id, user_id, start_time_ms, end_time_ms, title, content, category, color, is_private,
                created_at, updated_at
           FROM track_annotations WHERE track_id = $1 AND id = $2",
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
pub async fn lock(db: &mut PgConnection, track_id: Uuid, id: Uuid) -> Result<Option<Annotation>> {
    let found = sqlx::query_as!(
        Annotation,
        "SELECT id, track_id, user_id, start_time_ms, end_time_ms, title, content, category, color, is_private,
                created_at, updated_at
           FROM track_annotations WHERE track_id = $1 AND id = $2 FOR UPDATE",
        track_id,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// How many annotations a track has, of `author_id` and of all.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn count(db: &mut PgConnection, track_id: Uuid, author_id: Uuid) -> Result<Counts> {
    let counts = sqlx::query_as!(
        Counts,
        r#"SELECT count(*) FILTER (WHERE user_id = $2) AS "of_author!", count(*) AS "of_all!"
             FROM track_annotations WHERE track_id = $1"#,
        track_id,
        author_id
    )
    .fetch_one(db)
    .await?;
    Ok(counts)
}

/// Writes annotations in one statement, and gives them in the order of `drafts`.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn insert(
    db: &mut PgConnection,
    track_id: Uuid,
    author_id: Uuid,
    drafts: &[Draft],
) -> Result<Vec<Annotation>> {
    // Ids of version 7 rise as they are made: they keep the order.
    let ids: Vec<Uuid> = drafts.iter().map(|_| Uuid::now_v7()).collect();
    let starts: Vec<i32> = drafts.iter().map(|draft| draft.start_time_ms).collect();
    let ends: Vec<Option<i32>> = drafts.iter().map(|draft| draft.end_time_ms).collect();
    let titles: Vec<&str> = drafts.iter().map(|draft| draft.title.as_str()).collect();
    let contents: Vec<Option<&str>> = drafts.iter().map(|draft| draft.content.as_deref()).collect();
    let categories: Vec<Option<&str>> = drafts.iter().map(|draft| draft.category.as_deref()).collect();
    let colors: Vec<Option<&str>> = drafts.iter().map(|draft| draft.color.as_deref()).collect();
    let private: Vec<bool> = drafts.iter().map(|draft| draft.is_private).collect();
    let mut made = sqlx::query_as!(
        Annotation,
        "INSERT INTO track_annotations
             (track_id, user_id, id, start_time_ms, end_time_ms, title, content, category, color, is_private)
         SELECT $1, $2, d.*
           FROM UNNEST($3::uuid[], $4::int[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bool[])
                AS d
         RETURNING id, track_id, user_id, start_time_ms, end_time_ms, title, content, category, color, is_private,
                   created_at, updated_at",
        track_id,
        author_id,
        &ids,
        &starts,
        &ends as &[Option<i32>],
        &titles as &[&str],
        &contents as &[Option<&str>],
        &categories as &[Option<&str>],
        &colors as &[Option<&str>],
        &private
    )
    .fetch_all(db)
    .await?;
    made.sort_by_key(|annotation| annotation.id);
    Ok(made)
}

/// Has an annotation say something else; `None` when there is no such annotation.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn update(db: &mut PgConnection, id: Uuid, draft: &Draft) -> Result<Option<Annotation>> {
    let changed = sqlx::query_as!(
        Annotation,
        "UPDATE track_annotations
            SET start_time_ms = $2, end_time_ms = $3, title = $4, content = $5, category = $6, color = $7,
                is_private = $8, updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
          WHERE id = $1
      RETURNING id, track_id, user_id, start_time_ms, end_time_ms, title, content, category, color, is_private,
                created_at, updated_at",
        id,
        draft.start_time_ms,
        draft.end_time_ms,
        draft.title,
        draft.content,
        draft.category,
        draft.color,
        draft.is_private
    )
    .fetch_optional(db)
    .await?;
    Ok(changed)
}

/// Removes annotations; those that are not there are gone already.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn delete(db: &mut PgConnection, ids: &[Uuid]) -> Result<()> {
    sqlx::query!("DELETE FROM track_annotations WHERE id = ANY ($1)", ids).execute(db).await?;
    Ok(())
}
