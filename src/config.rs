//! The environment, read here and nowhere else.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `DATABASE_URL` | PostgreSQL 15 or newer | a private server in the data directory |
//! | `ARSIS_DATA_DIR` | private database and stored objects | `/var/lib/arsis` as root, else `$XDG_DATA_HOME/arsis` |
//! | `S3_BUCKET` | bucket of an S3 service; turns object storage from a directory to S3 | – |
//! | `S3_ENDPOINT` | its address, where it is not AWS | – |
//! | `S3_REGION` | region (`auto` for R2) | `us-east-1` |
//! | `S3_ACCESS_KEY_ID`, `S3_SECRET_ACCESS_KEY` | credentials (`AWS_…` are taken as well) | – |
//! | `S3_PATH_STYLE` | bucket in the path (`true`) or the host name (`false`) | `true` with an endpoint |
//! | `ARSIS_LISTEN` | address and port of the API | `127.0.0.1:7070` |
//! | `ARSIS_ALLOWED_ORIGINS` | origins whose pages may read answers (CORS) and write with the session cookie, by commas | none |
//! | `ARSIS_SESSION_COOKIE` | name of the platform's session cookie | `session` |
//! | `ARSIS_MAX_UPLOAD_BYTES` | largest audio file accepted, in bytes | `2147483648` |
//! | `ARSIS_JOBS` | analyses at a time | cores |
//! | `ARSIS_TEMP_DIR` | where a worker keeps the audio it works on, if that lies in a bucket | the system's |
//! | `ARSIS_TEMP_MAX_BYTES` | most bytes of such audio at a time; a job whose audio does not fit beside others waits, a larger file fails | `17179869184` |
//! | `ARSIS_TIME_BASE_MINUTES` | minutes that an analysis may take beside the length of its audio | `10` |
//! | `ARSIS_TIME_LIMIT_MINUTES` | minutes that it may take however long the audio is, and copying the audio may | `360` |
//! | `ARSIS_METRICS_LISTEN` | address and port of a listener for `/metrics`, `/healthz` and `/readyz` without a session | none |
//! | `ARSIS_TRUSTED_PROXIES` | networks of proxies that are believed about who asks, as `10.0.0.0/8` or an address, by commas | none |
//! | `ARSIS_RATE_LIMIT` | requests of a person in a minute; 0: any number | `600000` |
//! | `ARSIS_RATE_LIMIT_ANONYMOUS` | requests without a token of an address in a minute; 0: any number | `1200` |
//! | `ARSIS_RATE_LIMIT_FAILURES` | tokens of an address that open nothing in a minute; 0: any number | `120` |
//! | `ARSIS_MAX_CONNECTIONS` | connections of the API at a time | `10000` |
//! | `ARSIS_HSTS_SECONDS` | for how long browsers are told to come by HTTPS alone; 0: they are not told | `0` |
//! | `ARSIS_LOG_FORMAT` | `text` for people, `json` for programs: an object a line | `text` |
//! | `ARSIS_WEBHOOK_PRIVATE_ADDRESSES` | `true`: webhooks may lead to private addresses, by http, to any port | `false` |
//! | `ARSIS_MAX_WATCHERS` | most progress streams that one user may have open at a time, on each process | `100` |
//! | `ARSIS_MAX_CONNECTIONS_PER_ADDRESS` | of those, connections of one address that is no trusted proxy's | an eighth of all |
//! | `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR` | anything: no colours; anything but `0`: colours everywhere; `0`: none | on a terminal |
//! | `RUST_LOG` | what is logged | `warn`, our own crates `info` |

use crate::cli::LogFormat;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use ipnet::IpNet;
use std::env;
use std::ffi::OsStr;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use store::objects::{self, S3Config};
use tracing_subscriber::EnvFilter;

/// What values must be, for who gave another.
const FROM_ZERO: &str = "a whole number, 0 or more";
const FROM_ONE: &str = "a whole number, 1 or more";
const ADDRESS: &str = "an address and a port, as 127.0.0.1:7070";
const TRUTH: &str = "true or false";

const DEFAULT_LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 7070);

/// Address of the database, if one is configured.
pub(crate) fn database_url() -> Result<Option<String>> {
    text("DATABASE_URL")
}

/// Where a private database and stored objects live.
pub(crate) fn data_dir() -> Result<PathBuf> {
    if let Some(dir) = path("ARSIS_DATA_DIR") {
        return std::path::absolute(&dir)
            .with_context(|| format!("ARSIS_DATA_DIR: {} is no path", dir.display()));
    }
    if is_root() {
        return Ok("/var/lib/arsis".into());
    }
    if let Some(dir) = path("XDG_DATA_HOME") {
        return Ok(dir.join("arsis"));
    }
    let home = path("HOME").context("neither ARSIS_DATA_DIR nor HOME is set: say where data may be kept")?;
    Ok(home.join(".local/share/arsis"))
}

