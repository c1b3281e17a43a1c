//! What a client accepts, by its quality values (RFC 9110, section 12.4.2).

/// The weight of `name` in a list such as `zstd, br;q=0.5, *;q=0`, in thousandths; `None` when the list says
/// nothing about it. `matches` tells how well an entry fits: the best fit decides, 0 is none.
fn weight(list: &str, matches: impl Fn(&str) -> u8) -> Option<u16> {
    let entries = list.split(',').filter_map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let fit = matches(parts.next()?);
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        (fit > 0).then(|| (fit, quality.map_or(1000, thousandths)))
    });
    entries.max_by_key(|(fit, _)| *fit).map(|(_, weight)| weight)
}

/// A quality value in thousandths; nonsense is 0: not wanted.
fn thousandths(quality: &str) -> u16 {
    match quality.parse::<f32>() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 1000 after the guard"
        )]
        Ok(value) if (0.0..=1.0).contains(&value) => (value * 1000.0).round() as u16,
        _ => 0,
    }
}

/// How to send a body that is stored compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As it is stored.
    Zstd,
    /// Unpacked.
    Identity,
}

/// Chooses by `Accept-Encoding`; `None` when the client takes neither. Without the header the client may not
/// know zstd, so it gets the plain bytes.
pub(crate) fn coding(accept_encoding: Option<&str>) -> Option<Coding> {
    let Some(list) = accept_encoding else { return Some(Coding::Identity) };
    let fit = |name: &'static str| {
        move |entry: &str| match entry {
            entry if entry.eq_ignore_ascii_case(name) => 2,
            "*" => 1,
            _ => 0,
        }
    };
    let zstd = weight(list, fit("zstd")).unwrap_or(0);
    // What is not mentioned is refused, the plain bytes apart (section 12.5.3).
    let identity = weight(list, fit("identity"));
    match (zstd, identity) {
        (0, Some(0)) => None,
        (0, _) => Some(Coding::Identity),
        (zstd, Some(identity)) if identity > zstd => Some(Coding::Identity),
        _ => Some(Coding::Zstd),
    }
}

/// The first of `types` that the client likes best, by `Accept`; `None` when it takes none.
pub(crate) fn media_type(accept: Option<&str>, types: &[&'static str]) -> Option<&'static str> {
    let Some(list) = accept else { return types.first().copied() };
    let fit = |name: &'static str| {
        move |entry: &str| match entry {
            entry if entry.eq_ignore_ascii_case(name) => 3,
            "*/*" => 1,
            entry => {
                let family = entry.strip_suffix("/*").filter(|family| !family.is_empty());
                let ours = name.split('/').next().unwrap_or_default();
                if family.is_some_and(|family| family.eq_ignore_ascii_case(ours)) { 2 } else { 0 }
            }
        }
    };
    let weighed = types.iter().map(|name| (weight(list, fit(name)).unwrap_or(0), *name));
    // max_by_key gives the last of equals; the first is wanted.
    weighed.rev().filter(|(weight, _)| *weight > 0).max_by_key(|(weight, _)| *weight).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_by_quality() {
        assert_eq!(coding(None), Some(Coding::Identity));
        assert_eq!(coding(Some("")), Some(Coding::Identity));
        assert_eq!(coding(Some("gzip, deflate, br")), Some(Coding::Identity));
        assert_eq!(coding(Some("gzip, zstd")), Some(Coding::Zstd));
        assert_eq!(coding(Some("ZSTD;q=0.1")), Some(Coding::Zstd));
        assert_eq!(coding(Some("*")), Some(Coding::Zstd));
        assert_eq!(coding(Some("zstd;q=0, *")), Some(Coding::Identity));
        assert_eq!(coding(Some("zstd;q=0.2, identity;q=0.8")), Some(Coding::Identity));
        assert_eq!(coding(Some("identity;q=0, zstd")), Some(Coding::Zstd));
        assert_eq!(coding(Some("identity;q=0")), None);
        assert_eq!(coding(Some("*;q=0")), None);
        assert_eq!(coding(Some("zstd;q=nonsense, identity;q=0")), None);
    }

    #[test]
    fn media_types_by_quality_and_precision() {
        let types = ["application/octet-stream", "application/json"];
        let check = |accept, expect| assert_eq!(media_type(accept, &types), expect, "{accept:?}");
        check(None, Some(types[0]));
        check(Some("*/*"), Some(types[0]));
        check(Some("application/json"), Some(types[1]));
        check(Some("application/json, */*;q=0.5"), Some(types[1]));
        check(Some("application/*;q=0.5, application/octet-stream;q=0.1"), Some(types[1]));
        check(Some("application/octet-stream;q=0, */*"), Some(types[1]));
        check(Some("text/html"), None);
        check(Some("application/json;q=0"), None);
    }
}
