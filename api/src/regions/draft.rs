//! What clients may say of a region.

use crate::patch::{given, nullable};
use crate::timeline::LINE;
use crate::timeline::fields::Fields;
use serde::Deserialize;
use store::regions::{Draft, Region};
use utoipa::ToSchema;

/// Parts of a piece: of songs, of dance music, of classical forms.
pub(super) const SECTION_TYPES: [&str; 22] = [
    "intro",
    "verse",
    "pre_chorus",
    "chorus",
    "post_chorus",
    "bridge",
    "hook",
    "refrain",
    "solo",
    "instrumental",
    "interlude",
    "break",
    "build_up",
    "drop",
    "breakdown",
    "theme",
    "exposition",
    "development",
    "recapitulation",
    "coda",
    "outro",
    "other",
];

/// Last place in a list that can be asked for.
const MAX_ORDER: i64 = 1_000_000;

/// A new region.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegionRequest {
    /// Where it begins, in ms; within the track, once its length is known.
    #[schema(minimum = 0, maximum = 2_147_483_647_i64)]
    pub(super) start_time_ms: i64,
    /// Where it ends, in ms, after its start.
    #[schema(minimum = 0, maximum = 2_147_483_647_i64)]
    pub(super) end_time_ms: i64,
    /// Name to show, in a line of 1 to 200 characters.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
    )]
    pub(super) name: String,
    /// Free text, at most 4,000 characters.
    #[schema(max_length = 4000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    pub(super) description: Option<String>,
    /// What part of a piece it is: `intro`, `verse`, `pre_chorus`, `chorus`, `post_chorus`, `bridge`, `hook`, `refrain`,
    /// `solo`, `instrumental`, `interlude`, `break`, `build_up`, `drop`, `breakdown`, `theme`, `exposition`,
    /// `development`, `recapitulation`, `coda`, `outro` or `other`.
    #[schema(
        pattern = "^(intro|verse|pre_chorus|chorus|post_chorus|bridge|hook|refrain|solo|instrumental|interlude|break|build_up|drop|breakdown|theme|exposition|development|recapitulation|coda|outro|other)$"
    )]
    pub(super) section_type: Option<String>,
    /// Colour as `#rrggbb` or `#rgb`.
    #[schema(pattern = "^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$", example = "#ff8800")]
    pub(super) color: Option<String>,
    /// Place in a list, 0 to 1,000,000. Absent: by time while no region of the track was put in order, else last.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub(super) display_order: Option<i64>,
}

impl RegionRequest {
    /// Checks everything.
    pub(super) fn check(self, mut fields: Fields<'_>) -> Draft {
        let (start_time_ms, end_time_ms) = stretch(&mut fields, self.start_time_ms, self.end_time_ms);
        Draft {
            start_time_ms,
            end_time_ms,
            name: fields.line("name", self.name),
            description: self.description.and_then(|text| fields.text("description", text)),
            section_type: self.section_type.and_then(|name| section_type(&mut fields, name)),
            color: self.color.and_then(|color| fields.color("color", &color)),
            display_order: self.display_order.and_then(|order| display_order(&mut fields, order)),
        }
    }
}

fn stretch(fields: &mut Fields<'_>, start_ms: i64, end_ms: i64) -> (i32, i32) {
    let (start_ms, end_ms) = fields.stretch(start_ms, Some(end_ms));
    (start_ms, end_ms.unwrap_or_default())
}

fn section_type(fields: &mut Fields<'_>, name: String) -> Option<String> {
    if SECTION_TYPES.contains(&name.as_str()) {
        return Some(name);
    }
    fields.refuse("section_type", format!("must be one of {}", SECTION_TYPES.join(", ")));
    None
}

fn display_order(fields: &mut Fields<'_>, order: i64) -> Option<i32> {
    let order = Some(order).filter(|order| (0..=MAX_ORDER).contains(order));
    if order.is_none() {
        fields.refuse("display_order", format!("must be 0 to {MAX_ORDER}"));
    }
    order.and_then(|order| i32::try_from(order).ok())
}

/// Changes to a region: what is absent stays, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RegionPatch {
    /// Where it begins, in ms.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 2_147_483_647_i64)]
    start_time_ms: Option<i64>,
    /// Where it ends, in ms.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 2_147_483_647_i64)]
    end_time_ms: Option<i64>,
    /// Name to show, in a line of 1 to 200 characters.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$")]
    name: Option<String>,
    /// Free text, at most 4,000 characters.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 4000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    description: Option<Option<String>>,
    /// What part of a piece it is: one of those that a new region may be.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, pattern = "^(intro|verse|pre_chorus|chorus|post_chorus|bridge|hook|refrain|solo|instrumental|interlude|break|build_up|drop|breakdown|theme|exposition|development|recapitulation|coda|outro|other)$")]
    section_type: Option<Option<String>>,
    /// Colour as `#rrggbb` or `#rgb`.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, pattern = "^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$")]
    color: Option<Option<String>>,
    /// Place in a list, 0 to 1,000,000.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 1_000_000)]
    display_order: Option<i64>,
}

impl RegionPatch {
    /// What is said of the region then. Only what is new is checked: others may have written what is there.
    pub(super) fn apply(self, now: &Region, mut fields: Fields<'_>) -> Draft {
        let (mut start_time_ms, mut end_time_ms) = (now.start_time_ms, now.end_time_ms);
        if self.start_time_ms.is_some() || self.end_time_ms.is_some() {
            let start = self.start_time_ms.unwrap_or_else(|| start_time_ms.into());
            let end = self.end_time_ms.unwrap_or_else(|| end_time_ms.into());
            (start_time_ms, end_time_ms) = stretch(&mut fields, start, end);
        }
        Draft {
            start_time_ms,
            end_time_ms,
            name: self.name.map_or_else(|| now.name.clone(), |name| fields.line("name", name)),
            description: match self.description {
                Some(text) => text.and_then(|text| fields.text("description", text)),
                None => now.description.clone(),
            },
            section_type: match self.section_type {
                Some(name) => name.and_then(|name| section_type(&mut fields, name)),
                None => now.section_type.clone(),
            },
            color: match self.color {
                Some(color) => color.and_then(|color| fields.color("color", &color)),
                None => now.color.clone(),
            },
            display_order: self.display_order.and_then(|order| display_order(&mut fields, order)),
        }
    }
}

const _: () = assert!(LINE == 200, "the descriptions above say so");
