//! What can go wrong with a fleet of workers: real `arsis worker` processes on a real PostgreSQL and a real S3 service, all at
//! default settings.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod clock;
mod corrupt;
mod database;
mod disk;
mod kill;
mod latency;
mod signals;
mod storage;
mod support;
mod tickets;
