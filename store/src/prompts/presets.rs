//! Presets: a template made ready for one purpose.

use crate::Result;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// An exercise with its configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Row id.
    pub id: Uuid,
    /// Name to show.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The exercise.
    pub template_id: Uuid,
    /// What kind of preset.
    pub preset_type: String,
    /// Its configuration.
    pub config: Value,
    /// Whether it is shown to listeners, if its template is.
    pub is_active: bool,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// When the row last changed: later with every change.
    pub updated_at: OffsetDateTime,
}

/// What a preset is made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewPreset {
    /// Name to show.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The exercise.
    pub template_id: Uuid,
    /// What kind of preset.
    pub preset_type: String,
    /// Its configuration.
    pub config: Value,
    /// Whether it is shown to listeners.
    pub is_active: bool,
}

/// Which presets to list.
#[derive(Debug, Clone, Default)]
pub struct PresetFilter<'a> {
    /// Only those of this template.
    pub template_id: Option<Uuid>,
    /// Only those of this type.
    pub preset_type: Option<&'a str>,
    /// Also those that are not shown to listeners.
    pub with_inactive: bool,
    /// Only those after this `(name, id)`.
    pub after: Option<(&'a str, Uuid)>,
    /// At most this many.
    pub limit: i64,
}

/// Presets by name.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn presets(db: &mut PgConnection, filter: &PresetFilter<'_>) -> Result<Vec<Preset>> {
    let found = sqlx::query_as!(
        Preset,
        r#"SELECT p.id, p.name, p.description, p.template_id, p.preset_type, p.config, p.is_active, p.created_at,
                  p.updated_at
             FROM listening_prompt_presets p JOIN listening_prompt_templates t ON t.id = p.template_id
            WHERE (p.is_active AND t.is_active OR $1)
              AND ($2::uuid IS NULL OR p.template_id = $2)
              AND ($3::text IS NULL OR p.preset_type = $3)
              AND ($4::text IS NULL OR (p.name, p.id) > ($4, $5::uuid))
            ORDER BY p.name, p.id LIMIT $6"#,
        filter.with_inactive,
        filter.template_id,
        filter.preset_type,
        filter.after.map(|(name, _)| name),
        filter.after.map(|(_, id)| id),
        filter.limit
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// A preset, and whether listeners are shown it and its template.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn preset(db: &mut PgConnection, id: Uuid) -> Result<Option<(Preset, bool)>> {
    let row = sqlx::query!(
        "SELECT p.id, p.name, p.description, p.template_id, p.preset_type, p.config, p.is_active, p.created_at,
                p.updated_at, t.is_active AS template_is_active
           FROM listening_prompt_presets p JOIN listening_prompt_templates t ON t.id = p.template_id
          WHERE p.id = $1",
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let preset = Preset {
            id: row.id,
            name: row.name,
            description: row.description,
            template_id: row.template_id,
            preset_type: row.preset_type,
            config: row.config,
            is_active: row.is_active,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        (preset, row.is_active && row.template_is_active)
    }))
}

/// A preset, held until the transaction ends: nobody changes it meanwhile.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn lock_preset(db: &mut PgConnection, id: Uuid) -> Result<Option<Preset>> {
    let found = sqlx::query_as!(
        Preset,
        "SELECT id, name, description, template_id, preset_type, config, is_active, created_at, updated_at
           FROM listening_prompt_presets WHERE id = $1 FOR UPDATE",
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// Writes a preset. Hold its template ([`super::lock_template`]).
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn insert_preset(db: &mut PgConnection, created_by: Uuid, new: &NewPreset) -> Result<Preset> {
    let made = sqlx::query_as!(
        Preset,
        "INSERT INTO listening_prompt_presets
             (created_by, name, description, template_id, preset_type, config, is_active)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         RETURNING id, name, description, template_id, preset_type, config, is_active, created_at, updated_at",
        created_by,
        new.name,
        new.description,
        new.template_id,
        new.preset_type,
        new.config,
        new.is_active
    )
    .fetch_one(db)
    .await?;
    Ok(made)
}

/// Makes something else of a preset; its template stays. `None` when there is no such preset.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn update_preset(db: &mut PgConnection, id: Uuid, new: &NewPreset) -> Result<Option<Preset>> {
    let changed = sqlx::query_as!(
        Preset,
        "UPDATE listening_prompt_presets
            SET name = $2, description = $3, preset_type = $4, config = $5, is_active = $6,
                updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
          WHERE id = $1
      RETURNING id, name, description, template_id, preset_type, config, is_active, created_at, updated_at",
        id,
        new.name,
        new.description,
        new.preset_type,
        new.config,
        new.is_active
    )
    .fetch_optional(db)
    .await?;
    Ok(changed)
}

/// Removes a preset.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn delete_preset(db: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM listening_prompt_presets WHERE id = $1", id).execute(db).await?;
    Ok(())
}
