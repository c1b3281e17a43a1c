//! The worked example of docs/FRAME-FORMAT.md, read out of the document.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

use analysis_core::Config;
use analysis_core::chunk::{decode_chunk, decode_payload, encode_payload};
use analysis_core::frame::FrameLayout;

const DOCUMENT: &str = include_str!("../../docs/FRAME-FORMAT.md");

/// The fenced block whose info string is `info`.
fn block(info: &str) -> &'static str {
    let fence = format!("```{info}\n");
    let (_, rest) = DOCUMENT.split_once(&fence).unwrap_or_else(|| panic!("the document has no block {info}"));
    rest.split_once("```").unwrap().0
}

fn hex(info: &str) -> Vec<u8> {
    block(info).split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn layout() -> FrameLayout {
    serde_json::from_str(block("json layout")).unwrap()
}

/// The physical values of one field in the document's own table.
fn values(field: &str) -> Vec<f32> {
    let (mut found, mut inside) = (Vec::new(), false);
    for word in block("text values").split_whitespace() {
        match word.parse() {
            Ok(value) if inside => found.push(value),
            Ok(_) => {}
            Err(_) => inside = word == field,
        }
    }
    found
}

#[test]
fn the_chunk_of_the_document_decodes_to_its_frames_and_values() {
    let decoded = decode_chunk(&hex("hex chunk"), &layout(), 1_000).unwrap();
    assert_eq!(decoded.frames, hex("hex frames"));
    assert_eq!((decoded.header.level, decoded.header.start_frame, decoded.header.frame_count), (0, 5, 3));
    for name in ["bands", "level"] {
        let (got, want) = (layout().decode_field(name, &decoded.frames).unwrap(), values(name));
        assert_eq!(got.len(), 6);
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn the_payload_of_the_document_is_what_is_written() {
    let mut payload = Vec::new();
    encode_payload(&layout(), 0, 5, &hex("hex frames"), &mut payload).unwrap();
    assert_eq!(payload, hex("hex payload"), "{payload:02x?}");
    assert_eq!(zstd::bulk::decompress(&hex("hex chunk"), 1_000).unwrap(), payload);
    assert_eq!(decode_payload(&payload, &layout()).unwrap().frames, hex("hex frames"));
}

#[test]
fn every_field_that_is_written_is_in_the_document() {
    let layout = FrameLayout::new(&Config::default());
    for field in layout.fields() {
        assert!(DOCUMENT.contains(&format!("| `{}` | ", field.name)), "{} is not described", field.name);
    }
    let json = serde_json::to_value(&layout.fields()[0]).unwrap();
    for key in json.as_object().unwrap().keys() {
        assert!(DOCUMENT.contains(&format!("`{key}`")), "{key} is not described");
    }
}
