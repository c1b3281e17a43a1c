//! People: who has an account, and who may use it.

use super::views::UserView;
use super::{admit, note, refuse_lockout, refuse_outranked};
use crate::extract::{Json, Path, Query};
use crate::idempotent::{self, Turn};
use crate::page::{List, Page};
use crate::patch::{given, nullable};
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::state::{self, App};
use crate::text::{self, Checks};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::access::{Action, USERS};
use store::sessions::{self, Origin};
use store::users::{self, Account, Changes};
use store::{PgConnection, grants};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Longest address, in characters.
const MAX_EMAIL: usize = 254;

/// Which accounts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserQuery {
    /// Only those that may be used (`true`), or only those that may not.
    approved: Option<bool>,
    /// Only those whose address begins with this, at most 254 characters, whatever the case.
    #[param(max_length = 254)]
    email_prefix: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Accounts, newest first. For those who may read `users`.
#[utoipa::path(get, path = "/v1/admin/users", tag = "administration", params(UserQuery),
    responses((status = 200, body = Page<UserView>), (status = 403, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    list: List,
    Query(query): Query<UserQuery>,
) -> Result<axum::Json<Page<UserView>>, Problem> {
    let (after, limit) = list.check(query.cursor.as_deref(), query.limit)?;
    if query.email_prefix.as_ref().is_some_and(|prefix| prefix.chars().count() > MAX_EMAIL) {
        return Err(Problem::invalid_field(
            "email_prefix",
            format!("must be at most {MAX_EMAIL} characters"),
        ));
    }
    let prefix = query.email_prefix.map(|prefix| prefix.to_lowercase());
    let mut db = app.db().await?;
    admit(&app, &mut db, &caller, USERS, Action::Read).await?;
    let rows = users::list(&mut db, query.approved, prefix.as_deref(), after, i64::from(limit) + 1).await?;
    note(&mut db, &caller, "admin.users_listed", (USERS, None), Action::Read, Value::Null).await?;
    let cursor = |row: &Account| list.time_cursor(row.created_at, row.id);
    Ok(axum::Json(Page::new(rows, limit, cursor)))
}

/// One account. For those who may read `users`.
#[utoipa::path(get, path = "/v1/admin/users/{user_id}", tag = "administration", params(("user_id" = Uuid, Path)),
    responses((status = 200, body = UserView), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body)))]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(user_id): Path<Uuid>,
) -> Result<axum::Json<UserView>, Problem> {
    let mut db = app.db().await?;
    admit(&app, &mut db, &caller, USERS, Action::Read).await?;
    let account = account(&mut db, user_id).await?;
    note(&mut db, &caller, "admin.user_read", (USERS, Some(user_id)), Action::Read, Value::Null).await?;
    Ok(axum::Json(account.into()))
}

/// The account, or 404: whoever comes so far may know who has one.
pub(super) async fn account(db: &mut PgConnection, user_id: Uuid) -> Result<Account, Problem> {
    users::account(db, user_id).await?.ok_or_else(|| Problem::new(Kind::NotFound))
}

/// A new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// Login address, in printable ASCII; kept in lower case.
    #[schema(max_length = 254, pattern = "^[!-?A-~]+@[!-?A-~]+$")]
    email: String,
    /// Display name, at most 500 characters, none of them a control character.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$")]
    name: Option<String>,
    /// Whether the account may be used at once. Default true.
    #[serde(default = "yes")]
    #[schema(default = true)]
    approved: bool,
    /// Whether to open a session for a year and tell its token. Default false.
    #[serde(default)]
    #[schema(default = false)]
    issue_token: bool,
}

fn yes() -> bool {
    true
}

/// A request that was checked. Its JSON is what two equal requests have in common.
#[derive(Debug, Serialize)]
struct Checked {
    email: String,
    name: Option<String>,
    approved: bool,
    issue_token: bool,
}

impl NewUser {
    fn check(self) -> Result<Checked, Problem> {
        let mut checks = Checks::default();
        if !is_address(&self.email) {
            checks.refuse(
                "#/email",
                "must be an address such as name@example.org, in at most 254 printable ASCII characters",
            );
        }
        let name = self.name.and_then(|name| checks.optional("#/name", text::NAME, name));
        checks.finish()?;
        Ok(Checked { email: self.email, name, approved: self.approved, issue_token: self.issue_token })
    }
}

