//! What clients may say in an annotation.

use crate::patch::{given, nullable};
use crate::timeline::LINE;
use crate::timeline::fields::Fields;
use serde::Deserialize;
use store::annotations::{Annotation, Draft};
use utoipa::ToSchema;

/// Longest category, in characters.
const CATEGORY: usize = 50;

/// A new annotation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnnotationRequest {
    /// Where it begins, in ms; within the track, once its length is known.
    #[schema(minimum = 0, maximum = 2_147_483_647_i64)]
    pub(super) start_time_ms: i64,
    /// Where it ends, in ms, after its start; absent for a moment.
    #[schema(minimum = 0, maximum = 2_147_483_647_i64)]
    pub(super) end_time_ms: Option<i64>,
    /// What it says, in a line of 1 to 200 characters.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
    )]
    pub(super) title: String,
    /// What it says at length, at most 4,000 characters.
    #[schema(max_length = 4000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    pub(super) content: Option<String>,
    /// What kind of annotation it is, at most 50 characters.
    #[schema(
        max_length = 50,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$",
        example = "instrument"
    )]
    pub(super) category: Option<String>,
    /// Colour as `#rrggbb` or `#rgb`.
    #[schema(pattern = "^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$", example = "#ff8800")]
    pub(super) color: Option<String>,
    /// Only you see it. Default true.
    pub(super) is_private: Option<bool>,
}

impl AnnotationRequest {
    /// Checks everything.
    pub(super) fn check(self, mut fields: Fields<'_>) -> Draft {
        let (start_time_ms, end_time_ms) = fields.stretch(self.start_time_ms, self.end_time_ms);
        Draft {
            start_time_ms,
            end_time_ms,
            title: fields.line("title", self.title),
            content: self.content.and_then(|content| fields.text("content", content)),
            category: self.category.and_then(|name| fields.optional_line("category", CATEGORY, name)),
            color: self.color.and_then(|color| fields.color("color", &color)),
            is_private: self.is_private.unwrap_or(true),
        }
    }
}

/// Changes to an annotation: what is absent stays, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AnnotationPatch {
    /// Where it begins, in ms.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 2_147_483_647_i64)]
    start_time_ms: Option<i64>,
    /// Where it ends, in ms; null makes it a moment.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 2_147_483_647_i64)]
    end_time_ms: Option<Option<i64>>,
    /// What it says, in a line of 1 to 200 characters.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$")]
    title: Option<String>,
    /// What it says at length, at most 4,000 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 4000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    content: Option<Option<String>>,
    /// What kind of annotation it is, at most 50 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 50, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$")]
    category: Option<Option<String>>,
    /// Colour as `#rrggbb` or `#rgb`.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, pattern = "^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$")]
    color: Option<Option<String>>,
    /// Only its author sees it.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    is_private: Option<bool>,
}

impl AnnotationPatch {
    /// What the annotation says then. Only what is new is checked: others may have written what is there.
    pub(super) fn apply(self, now: &Annotation, mut fields: Fields<'_>) -> Draft {
        let (mut start_time_ms, mut end_time_ms) = (now.start_time_ms, now.end_time_ms);
        if self.start_time_ms.is_some() || self.end_time_ms.is_some() {
            let start = self.start_time_ms.unwrap_or_else(|| start_time_ms.into());
            let end = self.end_time_ms.unwrap_or_else(|| end_time_ms.map(i64::from));
            (start_time_ms, end_time_ms) = fields.stretch(start, end);
        }
        let kept = |value: &Option<String>| value.clone();
        Draft {
            start_time_ms,
            end_time_ms,
            title: self.title.map_or_else(|| now.title.clone(), |title| fields.line("title", title)),
            content: match self.content {
                Some(content) => content.and_then(|content| fields.text("content", content)),
                None => kept(&now.content),
            },
            category: match self.category {
                Some(name) => name.and_then(|name| fields.optional_line("category", CATEGORY, name)),
                None => kept(&now.category),
            },
            color: match self.color {
                Some(color) => color.and_then(|color| fields.color("color", &color)),
                None => kept(&now.color),
            },
            is_private: self.is_private.unwrap_or(now.is_private),
        }
    }
}

const _: () = assert!(LINE == 200, "the descriptions above say so");
