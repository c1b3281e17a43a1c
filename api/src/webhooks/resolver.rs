//! What names stand for, as far as deliveries may go there.
//!
//! Each connection resolves the name of its host here, and goes to an address that this gave: a name that stood for a
//! public address when the webhook was made, and stands for a private one now, leads nowhere.

use super::address::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;
use std::sync::Arc;

/// Resolves as the system does.
#[derive(Debug, Clone, Copy)]
pub(super) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the URL's: the connector puts it in place of 0.
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Passes on the public addresses of those that `inner` finds.
pub(super) struct PublicOnly<R> {
    inner: Arc<R>,
}

impl<R> PublicOnly<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner: Arc::new(inner) }
    }
}

/// A name that stands for no public address.
#[derive(Debug, thiserror::Error)]
#[error("the name stands for no public address")]
struct NotPublic;

impl<R: Resolve + 'static> Resolve for PublicOnly<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let inner = self.inner.clone();
        Box::pin(async move {
            let found = inner.resolve(name).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() { Err(NotPublic.into()) } else { Ok(Box::new(public.into_iter()) as Addrs) }
        })
    }
}
