//! Templates: the questions, and what helps to answer them.

use super::{PRESET_DELETED, note, require, with_inactive, writes};
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
use serde_json::{Value, json};
use store::access::{self, Action};
use store::prompts::{self, NewTemplate, TEMPLATES, Template, TemplateFilter};
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How hard an exercise is.
const DIFFICULTIES: [&str; 3] = ["beginner", "intermediate", "advanced"];

/// Longest category, in characters.
const CATEGORY: usize = 50;

/// Most hints, and most observations.
const MAX_LINES: usize = 20;

/// Last place in a list.
const MAX_ORDER: i64 = 1_000_000;

/// Longest text that is looked for, in characters.
const MAX_SOUGHT: usize = 100;

/// A listening exercise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PromptTemplate)]
pub(crate) struct TemplateView {
    /// Id.
    id: Uuid,
    /// Name to show.
    name: String,
    /// What it trains.
    description: Option<String>,
    /// What kind of listening.
    category: String,
    /// How hard it is.
    difficulty: String,
    /// The question itself.
    prompt_text: String,
    /// Help, from vague to plain.
    hints: Option<Value>,
    /// What an attentive listener will notice.
    expected_observations: Option<Value>,
    /// Free labels.
    tags: Vec<String>,
    /// Place in a list.
    display_order: i32,
    /// Whether it is shown to listeners.
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

impl From<Template> for TemplateView {
    fn from(row: Template) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            category: row.category,
            difficulty: row.difficulty,
            prompt_text: row.prompt_text,
            hints: row.hints,
            expected_observations: row.expected_observations,
            tags: row.tags,
            display_order: row.display_order,
            is_active: row.is_active,
            etag: version::etag(row.updated_at),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A new exercise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateRequest {
    /// Name to show, in a line of 1 to 200 characters.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
    )]
    name: String,
    /// What it trains, at most 4,000 characters.
    #[schema(max_length = 4000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    description: Option<String>,
    /// What kind of listening, in lower-case letters, digits and `_`.
    #[schema(max_length = 50, pattern = "^[a-z][a-z0-9_]{0,49}$", example = "rhythm")]
    category: String,
    /// `beginner` (the default), `intermediate` or `advanced`.
    #[schema(pattern = "^(beginner|intermediate|advanced)$")]
    difficulty: Option<String>,
    /// The question itself, 1 to 4,000 characters.
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
    )]
    prompt_text: String,
    /// Help, from vague to plain: at most 20.
    #[schema(max_items = 20)]
    hints: Option<Vec<String>>,
    /// What an attentive listener will notice: at most 20.
    #[schema(max_items = 20)]
    expected_observations: Option<Vec<String>>,
    /// Free labels: at most 50 of at most 100 characters.
    #[schema(max_items = 50)]
    tags: Option<Vec<String>>,
    /// Place in a list, 0 to 1,000,000. Default 0.
    #[schema(minimum = 0, maximum = 1_000_000)]
    display_order: Option<i64>,
    /// Whether it is shown to listeners. Default true.
    is_active: Option<bool>,
}

impl TemplateRequest {
    fn check(self) -> Result<NewTemplate, Problem> {
        let mut checks = Checks::default();
        let tags = self.tags.map(|tags| checks.tags("#/tags", tags)).unwrap_or_default();
        let prompt_text = checks.required("#/prompt_text", crate::timeline::TEXT, self.prompt_text);
        let mut fields = Fields::of(&mut checks, "#", None);
        let new = NewTemplate {
            name: fields.line("name", self.name),
            description: self.description.and_then(|text| fields.text("description", text)),
            category: category(&mut fields, self.category),
            difficulty: difficulty(&mut fields, self.difficulty.unwrap_or_else(|| DIFFICULTIES[0].into())),
            prompt_text,
            hints: self.hints.map(|hints| lines(&mut fields, "hints", hints)),
            expected_observations: self
                .expected_observations
                .map(|seen| lines(&mut fields, "expected_observations", seen)),
            tags,
            display_order: display_order(&mut fields, self.display_order.unwrap_or(0)),
            is_active: self.is_active.unwrap_or(true),
        };
        checks.finish().map(|()| new)
    }
}

