//! Listening prompts: exercises that send a person back to the music with a question.

use crate::Result;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// An exercise.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Row id.
    pub id: Uuid,
    /// Name to show.
    pub name: String,
    /// What it trains.
    pub description: Option<String>,
    /// What kind of listening, e.g. `rhythm`.
    pub category: String,
    /// How hard it is, e.g. `beginner`.
    pub difficulty: String,
    /// The question itself.
    pub prompt_text: String,
    /// Help, from vague to plain.
    pub hints: Option<Value>,
    /// What an attentive listener will notice.
    pub expected_observations: Option<Value>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Place in a list.
    pub display_order: i32,
    /// When the row last changed.
    pub updated_at: OffsetDateTime,
}

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
    /// When the row last changed.
    pub updated_at: OffsetDateTime,
}

/// Active templates in display order, after the place `(display_order, id)`; filters keep equal values only.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn templates(
    db: &mut PgConnection,
    category: Option<&str>,
    difficulty: Option<&str>,
    after: Option<(i32, Uuid)>,
    limit: i64,
) -> Result<Vec<Template>> {
    let found = sqlx::query_as!(
        Template,
        r#"SELECT id, name, description, category, difficulty, prompt_text, hints, expected_observations,
                  coalesce(tags, '{}') AS "tags!", display_order, updated_at
             FROM listening_prompt_templates
            WHERE is_active
              AND ($1::text IS NULL OR category = $1)
              AND ($2::text IS NULL OR difficulty = $2)
              AND ($3::int IS NULL OR (display_order, id) > ($3, $4::uuid))
            ORDER BY display_order, id LIMIT $5"#,
        category,
        difficulty,
        after.map(|(order, _)| order),
        after.map(|(_, id)| id),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// An active template.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn template(db: &mut PgConnection, id: Uuid) -> Result<Option<Template>> {
    let found = sqlx::query_as!(
        Template,
        r#"SELECT id, name, description, category, difficulty, prompt_text, hints, expected_observations,
                  coalesce(tags, '{}') AS "tags!", display_order, updated_at
             FROM listening_prompt_templates WHERE is_active AND id = $1"#,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// Active presets of active templates by name, after the place `(name, id)`; filters keep equal values only.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn presets(
    db: &mut PgConnection,
    template_id: Option<Uuid>,
    preset_type: Option<&str>,
    after: Option<(&str, Uuid)>,
    limit: i64,
) -> Result<Vec<Preset>> {
    let found = sqlx::query_as!(
        Preset,
        r#"SELECT p.id, p.name, p.description, p.template_id, p.preset_type, p.config, p.updated_at
             FROM listening_prompt_presets p JOIN listening_prompt_templates t ON t.id = p.template_id
            WHERE p.is_active AND t.is_active
              AND ($1::uuid IS NULL OR p.template_id = $1)
              AND ($2::text IS NULL OR p.preset_type = $2)
              AND ($3::text IS NULL OR (p.name, p.id) > ($3, $4::uuid))
            ORDER BY p.name, p.id LIMIT $5"#,
        template_id,
        preset_type,
        after.map(|(name, _)| name),
        after.map(|(_, id)| id),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}
