//! Templates: the questions, and what helps to answer them.

use crate::Result;
use serde::Serialize;
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
    /// Whether it is shown to listeners.
    pub is_active: bool,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// When the row last changed: later with every change.
    pub updated_at: OffsetDateTime,
}

/// What an exercise says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewTemplate {
    /// Name to show.
    pub name: String,
    /// What it trains.
    pub description: Option<String>,
    /// What kind of listening.
    pub category: String,
    /// How hard it is.
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
    /// Whether it is shown to listeners.
    pub is_active: bool,
}

/// Which templates to list.
#[derive(Debug, Clone, Default)]
pub struct TemplateFilter<'a> {
    /// Only those of this category.
    pub category: Option<&'a str>,
    /// Only those of this difficulty.
    pub difficulty: Option<&'a str>,
    /// Only those with this tag.
    pub tag: Option<&'a str>,
    /// Only those that have this in their name, description or question, in any case.
    pub text: Option<&'a str>,
    /// Also those that are not shown to listeners.
    pub with_inactive: bool,
    /// Only those after this `(display_order, id)`.
    pub after: Option<(i32, Uuid)>,
    /// At most this many.
    pub limit: i64,
}

/// Templates in display order.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn templates(db: &mut PgConnection, filter: &TemplateFilter<'_>) -> Result<Vec<Template>> {
    let (after_order, after_id) = filter.after.unzip();
    let found = sqlx::query_as!(
        Template,
        r#"SELECT id, name, description, category, difficulty, prompt_text, hints, expected_observations,
                  coalesce(tags, '{}') AS "tags!", display_order, is_active, created_at, updated_at
             FROM listening_prompt_templates
            WHERE (is_active OR $1)
              AND ($2::text IS NULL OR category = $2)
              AND ($3::text IS NULL OR difficulty = $3)
              AND ($4::text IS NULL OR $4 = ANY (tags))
              AND ($5::text IS NULL
                   OR strpos(lower(concat_ws(E'\n', name, description, prompt_text)), lower($5)) > 0)
              AND ($6::int IS NULL OR (display_order, id) > ($6, $7::uuid))
            ORDER BY display_order, id LIMIT $8"#,
        filter.with_inactive,
        filter.category,
        filter.difficulty,
        filter.tag,
        filter.text,
        after_order,
        after_id,
        filter.limit
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// A template, shown to listeners or not.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn template(db: &mut PgConnection, id: Uuid) -> Result<Option<Template>> {
    let found = sqlx::query_as!(
        Template,
        r#"SELECT id, name, description, category, difficulty, prompt_text, hints, expected_observations,
                  coalesce(tags, '{}') AS "tags!", display_order, is_active, created_at, updated_at
             FROM listening_prompt_templates WHERE id = $1"#,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// [`template`], held until the transaction ends: nobody changes it meanwhile.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn lock_template(db: &mut PgConnection, id: Uuid) -> Result<Option<Template>> {
    let found = sqlx::query_as!(
        Template,
        r#"SELECT id, name, description, category, difficulty, prompt_text, hints, expected_observations,
                  coalesce(tags, '{}') AS "tags!", display_order, is_active, created_at, updated_at
             FROM listening_prompt_templates WHERE id = $1 FOR UPDATE"#,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// Writes a template.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn insert_template(db: &mut PgConnection, created_by: Uuid, new: &NewTemplate) -> Result<Template> {
    let made = sqlx::query_as!(
        Template,
        r#"INSERT INTO listening_prompt_templates
               (created_by, name, description, category, difficulty, prompt_text, hints, expected_observations, tags,
                display_order, is_active)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
           RETURNING id, name, description, category, difficulty, prompt_text, hints, expected_observations,
                     coalesce(tags, '{}') AS "tags!", display_order, is_active, created_at, updated_at"#,
        created_by,
        new.name,
        new.description,
        new.category,
        new.difficulty,
        new.prompt_text,
        new.hints,
        new.expected_observations,
        &new.tags,
        new.display_order,
        new.is_active
    )
    .fetch_one(db)
    .await?;
    Ok(made)
}

/// Has a template say something else; `None` when there is no such template.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn update_template(db: &mut PgConnection, id: Uuid, new: &NewTemplate) -> Result<Option<Template>> {
    let changed = sqlx::query_as!(
        Template,
        r#"UPDATE listening_prompt_templates
              SET name = $2, description = $3, category = $4, difficulty = $5, prompt_text = $6, hints = $7,
                  expected_observations = $8, tags = $9, display_order = $10, is_active = $11,
                  updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
            WHERE id = $1
        RETURNING id, name, description, category, difficulty, prompt_text, hints, expected_observations,
                  coalesce(tags, '{}') AS "tags!", display_order, is_active, created_at, updated_at"#,
        id,
        new.name,
        new.description,
        new.category,
        new.difficulty,
        new.prompt_text,
        new.hints,
        new.expected_observations,
        &new.tags,
        new.display_order,
        new.is_active
    )
    .fetch_optional(db)
    .await?;
    Ok(changed)
}

/// How many presets a template has.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn count_presets(db: &mut PgConnection, id: Uuid) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM listening_prompt_presets WHERE template_id = $1"#,
        id
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Removes the presets of a template, and tells their ids and names.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn delete_presets(db: &mut PgConnection, id: Uuid) -> Result<Vec<(Uuid, String)>> {
    let removed =
        sqlx::query!("DELETE FROM listening_prompt_presets WHERE template_id = $1 RETURNING id, name", id)
            .fetch_all(db)
            .await?;
    Ok(removed.into_iter().map(|preset| (preset.id, preset.name)).collect())
}

/// Removes a template, with the presets that it has.
///
/// # Errors
/// [`crate::Error::Database`].
pub async fn delete_template(db: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM listening_prompt_templates WHERE id = $1", id).execute(db).await?;
    Ok(())
}
