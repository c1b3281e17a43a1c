//! Tracks: the rows of `reference_tracks`. The audio itself lies in object storage under `r2_key`.

use crate::Result;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A track as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Row id.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// Name to show.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Where the audio lies in object storage.
    pub r2_key: String,
    /// Size of the audio file, in bytes.
    pub file_size_bytes: i64,
    /// Type of the audio file as sniffed, e.g. `audio/flac`.
    pub mime_type: String,
    /// SHA-256 of the audio file in hex; unknown for tracks that others inserted.
    pub content_sha256: Option<String>,
    /// Length in seconds, once analysed.
    pub duration_seconds: Option<f32>,
    /// Who plays.
    pub artist: Option<String>,
    /// Where it appeared.
    pub album: Option<String>,
    /// What kind of music it is said to be.
    pub genre: Option<String>,
    /// Main tempo, once analysed.
    pub bpm: Option<f32>,
    /// Key, once analysed.
    pub key_signature: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// `processing`, `ready` or `error`.
    pub status: String,
    /// What went wrong, for people.
    pub error_message: Option<String>,
    /// When it was uploaded.
    pub created_at: OffsetDateTime,
    /// When the row last changed.
    pub updated_at: OffsetDateTime,
}

/// What a new track starts from.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTrack {
    /// Id, chosen beforehand because the object's key is made from it.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// Where the audio lies in object storage.
    pub r2_key: String,
    /// Size of the audio file, in bytes.
    pub file_size_bytes: i64,
    /// Type of the audio file as sniffed.
    pub mime_type: String,
    /// SHA-256 of the audio file in hex.
    pub content_sha256: String,
    /// Name to show.
    pub name: String,
    /// What its owner says about it.
    pub details: Details,
}

/// What an owner may say about a track beside its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Free text.
    pub description: Option<String>,
    /// Who plays.
    pub artist: Option<String>,
    /// Where it appeared.
    pub album: Option<String>,
    /// What kind of music it is said to be.
    pub genre: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
}

/// Changes to a track: an outer `None` leaves a field alone, an inner `None` empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// New name.
    pub name: Option<String>,
    /// New free text.
    pub description: Option<Option<String>>,
    /// New artist.
    pub artist: Option<Option<String>>,
    /// New album.
    pub album: Option<Option<String>>,
    /// New genre.
    pub genre: Option<Option<String>>,
    /// New labels, replacing the old.
    pub tags: Option<Vec<String>>,
}

/// Writes a new track with status `processing`.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn insert(db: &mut PgConnection, new: &NewTrack) -> Result<Track> {
    let d = &new.details;
    let track = sqlx::query_as!(
        Track,
        r#"INSERT INTO reference_tracks
               (id, user_id, name, description, r2_key, file_size_bytes, mime_type, content_sha256,
                artist, album, genre, tags)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           RETURNING id, user_id, name, description, r2_key, file_size_bytes, mime_type, content_sha256,
                     duration_seconds, artist, album, genre, bpm, key_signature,
                     coalesce(tags, '{}') AS "tags!", status, error_message, created_at, updated_at"#,
        new.id,
        new.user_id,
        new.name,
        d.description,
        new.r2_key,
        new.file_size_bytes,
        new.mime_type,
        new.content_sha256,
        d.artist,
        d.album,
        d.genre,
        &d.tags
    )
    .fetch_one(db)
    .await?;
    Ok(track)
}

/// The track with this id, whoever owns it.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn get(db: &mut PgConnection, id: Uuid) -> Result<Option<Track>> {
    let track = sqlx::query_as!(
        Track,
        r#"SELECT id, user_id, name, description, r2_key, file_size_bytes, mime_type, content_sha256,
                  duration_seconds, artist, album, genre, bpm, key_signature,
                  coalesce(tags, '{}') AS "tags!", status, error_message, created_at, updated_at
             FROM reference_tracks WHERE id = $1"#,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(track)
}

/// Applies `changes` and gives the track as it is then; `None` when there is no such track.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn update(db: &mut PgConnection, id: Uuid, changes: &Changes) -> Result<Option<Track>> {
    let c = changes;
    let track = sqlx::query_as!(
        Track,
        r#"UPDATE reference_tracks SET
                  name        = coalesce($2, name),
                  description = CASE WHEN $3 THEN $4 ELSE description END,
                  artist      = CASE WHEN $5 THEN $6 ELSE artist END,
                  album       = CASE WHEN $7 THEN $8 ELSE album END,
                  genre       = CASE WHEN $9 THEN $10 ELSE genre END,
                  tags        = coalesce($11, tags),
                  updated_at  = now()
            WHERE id = $1
        RETURNING id, user_id, name, description, r2_key, file_size_bytes, mime_type, content_sha256,
                  duration_seconds, artist, album, genre, bpm, key_signature,
                  coalesce(tags, '{}') AS "tags!", status, error_message, created_at, updated_at"#,
        id,
        c.name,
        c.description.is_some(),
        c.description.as_ref().and_then(Option::as_ref),
        c.artist.is_some(),
        c.artist.as_ref().and_then(Option::as_ref),
        c.album.is_some(),
        c.album.as_ref().and_then(Option::as_ref),
        c.genre.is_some(),
        c.genre.as_ref().and_then(Option::as_ref),
        c.tags.as_deref()
    )
    .fetch_optional(db)
    .await?;
    Ok(track)
}

/// Holds a track until the transaction ends: one at a time adds what hangs on it, and nobody removes it meanwhile.
/// `false` when there is no such track.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn hold(db: &mut PgConnection, id: Uuid) -> Result<bool> {
    let held = sqlx::query_scalar!("SELECT id FROM reference_tracks WHERE id = $1 FOR NO KEY UPDATE", id)
        .fetch_optional(db)
        .await?;
    Ok(held.is_some())
}

/// Removes a track with its analyses, frames, events and annotations, and gives the key its audio lies
/// under; `None` when there is no such track.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn delete(db: &mut PgConnection, id: Uuid) -> Result<Option<String>> {
    let key = sqlx::query_scalar!("DELETE FROM reference_tracks WHERE id = $1 RETURNING r2_key", id)
        .fetch_optional(db)
        .await?;
    Ok(key)
}
