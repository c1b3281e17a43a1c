//! The API as clients that are no Rust meet it, each against a live server: one that asks everything its description
//! allows and forbids, the clients that come with Arsis, in Python, in Node and in a browser, and the viewer.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod live;
mod node;
mod python;
mod schemathesis;
mod typescript;
mod viewer;
