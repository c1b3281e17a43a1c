//! The HTTP layer: tracks, analyses, frames, events and listening prompts under `/v1`.
//!
//! Thin: rows and objects are `store`'s, what audio means is `analysis-core`'s. Audio is never decoded here.
//!
//! ```no_run
//! # async fn example(pool: store::PgPool, objects: store::objects::Objects) -> std::io::Result<()> {
//! let app = api::App::new(pool, objects, api::Config::default());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! let stopped = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//! api::serve(listener, app, stopped).await
//! # }
//! ```

mod activity;
mod admin;
mod analyses;
mod annotations;
mod attempts;
mod audio;
mod auth;
mod batches;
mod board;
mod compress;
mod conditional;
mod config;
mod connection;
mod cookie;
mod corrections;
mod cors;
mod description;
mod digest;
mod disposition;
mod docs;
mod entitlements;
mod export;
mod extract;
mod frames;
mod growing;
mod health;
mod idempotent;
mod json;
mod library;
mod limits;
mod manners;
mod me;
mod methods;
mod metrics;
mod monitor;
mod negotiate;
mod page;
mod patch;
mod places;
pub mod problem;
mod progress;
mod prompts;
mod proxies;
mod query;
pub mod queue;
mod range;
mod regions;
mod regrid;
mod request;
mod results;
mod rights;
mod router;
mod schedule;
mod secure;
mod serve;
mod sniff;
mod spotify;
mod state;
mod sweep;
mod text;
mod timeline;
mod tracks;
mod upload;
mod viewer;
mod views;
mod webhooks;

pub use config::Config;
pub use metrics::Exposition;
pub use monitor::{Probe, serve_monitor};
pub use router::{description, router};
pub use serve::serve;
pub use state::App;
