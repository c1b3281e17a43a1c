//! Presets: an exercise made ready for one purpose.

use super::{PRESET_DELETED, config, note, require, with_inactive, writes};
use crate::extract::{Json, Path, Query};
use crate::idempotent::{self, Turn};
use crate::page::{self, List, Page};
use crate::patch::{given, nullable};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::{self, App};
use crate::text::Checks;
use crate::timeline::fields::Fields;
use crate::timeline::version;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::access::Action;
use store::prompts::{self, NewPreset, PRESETS, Preset, PresetFilter};
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A listening exercise with its configuration.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PromptPreset)]
pub(crate) struct PresetView {
    /// Id.
    id: Uuid,
    /// Name to show.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// The exercise.
    template_id: Uuid,
    /// What kind of preset.
    preset_type: String,
    /// Its configuration.
    config: Value,
    /// Whether it is shown to listeners, if its exercise is.
    is_active: bool,
    /// This version of it, as `If-Match` takes it.
    etag: String,
    /// When it was written.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Preset> for PresetView {
    fn from(row: Preset) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            template_id: row.template_id,
            preset_type: row.preset_type,
            config: row.config,
            is_active: row.is_active,
            etag: version::etag(row.updated_at),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A new preset.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PresetRequest {
    /// Name to show, in a line of 1 to 200 characters.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
    )]
    name: String,
    /// What it is for, at most 4,000 characters.
    #[schema(max_length = 4000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    description: Option<String>,
    /// The exercise.
    template_id: Uuid,
    /// `tap`, `mark`, `choice`, `loop`, `compare`, `label`, `annotate`, `draw` or `estimate`.
    #[schema(pattern = "^(tap|mark|choice|loop|compare|label|annotate|draw|estimate)$")]
    preset_type: String,
    /// Its configuration: what each type must have is in the documentation.
    #[schema(value_type = Object)]
    config: Value,
    /// Whether it is shown to listeners. Default true.
    is_active: Option<bool>,
}

impl PresetRequest {
    fn check(self) -> Result<NewPreset, Problem> {
        let mut checks = Checks::default();
        config::check(&mut checks, &self.preset_type, &self.config);
        let mut fields = Fields::of(&mut checks, "#", None);
        let new = NewPreset {
            name: fields.line("name", self.name),
            description: self.description.and_then(|text| fields.text("description", text)),
            template_id: self.template_id,
            preset_type: self.preset_type,
            config: self.config,
            is_active: self.is_active.unwrap_or(true),
        };
        checks.finish().map(|()| new)
    }
}

/// Changes to a preset: what is absent stays, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PresetPatch {
    /// Name to show, in a line of 1 to 200 characters.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$")]
    name: Option<String>,
    /// What it is for, at most 4,000 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 4000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    description: Option<Option<String>>,
    /// What kind of preset.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, required = false, pattern = "^(tap|mark|choice|loop|compare|label|annotate|draw|estimate)$")]
    preset_type: Option<String>,
    /// Changes to its configuration: what is absent stays, `null` removes.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Object, required = false)]
    config: Option<Value>,
    /// Whether it is shown to listeners.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    is_active: Option<bool>,
}

impl PresetPatch {
    /// What the preset is then. Only what is new is checked: others may have written what is there.
    fn apply(self, now: Preset) -> Result<NewPreset, Problem> {
        let mut checks = Checks::default();
        let mut config = now.config;
        let is_new = self.config.is_some() || self.preset_type.is_some();
        self.config.iter().for_each(|patch| config::merge(&mut config, patch));
        let preset_type = self.preset_type.unwrap_or(now.preset_type);
        if is_new {
            config::check(&mut checks, &preset_type, &config);
        }
        let mut fields = Fields::of(&mut checks, "#", None);
        let new = NewPreset {
            name: self.name.map_or(now.name, |name| fields.line("name", name)),
            description: match self.description {
                Some(text) => text.and_then(|text| fields.text("description", text)),
                None => now.description,
            },
            template_id: now.template_id,
            preset_type,
            config,
            is_active: self.is_active.unwrap_or(now.is_active),
        };
        checks.finish().map(|()| new)
    }
}

/// Which presets to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PresetQuery {
    /// Keep presets of this exercise only.
    template_id: Option<Uuid>,
    /// Keep this type only.
    preset_type: Option<String>,
    /// Also those that are not shown to listeners: for those who write presets.
    include_inactive: Option<bool>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Exercises with their configuration, by name.