fn category(fields: &mut Fields<'_>, name: String) -> String {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let begins = name.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    if !begins || name.len() > CATEGORY || !name.bytes().all(plain) {
        let rule = format!("must be a letter and at most {} more, lower case, digits or _", CATEGORY - 1);
        fields.refuse("category", rule);
    }
    name
}

fn difficulty(fields: &mut Fields<'_>, name: String) -> String {
    if !DIFFICULTIES.contains(&name.as_str()) {
        fields.refuse("difficulty", format!("must be one of {}", DIFFICULTIES.join(", ")));
    }
    name
}

fn display_order(fields: &mut Fields<'_>, order: i64) -> i32 {
    if !(0..=MAX_ORDER).contains(&order) {
        fields.refuse("display_order", format!("must be 0 to {MAX_ORDER}"));
    }
    i32::try_from(order).unwrap_or_default()
}

/// Lines of help; empty ones are dropped.
fn lines(fields: &mut Fields<'_>, name: &str, lines: Vec<String>) -> Value {
    if lines.len() > MAX_LINES {
        fields.refuse(name, format!("must be at most {MAX_LINES}"));
        return Value::Null;
    }
    let lines = lines.into_iter().enumerate();
    lines.filter_map(|(i, line)| fields.text(&format!("{name}/{i}"), line)).collect()
}

/// Changes to an exercise: what is absent stays, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TemplatePatch {
    /// Name to show, in a line of 1 to 200 characters.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$")]
    name: Option<String>,
    /// What it trains, at most 4,000 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 4000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    description: Option<Option<String>>,
    /// What kind of listening.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, required = false, max_length = 50, pattern = "^[a-z][a-z0-9_]{0,49}$")]
    category: Option<String>,
    /// `beginner`, `intermediate` or `advanced`.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, required = false, pattern = "^(beginner|intermediate|advanced)$")]
    difficulty: Option<String>,
    /// The question itself, 1 to 4,000 characters.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 4000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    prompt_text: Option<String>,
    /// Help, from vague to plain: at most 20.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    hints: Option<Option<Vec<String>>>,
    /// What an attentive listener will notice: at most 20.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    expected_observations: Option<Option<Vec<String>>>,
    /// Free labels, in place of the old.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Vec<String>, required = false, max_items = 50)]
    tags: Option<Vec<String>>,
    /// Place in a list, 0 to 1,000,000.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 1_000_000)]
    display_order: Option<i64>,
    /// Whether it is shown to listeners.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    is_active: Option<bool>,
}

impl TemplatePatch {
    /// What the exercise says then. Only what is new is checked: others may have written what is there.
    fn apply(self, now: Template) -> Result<NewTemplate, Problem> {
        let mut checks = Checks::default();
        let tags = self.tags.map_or(now.tags, |tags| checks.tags("#/tags", tags));
        let prompt_text = match self.prompt_text {
            Some(text) => checks.required("#/prompt_text", crate::timeline::TEXT, text),
            None => now.prompt_text,
        };
        let mut fields = Fields::of(&mut checks, "#", None);
        let new = NewTemplate {
            name: self.name.map_or(now.name, |name| fields.line("name", name)),
            description: match self.description {
                Some(text) => text.and_then(|text| fields.text("description", text)),
                None => now.description,
            },
            category: self.category.map_or(now.category, |name| category(&mut fields, name)),
            difficulty: self.difficulty.map_or(now.difficulty, |name| difficulty(&mut fields, name)),
            prompt_text,
            hints: match self.hints {
                Some(hints) => hints.map(|hints| lines(&mut fields, "hints", hints)),
                None => now.hints,
            },
            expected_observations: match self.expected_observations {
                Some(seen) => seen.map(|seen| lines(&mut fields, "expected_observations", seen)),
                None => now.expected_observations,
            },
            tags,
            display_order: match self.display_order {
                Some(order) => display_order(&mut fields, order),
                None => now.display_order,
            },
            is_active: self.is_active.unwrap_or(now.is_active),
        };
        checks.finish().map(|()| new)
    }
}

