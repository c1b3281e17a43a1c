//! Where a webhook may lead: which URLs are taken, and sent to.

use super::address::is_public;
use reqwest::Url;
use std::net::IpAddr;

/// Longest URL, in bytes.
pub(super) const MAX_URL_BYTES: usize = 2_000;

/// Ports that are sent to where only the public internet is.
const PORTS: [u16; 2] = [443, 8443];

/// A URL that may be sent to, as far as it says itself: what its host's name stands for is looked at with each connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) url: Url,
    /// In lower case; an IP address in its usual form.
    pub(super) host: String,
}

/// Reads a URL. `private` takes http, any port, and any address as well.
///
/// # Errors
/// What would be legal, for the one who gave it.
pub(super) fn parse(text: &str, private: bool) -> Result<Target, &'static str> {
    if text.len() > MAX_URL_BYTES {
        return Err("must be at most 2,000 characters");
    }
    // The parser would quietly drop tabs and line breaks, and fold other scripts' letters and digits into ASCII.
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "must be ASCII without spaces: international names in their xn-- form, the rest percent-encoded",
        );
    }
    let url = Url::parse(text).map_err(|_| "must be a URL")?;
    check(&url, private)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    Ok(Target { url, host })
}

fn check(url: &Url, private: bool) -> Result<(), &'static str> {
    match url.scheme() {
        "https" => {}
        "http" if private => {}
        "http" => return Err("must be https"),
        _ => return Err("must be an https URL"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password");
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("must have a host")?;
    if private {
        return Ok(());
    }
    if url.port_or_known_default().is_none_or(|port| !PORTS.contains(&port)) {
        return Err("must have port 443 or 8443");
    }
    if literal(host).is_some_and(|address| !is_public(address)) || is_local_name(host) {
        return Err("must lead to a public address");
    }
    Ok(())
}

/// The address that a host is, if it is no name. The parser has put decimal, octal and hexadecimal forms right.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Names that mean this machine whatever a resolver says (RFC 6761).
fn is_local_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn refused(urls: &[&str], reason: &str) {
        for url in urls {
            let error = parse(url, false).expect_err(url);
            assert!(error.contains(reason), "{url}: {error}");
        }
    }

    #[test]
    fn public_urls_are_taken_as_they_are_meant() {
        let host = |url| parse(url, false).unwrap().host;
        assert_eq!(host("https://Hooks.Example.org/arsis?a=b"), "hooks.example.org");
        assert_eq!(host("https://xn--bcher-kva.example/"), "xn--bcher-kva.example");
        assert_eq!(host("https://ex%61mple.org:8443"), "example.org");
        assert_eq!(host("https://8.8.8.8/"), "8.8.8.8");
        assert_eq!(host("https://0x08080808/"), "8.8.8.8");
        assert_eq!(host("https://[2606:4700::1111]/"), "[2606:4700::1111]");
    }

    #[test]
    fn odd_forms_of_private_addresses_are_seen_through() {
        let odd = [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.0.0.1./",
            "https://%31%32%37.0.0.1/",
            "https://0/",
            "https://169.254.169.254/latest/meta-data",
            "https://2852039166/",
            "https://10.0.0.1:8443/",
            "https://[::1]/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://[::ffff:7f00:1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
        ];
        refused(&odd, "public address");
    }

    #[test]
    fn what_is_no_plain_https_url_is_refused() {
        refused(&["http://example.org/"], "https");
        refused(&["ftp://example.org/", "file:///etc/passwd", "javascript:1", "data:,x"], "https URL");
        refused(
            &["https://a@example.org/", "https://a:b@example.org/", "https://:b@example.org/"],
            "user name",
        );
        refused(&["https://example.org/#a"], "fragment");
        refused(&["https://example.org:22/", "https://example.org:80/", "https://example.org:0/"], "port");
        refused(&["", "x", "https://", "https://[::1", "https://a b/", "https://exa<mple.org/"], "must");
        refused(
            &["https://１２７.0.0.1/", "https://bücher.example/", "https://a\u{0}/", "ht\ntps://a/"],
            "ASCII",
        );
        refused(&["https://[fe80::1%25eth0]/", "https://256.1.1.1/", "https://1.2.3.4.5/"], "must");
        refused(&[&format!("https://example.org/{}", "x".repeat(2_000))], "2,000");
    }

    #[test]
    fn private_installations_send_anywhere_but_still_by_http() {
        for url in ["http://127.0.0.1:3000/x", "http://localhost/", "https://[::1]:1/", "http://hooks/"] {
            assert!(parse(url, true).is_ok(), "{url}");
        }
        for url in ["file:///etc/passwd", "http://a@localhost/", "http://localhost/#a"] {
            assert!(parse(url, true).is_err(), "{url}");
        }
    }

    /// URLs after the pattern in the description.
    fn described() -> impl Strategy<Value = String> {
        let description = serde_json::to_value(crate::description()).unwrap();
        let pattern = &description["components"]["schemas"]["WebhookRequest"]["properties"]["url"]["pattern"];
        let pattern = pattern.as_str().unwrap().trim_start_matches('^').trim_end_matches('$');
        proptest::string::string_regex(pattern).unwrap()
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_a_panic(text in ".{0,200}") {
            let _ = parse(&text, false);
        }

        #[test]
        fn an_address_that_is_not_public_is_refused_in_every_form(bits: u32) {
            let address = std::net::Ipv4Addr::from(bits);
            let [a, b, c, d] = address.octets();
            let forms = [
                format!("https://{address}/"),
                format!("https://{bits}/"),
                format!("https://{bits:#x}/"),
                format!("https://{a:#x}.{b:#o}.{}/", u32::from(c) << 8 | u32::from(d)).replace("0o", "0"),
            ];
            for url in forms {
                prop_assert_eq!(parse(&url, false).is_ok(), is_public(address.into()), "{}", url);
            }
        }

        #[test]
        fn what_the_description_promises_is_taken(url in described()) {
            prop_assume!(url.len() <= MAX_URL_BYTES && !url.contains("xn--"));
            prop_assert!(parse(&url, false).is_ok(), "{}: {:?}", url, parse(&url, false));
        }
    }
}
