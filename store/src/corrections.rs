//! What people say about beats and bars of a track: the rows of `beat_corrections`. They are their maker's alone, so
//! every function takes whose they are.

use crate::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A correction as stored. Times in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Row id.
    pub id: Uuid,
    /// Of which track.
    pub track_id: Uuid,
    /// Made in one request with others: one gesture.
    pub batch_id: Uuid,
    /// What is said.
    pub said: Said,
    /// How it was made: `tap`, `drag`, `keyboard`, `click`, `import` or `other`.
    pub source: String,
    /// The analysis that was looked at.
    pub analysis_id: Option<Uuid>,
    /// Of which run: when it was completed.
    pub results_version: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// What a correction says. Times in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// `beat`, `no_beat`, `downbeat`, `not_downbeat`, `tap`, `tempo`, `shift` or `meter`.
    pub kind: String,
    /// When, or from when on.
    pub time_ms: i32,
    /// Until before this.
    pub end_time_ms: Option<i32>,
    /// Where a beat was that was dragged here.
    pub moved_from_ms: Option<i32>,
    /// `half`, `double`, `third` or `triple`.
    pub factor: Option<String>,
    /// Beats in a bar.
    pub beats_per_bar: Option<i16>,
}

/// Corrections of one gesture, to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewBatch<'a> {
    /// Of which track.
    pub track_id: Uuid,
    /// Whose.
    pub user_id: Uuid,
    /// Names the gesture.
    pub batch_id: Uuid,
    /// What is said, in the order of making.
    pub said: &'a [Said],
    /// How they were made.
    pub source: &'a str,
    /// The analysis that was looked at, and of which run.
    pub analysis: Option<(Uuid, Option<OffsetDateTime>)>,
}

/// Which corrections.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Of these kinds only; empty: all.
    pub kinds: &'a [String],
    /// Made so only.
    pub source: Option<&'a str>,
    /// Of this gesture only.
    pub batch_id: Option<Uuid>,
    /// At or after this, in ms.
    pub from_ms: Option<i32>,
    /// Before this, in ms.
    pub to_ms: Option<i32>,
}

/// Columns of many rows, as UNNEST takes them.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    kinds: Vec<String>,
    times_ms: Vec<i32>,
    ends_ms: Vec<Option<i32>>,
    moved_from_ms: Vec<Option<i32>>,
    factors: Vec<Option<String>>,
    beats_per_bar: Vec<Option<i16>>,
}

impl Columns {
    fn of(said: &[Said]) -> Self {
        let mut columns = Self::default();
        for one in said {
            columns.ids.push(Uuid::now_v7());
            columns.kinds.push(one.kind.clone());
            columns.times_ms.push(one.time_ms);
            columns.ends_ms.push(one.end_time_ms);
            columns.moved_from_ms.push(one.moved_from_ms);
            columns.factors.push(one.factor.clone());
            columns.beats_per_bar.push(one.beats_per_bar);
        }
        columns
    }
}

/// A row as read, before its parts are put together.
struct Row {
    id: Uuid,
    track_id: Uuid,
    batch_id: Uuid,
    kind: String,
    time_ms: i32,
    end_time_ms: Option<i32>,
    moved_from_ms: Option<i32>,
    factor: Option<String>,
    beats_per_bar: Option<i16>,
    source: String,
    analysis_id: Option<Uuid>,
    results_version: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<Row> for Correction {
    fn from(row: Row) -> Self {
        let Row { kind, time_ms, end_time_ms, moved_from_ms, factor, beats_per_bar, .. } = row;
        Self {
            id: row.id,
            track_id: row.track_id,
            batch_id: row.batch_id,
            said: Said { kind, time_ms, end_time_ms, moved_from_ms, factor, beats_per_bar },
            source: row.source,
            analysis_id: row.analysis_id,
            results_version: row.results_version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// How many corrections a person has of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub all: i64,
    /// Those of spans, each of which is worked through by itself: `tempo` and `shift`.
    pub spans: i64,
}

/// Makes writers of one person's corrections of a track wait for one another until the transaction ends, and gives how many
/// there are: bounds on them are kept by asking this first.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn hold(db: &mut PgConnection, track_id: Uuid, user_id: Uuid) -> Result<Counts> {
    let (track, user) = (track_id.as_u64_pair(), user_id.as_u64_pair());
    let key =
        (track.0 ^ track.1.rotate_left(17) ^ user.0.rotate_left(31) ^ user.1.rotate_left(47)).cast_signed();
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", key).execute(&mut *db).await?;
    let counts = sqlx::query_as!(
        Counts,
        r#"SELECT count(*) AS "all!", count(*) FILTER (WHERE kind IN ('tempo', 'shift')) AS "spans!"
             FROM beat_corrections WHERE track_id = $1 AND user_id = $2"#,
        track_id,
        user_id
    )
    .fetch_one(db)
    .await?;
    Ok(counts)
}

/// Stores the corrections of one gesture, all or none, and gives them as stored, in the order of making.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn insert(db: &mut PgConnection, new: &NewBatch<'_>) -> Result<Vec<Correction>> {
    let columns = Columns::of(new.said);
    let (analysis_id, results_version) = new.analysis.unzip();
    let rows = sqlx::query_as!(
        Row,
        "INSERT INTO beat_corrections
             (track_id, user_id, batch_id, source, analysis_id, results_version,
              id, kind, time_ms, end_time_ms, moved_from_ms, factor, beats_per_bar)
         SELECT $1, $2, $3, $4, $5, $6, c.id, c.kind, c.time_ms, c.end_time_ms, c.moved_from_ms, c.factor, c.beats_per_bar
           FROM UNNEST($7::uuid[], $8::text[], $9::int[], $10::int[], $11::int[], $12::text[], $13::smallint[])
                WITH ORDINALITY AS c (id, kind, time_ms, end_time_ms, moved_from_ms, factor, beats_per_bar, made)
          ORDER BY c.made
         RETURNING id, track_id, batch_id, kind, time_ms, end_time_ms, moved_from_ms, factor, beats_per_bar, source,
                   analysis_id, results_version, created_at, updated_at",
        new.track_id,
        new.user_id,
        new.batch_id,
        new.source,
        analysis_id,
        results_version.flatten(),
        &columns.ids,
        &columns.kinds,
        &columns.times_ms,
        &columns.ends_ms as &[Option<i32>],
        &columns.moved_from_ms as &[Option<i32>],
        &columns.factors as &[Option<String>],
        &columns.beats_per_bar as &[Option<i16>]
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Correction::from).collect())
}

