//! Listening prompts: exercises that send a person back to the music with a question.
//!
//! Everybody with an account sees those that are active. Roles grant writing them, templates and presets apart; who may
//! write sees those that are not active, too. That there are prompts is no secret: who may not write is told so.

mod config;
mod presets;
mod templates;
mod told;

pub(crate) use self::presets::{
    __path_create_preset, __path_delete_preset, __path_patch_preset, __path_preset, __path_presets,
    create_preset, delete_preset, patch_preset, preset, presets,
};
pub(crate) use self::templates::{
    __path_create_template, __path_delete_template, __path_patch_template, __path_template, __path_templates,
    create_template, delete_template, patch_template, template, templates,
};

use crate::problem::{Kind, Problem};
use crate::request::Caller;
use serde_json::json;
use store::PgConnection;
use store::access::{self, Action};
use uuid::Uuid;

/// `audit_log.event_type` of presets that are removed, alone or with their template.
const PRESET_DELETED: &str = "prompt_preset.deleted";

/// Fails with 403 unless a role of `caller` grants `action` on prompts of this kind.
async fn require(
    db: &mut PgConnection,
    caller: &Caller,
    resource: &'static str,
    action: Action,
) -> Result<(), Problem> {
    if access::is_entitled(db, caller.user_id(), resource, action).await? {
        return Ok(());
    }
    Err(Problem::new(Kind::Forbidden))
}

/// Whether `caller` writes prompts of this kind, in any way: then they see those that are not active.
async fn writes(db: &mut PgConnection, caller: &Caller, resource: &'static str) -> Result<bool, Problem> {
    for action in [Action::Update, Action::Create, Action::Delete] {
        if access::is_entitled(db, caller.user_id(), resource, action).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is listed beside active prompts: 403 for those who ask for more than they may see.
async fn with_inactive(
    db: &mut PgConnection,
    caller: &Caller,
    resource: &'static str,
    asked: Option<bool>,
) -> Result<bool, Problem> {
    match asked {
        Some(true) if !writes(db, caller, resource).await? => Err(Problem::new(Kind::Forbidden)),
        asked => Ok(asked.unwrap_or(false)),
    }
}

/// Every change of a prompt leaves a line in the audit trail.
async fn note(
    db: &mut PgConnection,
    caller: &Caller,
    event: &'static str,
    (resource, id): (&'static str, Uuid),
    action: Action,
    name: &str,
) -> Result<(), Problem> {
    let mut entry = caller.audit_of(event, resource, Some(id), action);
    entry.details = Some(json!({ "name": name }));
    Ok(access::record(db, &entry).await?)
}
