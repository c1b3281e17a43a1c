//! What is told of `DATABASE_URL` when nothing comes of it: never the password, and whether anybody is there at all.

use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What such a URL looks like.
const EXAMPLE: &str = "postgres://USER:PASSWORD@HOST:5432/DATABASE";
/// PostgreSQL's own port.
const PORT: u16 = 5432;
/// How long somebody may take to answer.
const LIMIT: Duration = Duration::from_secs(2);

/// The parts of a URL that may be shown.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'a> {
    host: &'a str,
    port: u16,
    database: &'a str,
}

/// `None` where it is no URL of a database, or leads to a socket, which has no host.
fn parts(url: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let rest = rest.split(['?', '#']).next()?;
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    // A password may hold an '@' that nobody escaped: the last one is what ends it.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (host, PORT),
    };
    let named = matches!(scheme, "postgres" | "postgresql") && !host.is_empty();
    named.then_some(Parts { host, port, database })
}

/// What could not be done, and the next step.
pub(super) async fn told(url: &str) -> String {
    let Some(parts) = parts(url) else {
        return format!("failed to connect to DATABASE_URL (it looks like {EXAMPLE})");
    };
    let Parts { host, port, database } = parts;
    let place = format!("failed to connect to the database {database:?} at {host}:{port} (DATABASE_URL)");
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match timeout(LIMIT, TcpStream::connect((bare, port))).await {
        Ok(Ok(_)) => format!("{place}, where somebody answers; look at user, password and name"),
        Ok(Err(error)) => format!("{place}, where nobody answers ({error}); does PostgreSQL run there?"),
        Err(_) => {
            format!("{place}, where nobody answers within {} s; is a firewall between?", LIMIT.as_secs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_among_what_is_shown() {
        let check = |url, host, port, database| {
            assert_eq!(parts(url), Some(Parts { host, port, database }), "{url}");
        };
        check(
            "postgres://u:secret@db.example.org:6543/music?sslmode=require",
            "db.example.org",
            6543,
            "music",
        );
        check("postgresql://u:p@ss@localhost/music", "localhost", 5432, "music");
        check("postgres://u:secret@[::1]:5433/music", "[::1]", 5433, "music");
        check("postgres://[::1]", "[::1]", 5432, "");
        for none in
            ["secret", "mysql://u:secret@h/d", "postgres://u:secret@h:port/d", "postgres:///d?host=/tmp"]
        {
            assert_eq!(parts(none), None, "{none}");
        }
    }
}
