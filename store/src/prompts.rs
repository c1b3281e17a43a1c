//! Listening prompts: exercises that send a person back to the music with a question.

mod presets;
mod templates;

pub use presets::{
    NewPreset, Preset, PresetFilter, delete_preset, insert_preset, lock_preset, preset, presets,
    update_preset,
};
pub use templates::{
    NewTemplate, Template, TemplateFilter, count_presets, delete_presets, delete_template, insert_template,
    lock_template, template, templates, update_template,
};

/// `entitlements.resource` of templates.
pub const TEMPLATES: &str = "listening_prompt_templates";

/// `entitlements.resource` of presets.
pub const PRESETS: &str = "listening_prompt_presets";
