//! The API as clients see it: a real server on a port of its own, a database and a storage per test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests fail like tests")]

mod administration;
mod analyses;
mod annotations;
mod audio;
mod auth;
mod connections;
mod corrections;
mod description;
mod exports;
mod growing;
mod hostile;
mod idempotency;
mod killed;
mod library;
mod manners;
mod matrix;
mod presigned;
mod progress;
mod prompts;
mod queue;
mod regions;
mod results;
mod service;
mod support;
mod tracks;
mod uploads;
mod viewer;
mod webhooks;
