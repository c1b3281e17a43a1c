//! The migrations against the platform's specification, against databases that exist already, and what they seed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod catalogue;
mod migrating;
mod seeds;
mod spec;