/// Which templates to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TemplateQuery {
    /// Keep this category only.
    category: Option<String>,
    /// Keep this difficulty only.
    difficulty: Option<String>,
    /// Keep those with this tag only.
    tag: Option<String>,
    /// Keep those that have this in their name, description or question, in any case; at most 100 characters.
    #[param(max_length = 100)]
    q: Option<String>,
    /// Also those that are not shown to listeners: for those who write prompts.
    include_inactive: Option<bool>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Exercises, in the order they are meant to be done.
#[utoipa::path(get, path = "/v1/listening-prompts/templates", tag = "listening prompts", params(TemplateQuery),
    responses((status = 200, body = Page<TemplateView>), (status = 403, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn templates(
    State(app): State<App>,
    caller: Caller,
    list: List,
    Query(query): Query<TemplateQuery>,
) -> Result<axum::Json<Page<TemplateView>>, Problem> {
    let limit = page::limit(query.limit, page::MAX_LIMIT)?;
    let after = list.after(query.cursor.as_deref(), |key| key.parse().ok())?;
    if query.q.as_ref().is_some_and(|text| text.chars().count() > MAX_SOUGHT) {
        return Err(Problem::invalid_field("q", format!("must be at most {MAX_SOUGHT} characters")));
    }
    let mut db = app.db().await?;
    let filter = TemplateFilter {
        category: query.category.as_deref(),
        difficulty: query.difficulty.as_deref(),
        tag: query.tag.as_deref(),
        text: query.q.as_deref(),
        after,
        with_inactive: with_inactive(&mut db, &caller, TEMPLATES, query.include_inactive).await?,
        limit: i64::from(limit) + 1,
    };
    let rows = prompts::templates(&mut db, &filter).await?;
    let cursor = |row: &Template| list.cursor(row.display_order, row.id);
    Ok(axum::Json(Page::new(rows, limit, cursor)))
}

/// One exercise.
#[utoipa::path(get, path = "/v1/listening-prompts/templates/{template_id}", tag = "listening prompts",
    params(("template_id" = Uuid, Path)),
    responses((status = 200, body = TemplateView, headers(("ETag" = String, description = "This version of it"))),
        (status = 404, body = crate::problem::Body)))]
