//! The audit trail, for those who may read it.

use super::views::AuditView;
use super::{admit, note};
use crate::extract::Query;
use crate::page::{List, Page};
use crate::problem::Problem;
use crate::request::Caller;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use store::access::{AUDIT, Action};
use store::audit::{self, Filter, Line};
use time::{OffsetDateTime, UtcOffset};
use utoipa::IntoParams;
use uuid::Uuid;

/// Longest name of an event or a resource, in characters.
const MAX_NAME: usize = 100;

/// Which lines to list: those to which all that is given applies.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Of this user.
    user_id: Option<Uuid>,
    /// Of this event, e.g. `track.deleted`; at most 100 characters.
    #[param(max_length = 100)]
    event_type: Option<String>,
    /// About things of this kind, e.g. `reference_tracks`; at most 100 characters.
    #[param(max_length = 100)]
    resource_type: Option<String>,
    /// About this thing.
    resource_id: Option<Uuid>,
    /// At or after this moment.
    #[serde(default, with = "time::serde::rfc3339::option")]
    from: Option<OffsetDateTime>,
    /// Before this moment.
    #[serde(default, with = "time::serde::rfc3339::option")]
    to: Option<OffsetDateTime>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on a page, 1 to 100. Default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl AuditQuery {
    fn check(&self) -> Result<(), Problem> {
        for (pointer, name) in [("event_type", &self.event_type), ("resource_type", &self.resource_type)] {
            if name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
                return Err(Problem::invalid_field(
                    pointer,
                    format!("must be at most {MAX_NAME} characters"),
                ));
            }
        }
        // The last hours of 9999 in the west are another year in UTC.
        for (pointer, at) in [("from", self.from), ("to", self.to)] {
            if at.is_some_and(|at| at.checked_to_offset(UtcOffset::UTC).is_none()) {
                return Err(Problem::invalid_field(pointer, "must lie before the year 10000"));
            }
        }
        Ok(())
    }
}

/// The audit trail, newest first. For those who may read `audit_log`; reading it leaves a line, too.
#[utoipa::path(get, path = "/v1/admin/audit", tag = "administration", params(AuditQuery),
    responses((status = 200, body = Page<AuditView>), (status = 403, body = crate::problem::Body),
        (status = 422, body = crate::problem::Body)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    list: List,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditView>>, Problem> {
    let (after, limit) = list.check(query.cursor.as_deref(), query.limit)?;
    query.check()?;
    let mut db = app.db().await?;
    admit(&app, &mut db, &caller, AUDIT, Action::Read).await?;
    let filter = Filter {
        user_id: query.user_id,
        event_type: query.event_type.as_deref(),
        resource_type: query.resource_type.as_deref(),
        resource_id: query.resource_id,
        from: query.from,
        to: query.to,
    };
    let rows = audit::list(&mut db, &filter, after, i64::from(limit) + 1).await?;
    note(&mut db, &caller, "admin.audit_read", (AUDIT, None), Action::Read, Value::Null).await?;
    let cursor = |row: &Line| list.time_cursor(row.created_at, row.id);
    Ok(Json(Page::new(rows, limit, cursor)))
}