#[utoipa::path(get, path = "/v1/listening-prompts/presets", tag = "listening prompts", params(PresetQuery),
    responses((status = 200, body = Page<PresetView>), (status = 403, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn presets(
    State(app): State<App>,
    caller: Caller,
    list: List,
    Query(query): Query<PresetQuery>,
) -> Result<axum::Json<Page<PresetView>>, Problem> {
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let after = list.after(query.cursor.as_deref(), |key| Some(key.to_owned()))?;
    let mut db = app.db().await?;
    let filter = PresetFilter {
        template_id: query.template_id,
        preset_type: query.preset_type.as_deref(),
        with_inactive: with_inactive(&mut db, &caller, PRESETS, query.include_inactive).await?,
        after: after.as_ref().map(|(name, id)| (name.as_str(), *id)),
        limit: i64::from(limit) + 1,
    };
    let rows = prompts::presets(&mut db, &filter).await?;
    Ok(axum::Json(Page::new(rows, limit, |row: &Preset| list.cursor(&row.name, row.id))))
}

/// One preset.
#[utoipa::path(get, path = "/v1/listening-prompts/presets/{preset_id}", tag = "listening prompts",
    params(("preset_id" = Uuid, Path)),
    responses((status = 200, body = PresetView, headers(("ETag" = String, description = "This version of it"))),
        (status = 404, body = crate::problem::Body)))]
pub(crate) async fn preset(
    State(app): State<App>,
    caller: Caller,
    Path(preset_id): Path<Uuid>,
) -> Result<Response, Problem> {
    let mut db = app.db().await?;
    match prompts::preset(&mut db, preset_id).await? {
        Some((row, shown)) if shown || writes(&mut db, &caller, PRESETS).await? => {
            Ok(version::tagged(row.updated_at, PresetView::from(row)))
        }
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

/// Writes a preset. For those whose role grants it.
#[utoipa::path(post, path = "/v1/listening-prompts/presets", tag = "listening prompts", request_body = PresetRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 201, body = PresetView, headers(("Location" = String, description = "The preset"))),
        (status = 403, body = crate::problem::Body), (status = 409, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create_preset(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<PresetRequest>,
) -> Result<Response, Problem> {
    let mut tx = app.begin().await?;
    require(&mut tx, &caller, PRESETS, Action::Create).await?;
    let new = request.check()?;
    let operation = "POST /v1/listening-prompts/presets";
    let first = match idempotent::turn(&mut tx, &caller, &headers, operation, &new).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    if prompts::lock_template(&mut tx, new.template_id).await?.is_none() {
        return Err(Problem::invalid_field("#/template_id", "is no exercise"));
    }
    let made = prompts::insert_preset(&mut tx, caller.user_id(), &new).await?;
    let which = (PRESETS, made.id);
    note(&mut tx, &caller, "prompt_preset.created", which, Action::Create, &made.name).await?;
    let location = Some(format!("/v1/listening-prompts/presets/{}", made.id));
    first.answer(tx, StatusCode::CREATED, location, &PresetView::from(made)).await
}

/// Changes a preset. What is absent stays, `null` empties. For those whose role grants it.
#[utoipa::path(patch, path = "/v1/listening-prompts/presets/{preset_id}", tag = "listening prompts",
    params(("preset_id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is changed: 412 if it is another by now")),
    request_body = PresetPatch,
    responses((status = 200, body = PresetView, headers(("ETag" = String, description = "The new version"))),
        (status = 403, body = crate::problem::Body), (status = 404, body = crate::problem::Body),
        (status = 412, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn patch_preset(
    State(app): State<App>,
    caller: Caller,
    Path(preset_id): Path<Uuid>,
    headers: HeaderMap,
    Json(patch): Json<PresetPatch>,
) -> Result<Response, Problem> {
    let mut tx = app.begin().await?;
    require(&mut tx, &caller, PRESETS, Action::Update).await?;
    let now = prompts::lock_preset(&mut tx, preset_id).await?;
    let now = now.ok_or_else(|| Problem::new(Kind::NotFound))?;
    version::check_if_match(&headers, now.updated_at)?;
    let changed = prompts::update_preset(&mut tx, preset_id, &patch.apply(now)?).await?;
    let changed = changed.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let which = (PRESETS, preset_id);
    note(&mut tx, &caller, "prompt_preset.updated", which, Action::Update, &changed.name).await?;
    state::commit(tx).await?;
    Ok(version::tagged(changed.updated_at, PresetView::from(changed)))
}

/// Removes a preset. For those whose role grants it.
#[utoipa::path(delete, path = "/v1/listening-prompts/presets/{preset_id}", tag = "listening prompts",
    params(("preset_id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is removed: 412 if it is another by now")),
    responses((status = 204, description = "Removed"), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body), (status = 412, body = crate::problem::Body)))]
pub(crate) async fn delete_preset(
    State(app): State<App>,
    caller: Caller,
    Path(preset_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let mut tx = app.begin().await?;
    require(&mut tx, &caller, PRESETS, Action::Delete).await?;
    let now = prompts::lock_preset(&mut tx, preset_id).await?;
    let now = now.ok_or_else(|| Problem::new(Kind::NotFound))?;
    version::check_if_match(&headers, now.updated_at)?;
    prompts::delete_preset(&mut tx, preset_id).await?;
    note(&mut tx, &caller, PRESET_DELETED, (PRESETS, preset_id), Action::Delete, &now.name).await?;
    state::commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