pub(crate) async fn template(
    State(app): State<App>,
    caller: Caller,
    Path(template_id): Path<Uuid>,
) -> Result<Response, Problem> {
    let mut db = app.db().await?;
    match prompts::template(&mut db, template_id).await? {
        Some(row) if row.is_active || writes(&mut db, &caller, TEMPLATES).await? => {
            Ok(version::tagged(row.updated_at, TemplateView::from(row)))
        }
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

/// Writes an exercise. For those whose role grants it.
#[utoipa::path(post, path = "/v1/listening-prompts/templates", tag = "listening prompts",
    request_body = TemplateRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer")),
    responses((status = 201, body = TemplateView, headers(("Location" = String, description = "The exercise"))),
        (status = 403, body = crate::problem::Body), (status = 409, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create_template(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<TemplateRequest>,
) -> Result<Response, Problem> {
    let mut tx = app.begin().await?;
    require(&mut tx, &caller, TEMPLATES, Action::Create).await?;
    let new = request.check()?;
    let operation = "POST /v1/listening-prompts/templates";
    let first = match idempotent::turn(&mut tx, &caller, &headers, operation, &new).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let made = prompts::insert_template(&mut tx, caller.user_id(), &new).await?;
    let which = (TEMPLATES, made.id);
    note(&mut tx, &caller, "prompt_template.created", which, Action::Create, &made.name).await?;
    let location = Some(format!("/v1/listening-prompts/templates/{}", made.id));
    first.answer(tx, StatusCode::CREATED, location, &TemplateView::from(made)).await
}

/// Changes an exercise. What is absent stays, `null` empties. For those whose role grants it.
#[utoipa::path(patch, path = "/v1/listening-prompts/templates/{template_id}", tag = "listening prompts",
    params(("template_id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is changed: 412 if it is another by now")),
    request_body = TemplatePatch,
    responses((status = 200, body = TemplateView, headers(("ETag" = String, description = "The new version"))),
        (status = 403, body = crate::problem::Body), (status = 404, body = crate::problem::Body),
        (status = 412, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn patch_template(
    State(app): State<App>,
    caller: Caller,
    Path(template_id): Path<Uuid>,
    headers: HeaderMap,
    Json(patch): Json<TemplatePatch>,
) -> Result<Response, Problem> {
    let mut tx = app.begin().await?;
    require(&mut tx, &caller, TEMPLATES, Action::Update).await?;
    let now = prompts::lock_template(&mut tx, template_id).await?;
    let now = now.ok_or_else(|| Problem::new(Kind::NotFound))?;
    version::check_if_match(&headers, now.updated_at)?;
    let changed = prompts::update_template(&mut tx, template_id, &patch.apply(now)?).await?;
    let changed = changed.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let which = (TEMPLATES, template_id);
    note(&mut tx, &caller, "prompt_template.updated", which, Action::Update, &changed.name).await?;
    state::commit(tx).await?;
    Ok(version::tagged(changed.updated_at, TemplateView::from(changed)))
}

/// Which template to remove.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemovalQuery {
    /// Remove its presets along with it. Default false: one that has presets stays.
    with_presets: Option<bool>,
}

/// Removes an exercise. For those whose role grants it; with its presets, if they may remove those as well.
#[utoipa::path(delete, path = "/v1/listening-prompts/templates/{template_id}", tag = "listening prompts",
    params(("template_id" = Uuid, Path), RemovalQuery,
        ("If-Match" = Option<String>, Header, description = "The version that is removed: 412 if it is another by now")),
    responses((status = 204, description = "Removed"), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body),
        (status = 409, description = "It has presets", body = crate::problem::Body),
        (status = 412, body = crate::problem::Body), (status = 422, body = crate::problem::Body)))]
pub(crate) async fn delete_template(
    State(app): State<App>,
    caller: Caller,
    Path(template_id): Path<Uuid>,
    Query(query): Query<RemovalQuery>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let mut tx = app.begin().await?;
    require(&mut tx, &caller, TEMPLATES, Action::Delete).await?;
    let now = prompts::lock_template(&mut tx, template_id).await?;
    let now = now.ok_or_else(|| Problem::new(Kind::NotFound))?;
    version::check_if_match(&headers, now.updated_at)?;
    let presets = prompts::count_presets(&mut tx, template_id).await?;
    if presets > 0 {
        if query.with_presets != Some(true) {
            let detail = format!("it has {presets} presets; with_presets=true removes them as well");
            return Err(Problem::detailed(Kind::InUse, detail));
        }
        require(&mut tx, &caller, prompts::PRESETS, Action::Delete).await?;
        let removed = prompts::delete_presets(&mut tx, template_id).await?;
        let entry = caller.audit_of(PRESET_DELETED, prompts::PRESETS, None, Action::Delete);
        let line = |(id, name): (Uuid, String)| (Some(id), Some(json!({ "name": name })));
        access::record_each(&mut tx, &entry, removed.into_iter().map(line)).await?;
    }
    prompts::delete_template(&mut tx, template_id).await?;
    let which = (TEMPLATES, template_id);
    note(&mut tx, &caller, "prompt_template.deleted", which, Action::Delete, &now.name).await?;
    state::commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}
