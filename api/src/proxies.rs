//! Who really asks, behind proxies: `X-Forwarded-For` and `Forwarded` (RFC 7239), believed from trusted proxies alone.

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Most hops looked at.
const MAX_HOPS: usize = 32;

/// The address of the client whose connection comes from `peer`.
///
/// Each proxy adds on the right whom it was asked by. So the right-most address that is no trusted proxy's is the
/// client's: what stands further left the client may have written. Where both headers are there and disagree, one of
/// them was not written by the proxy, and the proxy itself is taken.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let plain = follow(peer, list(headers, &X_FORWARDED_FOR), trusted, address);
    let named = follow(peer, list(headers, &header::FORWARDED), trusted, forwarded_for);
    match (plain, named) {
        (Some(plain), Some(named)) if plain != named => peer,
        (plain, named) => plain.or(named).unwrap_or(peer),
    }
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

/// The entries of a list header, the last first.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let lines = headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or_default());
    let mut entries: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    entries.reverse();
    entries.truncate(MAX_HOPS);
    entries
}

/// Walks from the server outwards until an address that is not trusted. What cannot be read ends the walk at the proxy
/// that passed it on. `None`: there is no such header.
fn follow(
    peer: IpAddr,
    entries: Vec<&str>,
    trusted: &[IpNet],
    read: impl Fn(&str) -> Option<IpAddr>,
) -> Option<IpAddr> {
    let mut client = None;
    for entry in entries {
        let Some(address) = read(entry) else { return client.or(Some(peer)) };
        client = Some(address);
        if !is_trusted(address, trusted) {
            break;
        }
    }
    client
}

/// An address, with a port or without, in brackets or without.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = plain.parse::<IpAddr>().ok();
    parsed.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip())).map(|address| address.to_canonical())
}

/// The address of `for=` in an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("for"))?.1;
    address(value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(peer: &str, lines: &[(&'static str, &str)], expect: &str) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let got = client(peer.parse().unwrap(), &headers(lines), &trusted);
        assert_eq!(got, expect.parse::<IpAddr>().unwrap(), "{lines:?}");
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let plain = "x-forwarded-for";
        check("192.0.2.9", &[(plain, "198.51.100.1")], "192.0.2.9");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &[(plain, "198.51.100.1")], "198.51.100.1");
        check("::ffff:10.0.0.1", &[(plain, "198.51.100.1")], "198.51.100.1");
        // The client wrote the first itself.
        check("10.0.0.1", &[(plain, "203.0.113.7, 198.51.100.1, 10.0.0.2")], "198.51.100.1");
        check("10.0.0.1", &[(plain, "203.0.113.7"), (plain, "198.51.100.1")], "198.51.100.1");
        check("10.0.0.1", &[(plain, "198.51.100.1:4711")], "198.51.100.1");
        check("10.0.0.1", &[(plain, "10.0.0.3, 10.0.0.2")], "10.0.0.3");
        check("10.0.0.1", &[(plain, "203.0.113.7, nonsense")], "10.0.0.1");
        check("10.0.0.1", &[(plain, "nonsense, 10.0.0.2")], "10.0.0.2");
    }

    #[test]
    fn the_standard_header_is_read_and_disagreement_is_not_believed() {
        let (plain, named) = ("x-forwarded-for", "forwarded");
        check("fd00::1", &[(named, "for=198.51.100.1;proto=https;by=10.0.0.1")], "198.51.100.1");
        check("10.0.0.1", &[(named, "For=\"[2001:db8::1]:4711\"")], "2001:db8::1");
        check("10.0.0.1", &[(named, "for=203.0.113.7, for=198.51.100.1, for=10.0.0.2")], "198.51.100.1");
        check("10.0.0.1", &[(named, "for=_hidden")], "10.0.0.1");
        check("10.0.0.1", &[(plain, "198.51.100.1"), (named, "for=198.51.100.1")], "198.51.100.1");
        check("10.0.0.1", &[(plain, "198.51.100.1"), (named, "for=203.0.113.7")], "10.0.0.1");
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_panics(plain in "[ -~]{0,80}", named in "[ -~]{0,80}") {
            let trusted = ["10.0.0.0/8".parse().unwrap()];
            let headers = headers(&[("x-forwarded-for", &plain), ("forwarded", &named)]);
            let _ = client("10.0.0.1".parse().unwrap(), &headers, &trusted);
        }
    }
}
