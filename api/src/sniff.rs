//! What kind of audio a file is, told from its first bytes. What the client says about it is not trusted.

/// Bytes that decide: the longest pattern below ends within them.
pub(crate) const SNIFF_BYTES: usize = 64;

/// Brands of files in the container of MP4 that hold pictures alone (ISO/IEC 23008-12, AV1 Image File Format, Canon raw).
const IMAGE_BRANDS: [&[u8; 4]; 7] = [b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"crx "];

/// An audio container by its signature: MIME type, and the extension that decoders know it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) mime: &'static str,
    pub(crate) extension: &'static str,
}

const fn kind(mime: &'static str, extension: &'static str) -> Option<Kind> {
    Some(Kind { mime, extension })
}

/// Recognises the containers that the engine reads; `None` for anything else. `head` is the first
/// [`SNIFF_BYTES`] of the file, or all of it.
///
/// MIME types are those of RFC 4337 (MP4), RFC 5334 (Ogg), RFC 9639 (FLAC), RFC 3003 (MPEG), RFC 9559
/// (Matroska) and, unregistered but usual, of WAV, AIFF, CAF and ADTS.
pub(crate) fn sniff(head: &[u8]) -> Option<Kind> {
    let at = |offset: usize, pattern: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(pattern));
    match head {
        _ if at(0, b"fLaC") => kind("audio/flac", "flac"),
        _ if at(0, b"OggS") => kind("audio/ogg", "ogg"),
        _ if (at(0, b"RIFF") || at(0, b"RF64") || at(0, b"BW64")) && at(8, b"WAVE") => {
            kind("audio/wav", "wav")
        }
        _ if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) => kind("audio/aiff", "aiff"),
        _ if at(0, b"caff") => kind("audio/x-caf", "caf"),
        _ if at(4, b"ftyp") && !IMAGE_BRANDS.iter().any(|brand| at(8, *brand)) => kind("audio/mp4", "m4a"),
        _ if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) => matroska(head),
        _ if at(0, b"ID3") => kind("audio/mpeg", "mp3"),
        _ => mpeg_frame(head),
    }
}

/// The extension that decoders know a type of audio by; those of [`sniff`].
pub(crate) fn extension(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "audio/flac" => "flac",
        "audio/ogg" => "ogg",
        "audio/wav" => "wav",
        "audio/aiff" => "aiff",
        "audio/x-caf" => "caf",
        "audio/mp4" => "m4a",
        "audio/webm" => "webm",
        "audio/matroska" => "mka",
        "audio/mpeg" => "mp3",
        "audio/aac" => "aac",
        _ => return None,
    })
}

/// EBML names its document type within the header: `webm` or `matroska`.
fn matroska(head: &[u8]) -> Option<Kind> {
    if head.windows(4).any(|window| window == b"webm") {
        return kind("audio/webm", "webm");
    }
    kind("audio/matroska", "mka")
}

/// The first two bytes of a bare MPEG frame (ISO/IEC 11172-3, 2.4.1.3): twelve bits of sync (eleven in the
/// MPEG 2.5 extension), then version and layer. Layer 0 with MPEG 2 or 4 is an ADTS frame (ISO/IEC 13818-7).
fn mpeg_frame(head: &[u8]) -> Option<Kind> {
    let &[sync, flags, rate, ..] = head else { return None };
    let (version, layer) = ((flags >> 3) & 0b11, (flags >> 1) & 0b11);
    if sync != 0xff || flags & 0xe0 != 0xe0 || version == 0b01 {
        return None;
    }
    match layer {
        0b00 if version >= 0b10 => kind("audio/aac", "aac"),
        0b00 => None,
        // Bit rate index 15 and sampling rate index 3 are forbidden.
        _ if rate >> 4 == 0b1111 || (rate >> 2) & 0b11 == 0b11 => None,
        _ => kind("audio/mpeg", "mp3"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(head: &[u8], mime: Option<&str>) {
        let kind = sniff(head);
        assert_eq!(kind.map(|kind| kind.mime), mime, "{head:02x?}");
        assert_eq!(
            kind.and_then(|kind| extension(kind.mime)),
            kind.map(|kind| kind.extension),
            "{head:02x?}"
        );
    }

    #[test]
    fn containers_are_known_by_their_signatures() {
        check(b"fLaC\0\0\0\x22", Some("audio/flac"));
        check(b"OggS\0\x02", Some("audio/ogg"));
        check(b"RIFF\x24\0\0\0WAVEfmt ", Some("audio/wav"));
        check(b"RF64\xff\xff\xff\xffWAVEds64", Some("audio/wav"));
        check(b"FORM\0\0\0\0AIFCFVER", Some("audio/aiff"));
        check(b"caff\0\x01", Some("audio/x-caf"));
        check(b"\0\0\0\x20ftypM4A ", Some("audio/mp4"));
        check(b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", Some("audio/webm"));
        check(b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska", Some("audio/matroska"));
        check(b"ID3\x04\0\0", Some("audio/mpeg"));
        check(b"\xff\xfb\x90\x64", Some("audio/mpeg"));
        check(b"\xff\xf1\x50\x80", Some("audio/aac"));
    }

    #[test]
    fn other_things_are_not_audio() {
        check(b"", None);
        check(b"\xff\xfb", None);
        check(b"\xff\xfe<\0h\0", None); // UTF-16 text with its byte order mark
        check(b"RIFF\x24\0\0\0AVI LIST", None);
        check(b"\0\0\0\x1cftypheic", None);
        check(b"\0\0\0\x1cftypavif", None);
        check(b"\x1f\x8b\x08\0", None); // gzip
        check(b"\x28\xb5\x2f\xfd\x24", None); // zstd
        check(b"\x89PNG\r\n\x1a\n", None);
        check(b"<!DOCTYPE html>", None);
        check(b"PK\x03\x04", None);
        check(b"%PDF-1.7", None);
        check(b"\xff\xd8\xff\xe0", None); // JPEG
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(head in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = sniff(&head);
        }
    }
}
