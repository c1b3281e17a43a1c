//! The operator's board: a page that shows the queue and steers it.
//!
//! The page itself is for everybody and knows nothing. It asks for a token, keeps it for as long as the tab is open, and
//! asks this API as any other client does: what it shows and does is what the token's owner may see and do.

use axum::http::header;
use axum::response::{Html, IntoResponse};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const STYLE: &str = include_str!("board/style.css");
const SCRIPT: &str = include_str!("board/script.js");

static PAGE: LazyLock<String> = LazyLock::new(|| {
    include_str!("board/page.html").replace("/*style*/", STYLE).replace("/*script*/", SCRIPT)
});

/// This style and this script alone, and nobody but this server is asked.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

/// The queue as a page for operators; it asks nobody but this server.
#[utoipa::path(get, path = "/queue", operation_id = "getQueuePage", tag = "service", security(()),
    responses((status = 200, description = "A page", content_type = "text/html", body = String)))]
pub(crate) async fn page() -> impl IntoResponse {
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY.as_str()), (header::CACHE_CONTROL, "no-cache")];
    (headers, Html(PAGE.as_str()))
}
