//! The migrations against the platform's specification, against databases that exist already, and what they seed.

mod catalogue;
mod migrating;
mod seeds;
mod spec;