/// Where objects are stored: a bucket if one is configured, else a directory beside the private database.
pub(crate) fn objects() -> Result<objects::Config> {
    let Some(bucket) = text("S3_BUCKET")? else {
        return Ok(objects::Config::Directory(data_dir()?.join("objects")));
    };
    let endpoint = text("S3_ENDPOINT")?;
    Ok(objects::Config::S3(S3Config {
        bucket,
        region: text("S3_REGION")?.unwrap_or_else(|| "us-east-1".into()),
        access_key_id: credential("ACCESS_KEY_ID")?,
        secret_access_key: credential("SECRET_ACCESS_KEY")?,
        path_style: parsed("S3_PATH_STYLE", TRUTH)?.unwrap_or(endpoint.is_some()),
        endpoint,
    }))
}

/// Address the API listens on.
pub(crate) fn listen(argument: Option<SocketAddr>) -> Result<SocketAddr> {
    Ok(argument.or(parsed("ARSIS_LISTEN", ADDRESS)?).unwrap_or_else(|| DEFAULT_LISTEN.into()))
}

/// Address of the listener for metrics and probes, if there is to be one.
pub(crate) fn metrics_listen(argument: Option<SocketAddr>) -> Result<Option<SocketAddr>> {
    Ok(argument.or(parsed("ARSIS_METRICS_LISTEN", ADDRESS)?))
}

/// How the log is written.
pub(crate) fn log_format(argument: Option<LogFormat>) -> Result<LogFormat> {
    let Some(name) = text("ARSIS_LOG_FORMAT")? else { return Ok(argument.unwrap_or(LogFormat::Text)) };
    let format = LogFormat::from_str(&name, false).ok();
    let configured =
        format.with_context(|| format!("ARSIS_LOG_FORMAT is {name:?}; it must be text or json"))?;
    Ok(argument.unwrap_or(configured))
}

/// What is logged, where somebody says so.
pub(crate) fn log_filter() -> Result<Option<EnvFilter>> {
    let parse = |directives: String| {
        let filter = EnvFilter::try_new(&directives);
        filter.with_context(|| format!("RUST_LOG is {directives:?}, which does not fit"))
    };
    text("RUST_LOG")?.map(parse).transpose()
}

/// Whether colours are wanted whatever standard output and error are (<https://no-color.org>,
/// <https://bixense.com/clicolors>), in the order that the help has it; `None` where the environment does not say.
pub(crate) fn colours_wanted() -> Option<bool> {
    let said = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if said("NO_COLOR").is_some() {
        return Some(false);
    }
    if said("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return Some(true);
    }
    let never = |name, word| said(name).is_some_and(|value| value == word);
    (never("CLICOLOR", "0") || never("TERM", "dumb")).then_some(false)
}

/// Origins whose pages may write with the session cookie.
pub(crate) fn allowed_origins() -> Result<Vec<String>> {
    let listed = text("ARSIS_ALLOWED_ORIGINS")?.unwrap_or_default();
    listed.split(',').map(str::trim).filter(|text| !text.is_empty()).map(origin).collect()
}

/// An origin as browsers send it: scheme and host in lower case, the port where it is not the scheme's own, nothing else.
fn origin(text: &str) -> Result<String> {
    let wrong = || {
        format!("ARSIS_ALLOWED_ORIGINS holds {text:?}, which is no origin such as https://app.example.org")
    };
    let lower = text.to_ascii_lowercase();
    let (scheme, authority) = lower.split_once("://").with_context(wrong)?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let name = |host: &str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let named = v6.map_or_else(|| !host.is_empty() && name(host), |v6| v6.parse::<Ipv6Addr>().is_ok());
    let port = port.map(str::parse::<u16>).transpose().ok().with_context(wrong)?;
    let own_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => bail!(wrong()),
    };
    if !named {
        bail!(wrong());
    }
    let port = port.filter(|port| *port != own_port).map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{scheme}://{host}{port}"))
}

/// Name of the platform's session cookie.
pub(crate) fn session_cookie() -> Result<Option<String>> {
    let name = text("ARSIS_SESSION_COOKIE")?;
    // A token (RFC 6265, section 4.1.1): anything else would match no cookie, and nobody could sign in.
    let token =
        |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    match name {
        Some(name) if !token(&name) => {
            bail!("ARSIS_SESSION_COOKIE is {name:?}, which no cookie can be called")
        }
        name => Ok(name),
    }
}

/// Networks of the proxies that are believed about who asks. An address alone is a network of one.
pub(crate) fn trusted_proxies() -> Result<Vec<IpNet>> {
    let listed = text("ARSIS_TRUSTED_PROXIES")?.unwrap_or_default();
    let network = |text: &str| {
        let parsed = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        parsed.with_context(|| format!("ARSIS_TRUSTED_PROXIES holds {text:?}, which is no network"))
    };
    listed.split(',').map(str::trim).filter(|text| !text.is_empty()).map(network).collect()
}