/// One correction of a person's.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn get(
    db: &mut PgConnection,
    track_id: Uuid,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<Correction>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, track_id, batch_id, kind, time_ms, end_time_ms, moved_from_ms, factor, beats_per_bar, source,
                analysis_id, results_version, created_at, updated_at
           FROM beat_corrections WHERE id = $1 AND track_id = $2 AND user_id = $3",
        id,
        track_id,
        user_id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Correction::from))
}

/// A person's corrections of a track in order of time, after `after` (`time_ms`, id), at most `limit`.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn list(
    db: &mut PgConnection,
    track_id: Uuid,
    user_id: Uuid,
    filter: &Filter<'_>,
    after: Option<(i32, Uuid)>,
    limit: i64,
) -> Result<Vec<Correction>> {
    let (after_ms, after_id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, track_id, batch_id, kind, time_ms, end_time_ms, moved_from_ms, factor, beats_per_bar, source,
                analysis_id, results_version, created_at, updated_at
           FROM beat_corrections
          WHERE track_id = $1 AND user_id = $2
            AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
            AND ($4::text IS NULL OR source = $4)
            AND ($5::uuid IS NULL OR batch_id = $5)
            AND ($6::int IS NULL OR time_ms >= $6)
            AND ($7::int IS NULL OR time_ms < $7)
            AND ($8::int IS NULL OR (time_ms, id) > ($8, $9::uuid))
          ORDER BY time_ms, id LIMIT $10",
        track_id,
        user_id,
        filter.kinds,
        filter.source,
        filter.batch_id,
        filter.from_ms,
        filter.to_ms,
        after_ms,
        after_id,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Correction::from).collect())
}

/// What a person says about a track, in the order of making; only those of `ids`, unless that is `None`. With it the ids.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn in_order(
    db: &mut PgConnection,
    track_id: Uuid,
    user_id: Uuid,
    ids: Option<&[Uuid]>,
) -> Result<Vec<(Uuid, Said)>> {
    let rows = sqlx::query!(
        "SELECT id, kind, time_ms, end_time_ms, moved_from_ms, factor, beats_per_bar
           FROM beat_corrections
          WHERE track_id = $1 AND user_id = $2 AND ($3::uuid[] IS NULL OR id = ANY ($3))
          ORDER BY place",
        track_id,
        user_id,
        ids
    )
    .fetch_all(db)
    .await?;
    let said = rows.into_iter().map(|row| {
        let said = Said {
            kind: row.kind,
            time_ms: row.time_ms,
            end_time_ms: row.end_time_ms,
            moved_from_ms: row.moved_from_ms,
            factor: row.factor,
            beats_per_bar: row.beats_per_bar,
        };
        (row.id, said)
    });
    Ok(said.collect())
}

/// Moves a correction in time; it keeps its place in the order of making. `None` when the person has no such one.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn update(
    db: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
    time_ms: i32,
    end_time_ms: Option<i32>,
) -> Result<Option<Correction>> {
    let row = sqlx::query_as!(
        Row,
        "UPDATE beat_corrections SET time_ms = $3, end_time_ms = $4, updated_at = now()
          WHERE id = $1 AND user_id = $2
         RETURNING id, track_id, batch_id, kind, time_ms, end_time_ms, moved_from_ms, factor, beats_per_bar, source,
                   analysis_id, results_version, created_at, updated_at",
        id,
        user_id,
        time_ms,
        end_time_ms
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Correction::from))
}

/// Removes a correction; whether there was one.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn delete(db: &mut PgConnection, track_id: Uuid, user_id: Uuid, id: Uuid) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM beat_corrections WHERE id = $1 AND track_id = $2 AND user_id = $3",
        id,
        track_id,
        user_id
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes a person's corrections that the filter names; gives how many.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn delete_all(
    db: &mut PgConnection,
    track_id: Uuid,
    user_id: Uuid,
    filter: &Filter<'_>,
) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM beat_corrections
          WHERE track_id = $1 AND user_id = $2
            AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
            AND ($4::text IS NULL OR source = $4)
            AND ($5::uuid IS NULL OR batch_id = $5)
            AND ($6::int IS NULL OR time_ms >= $6)
            AND ($7::int IS NULL OR time_ms < $7)",
        track_id,
        user_id,
        filter.kinds,
        filter.source,
        filter.batch_id,
        filter.from_ms,
        filter.to_ms
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
