//! Listening prompts: exercises that send a person back to the music with a question.

use crate::extract::{Path, Query};
use crate::page::{self, Page};
use crate::problem::{Kind, Problem};
use crate::state::App;
use crate::views::{PresetView, TemplateView};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use store::prompts::{self, Preset, Template};
use utoipa::IntoParams;
use uuid::Uuid;

/// Which templates to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TemplateQuery {
    /// Keep this category only.
    category: Option<String>,
    /// Keep this difficulty only.
    difficulty: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Exercises, in the order they are meant to be done.
#[utoipa::path(get, path = "/v1/listening-prompts/templates", tag = "listening prompts", params(TemplateQuery),
    responses((status = 200, body = Page<TemplateView>), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn templates(
    State(app): State<App>,
    Query(query): Query<TemplateQuery>,
) -> Result<Json<Page<TemplateView>>, Problem> {
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let after = query
        .cursor
        .as_deref()
        .map(|cursor| page::read_cursor(cursor, |key| key.parse().ok()))
        .transpose()?;
    let (category, difficulty) = (query.category.as_deref(), query.difficulty.as_deref());
    let mut db = app.db().await?;
    let rows = prompts::templates(&mut db, category, difficulty, after, i64::from(limit) + 1).await?;
    Ok(Json(Page::new(rows, limit, |row: &Template| page::write_cursor(row.display_order, row.id))))
}

/// One exercise.
#[utoipa::path(get, path = "/v1/listening-prompts/templates/{template_id}", tag = "listening prompts",
    params(("template_id" = Uuid, Path)),
    responses((status = 200, body = TemplateView), (status = 404, body = crate::problem::Body)))]
pub(crate) async fn template(
    State(app): State<App>,
    Path(template_id): Path<Uuid>,
) -> Result<Json<TemplateView>, Problem> {
    let template = prompts::template(&mut *app.db().await?, template_id).await?;
    template.map(|row| Json(row.into())).ok_or_else(|| Problem::new(Kind::NotFound))
}

/// Which presets to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PresetQuery {
    /// Keep presets of this exercise only.
    template_id: Option<Uuid>,
    /// Keep this type only.
    preset_type: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Exercises with their configuration, by name.
#[utoipa::path(get, path = "/v1/listening-prompts/presets", tag = "listening prompts", params(PresetQuery),
    responses((status = 200, body = Page<PresetView>), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn presets(
    State(app): State<App>,
    Query(query): Query<PresetQuery>,
) -> Result<Json<Page<PresetView>>, Problem> {
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let after = query
        .cursor
        .as_deref()
        .map(|cursor| page::read_cursor(cursor, |key| Some(key.to_owned())))
        .transpose()?;
    let after = after.as_ref().map(|(name, id)| (name.as_str(), *id));
    let mut db = app.db().await?;
    let preset_type = query.preset_type.as_deref();
    let rows = prompts::presets(&mut db, query.template_id, preset_type, after, i64::from(limit) + 1).await?;
    Ok(Json(Page::new(rows, limit, |row: &Preset| page::write_cursor(&row.name, row.id))))
}