/// Requests in a minute: of a person, without a token, and with a token that opens nothing.
pub(crate) fn rate_limits() -> Result<[Option<u32>; 3]> {
    let names = ["ARSIS_RATE_LIMIT", "ARSIS_RATE_LIMIT_ANONYMOUS", "ARSIS_RATE_LIMIT_FAILURES"];
    let [people, strangers, failures] = names.map(|name| parsed(name, "a whole number from 0 to 4294967295"));
    Ok([people?, strangers?, failures?])
}

/// Connections of the API at a time.
pub(crate) fn max_connections() -> Result<Option<usize>> {
    Ok(parsed::<NonZeroUsize>("ARSIS_MAX_CONNECTIONS", FROM_ONE)?.map(NonZeroUsize::get))
}

/// Connections of one address at a time.
pub(crate) fn max_connections_per_address() -> Result<Option<usize>> {
    Ok(parsed::<NonZeroUsize>("ARSIS_MAX_CONNECTIONS_PER_ADDRESS", FROM_ONE)?.map(NonZeroUsize::get))
}

/// For how long browsers are told to come by HTTPS alone.
pub(crate) fn hsts() -> Result<Option<Duration>> {
    Ok(parsed("ARSIS_HSTS_SECONDS", FROM_ZERO)?.map(Duration::from_secs))
}

/// Largest audio file accepted, in bytes.
pub(crate) fn max_upload_bytes() -> Result<Option<u64>> {
    Ok(parsed::<NonZeroU64>("ARSIS_MAX_UPLOAD_BYTES", FROM_ONE)?.map(NonZeroU64::get))
}

/// Most progress streams of a user at a time.
pub(crate) fn max_watchers() -> Result<Option<usize>> {
    Ok(parsed::<NonZeroUsize>("ARSIS_MAX_WATCHERS", FROM_ONE)?.map(NonZeroUsize::get))
}

/// Analyses at a time.
pub(crate) fn jobs(argument: Option<NonZeroUsize>) -> Result<NonZeroUsize> {
    let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok(argument.or(parsed("ARSIS_JOBS", FROM_ONE)?).unwrap_or_else(cores))
}

/// Where a worker keeps the audio it works on.
pub(crate) fn temp_dir() -> PathBuf {
    path("ARSIS_TEMP_DIR").unwrap_or_else(env::temp_dir)
}

/// Most bytes of audio that a worker keeps there.
pub(crate) fn temp_max_bytes(argument: Option<u64>) -> Result<Option<u64>> {
    Ok(argument.or(parsed("ARSIS_TEMP_MAX_BYTES", FROM_ZERO)?))
}

/// How long an analysis may take beside the length of its audio.
pub(crate) fn time_base(argument_minutes: Option<u64>) -> Result<Option<Duration>> {
    minutes("ARSIS_TIME_BASE_MINUTES", argument_minutes)
}

/// How long an analysis may take however long its audio is.
pub(crate) fn time_limit(argument_minutes: Option<u64>) -> Result<Option<Duration>> {
    minutes("ARSIS_TIME_LIMIT_MINUTES", argument_minutes)
}

/// Whether webhooks may lead to private addresses, by http, and to any port.
pub(crate) fn webhook_private_addresses() -> Result<bool> {
    Ok(parsed("ARSIS_WEBHOOK_PRIVATE_ADDRESSES", TRUTH)?.unwrap_or(false))
}

fn minutes(name: &str, argument: Option<u64>) -> Result<Option<Duration>> {
    let variable = parsed::<NonZeroU64>(name, FROM_ONE)?.map(NonZeroU64::get);
    Ok(argument.or(variable).map(|minutes| Duration::from_secs(minutes.saturating_mul(60))))
}

fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn text(name: &str) -> Result<Option<String>> {
    let value = env::var_os(name).filter(|value| !value.is_empty());
    value.as_deref().map(|value| utf8(name, value)).transpose()
}

fn utf8(name: &str, value: &OsStr) -> Result<String> {
    value.to_str().map(str::to_owned).with_context(|| format!("{name} is not UTF-8"))
}

/// A value, which `must` says what it has to be.
fn parsed<T: FromStr>(name: &str, must: &str) -> Result<Option<T>> {
    let parse = |value: String| {
        let parsed = value.parse().ok();
        parsed.with_context(|| format!("{name} is {value:?}; it must be {must}"))
    };
    text(name)?.map(parse).transpose()
}

fn credential(name: &str) -> Result<String> {
    for name in [format!("S3_{name}"), format!("AWS_{name}")] {
        if let Some(value) = text(&name)? {
            return Ok(value);
        }
    }
    bail!("S3_BUCKET is set, but S3_{name} is not")
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_taken_as_browsers_send_it_and_nothing_else_is() {
        for (given, expect) in [
            ("https://app.example.org", "https://app.example.org"),
            ("HTTPS://App.Example.org:443", "https://app.example.org"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(origin(given).unwrap(), expect);
        }
        let bad = [
            "*",
            "null",
            "app.example.org",
            "https://",
            "https://a/",
            "https://a/b",
            "https://*.a",
            "ftp://a",
        ];
        for bad in
            bad.into_iter().chain(["https://a:b", "https://a@b", "https://[a]", "https://a?b", "https://a b"])
        {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