/// One `@` with something on both sides. What stands there, the platform's mail will show.
fn is_address(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && b != b'@');
    text.len() <= MAX_EMAIL && text.split_once('@').is_some_and(|(name, host)| part(name) && part(host))
}

/// An account that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeUser {
    /// The account.
    user: UserView,
    /// The token of its session, if one was asked for; told this once, and `null` when the answer is given again.
    token: Option<String>,
}

/// Makes an account without roles. For those who may create `users`.
#[utoipa::path(post, path = "/v1/admin/users", tag = "administration", request_body = NewUser,
    params(("Idempotency-Key" = Option<String>, Header, description = "A retry with the same key gets the same answer, the token apart")),
    responses((status = 201, body = MadeUser, headers(("Location" = String, description = "The account"))),
        (status = 403, body = crate::problem::Body),
        (status = 409, description = "The address has an account", body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<NewUser>,
) -> Result<Response, Problem> {
    let asked = request.check()?;
    admit(&app, &mut *app.db().await?, &caller, USERS, Action::Create).await?;
    let mut tx = app.begin().await?;
    let first = match idempotent::turn(&mut tx, &caller, &headers, "POST /v1/admin/users", &asked).await? {
        Turn::First(first) => first,
        Turn::Again(answer) => return Ok(answer),
    };
    let made = users::create(&mut tx, &asked.email, asked.name.as_deref(), asked.approved).await?;
    let account = made.ok_or_else(|| Problem::new(Kind::EmailTaken))?;
    let id = account.id;
    let token = if asked.issue_token {
        Some(sessions::create(&mut tx, id, sessions::OPERATOR_LIFETIME, Origin::default()).await?)
    } else {
        None
    };
    let details = json!({ "approved": asked.approved, "token_issued": asked.issue_token });
    note(&mut tx, &caller, "admin.user_created", (USERS, Some(id)), Action::Create, details).await?;
    let mut made = MadeUser { user: account.into(), token: None };
    let kept = serde_json::to_value(&made).map_err(Problem::internal)?;
    made.token = token.map(|token| token.expose().to_owned());
    let location = format!("/v1/admin/users/{id}");
    first.answer_once(tx, StatusCode::CREATED, Some(location), &kept, &made).await
}

/// Changes to an account: what is absent stays, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UserPatch {
    /// New display name, at most 500 characters, none of them a control character.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 500,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$")]
    name: Option<Option<String>>,
    /// Whether the account may be used from now on.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = bool)]
    approved: Option<bool>,
}

/// Approves or blocks an account, or renames it. For those who may update `users`, and may do all that the person may,
/// for as long.
///
/// Who is blocked can use none of their sessions from then on.
#[utoipa::path(patch, path = "/v1/admin/users/{user_id}", tag = "administration", params(("user_id" = Uuid, Path)),
    request_body = UserPatch,
    responses((status = 200, body = UserView), (status = 403, body = crate::problem::Body),
        (status = 404, body = crate::problem::Body),
        (status = 409, description = "Nobody would be left to let others in", body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(user_id): Path<Uuid>,
    Json(patch): Json<UserPatch>,
) -> Result<axum::Json<UserView>, Problem> {
    let mut checks = Checks::default();
    let name = patch.name.map(|name| name.and_then(|name| checks.optional("#/name", text::NAME, name)));
    checks.finish()?;
    let changes = Changes { name, approved: patch.approved };
    admit(&app, &mut *app.db().await?, &caller, USERS, Action::Update).await?;
    let mut tx = app.begin().await?;
    let before = grants::administrators(&mut tx).await?;
    let earlier = account(&mut tx, user_id).await?;
    refuse_outranked(&mut tx, &caller, user_id).await?;
    let updated = users::update(&mut tx, user_id, &changes).await?;
    let updated = updated.ok_or_else(|| Problem::new(Kind::NotFound))?;
    refuse_lockout(&mut tx, before).await?;
    let details =
        json!({ "approved": [earlier.approved, updated.approved], "name": [earlier.name, updated.name] });
    note(&mut tx, &caller, "admin.user_updated", (USERS, Some(user_id)), Action::Update, details).await?;
    state::commit(tx).await?;
    caller.entitlements.forget(user_id);
    Ok(axum::Json(updated.into()))
}
