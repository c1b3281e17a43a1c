//! Exports read by readers that are not ours: see `read_exports.py`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod anything;
mod document;
mod forms;
mod grid;
mod labels;
mod music;
mod support;
