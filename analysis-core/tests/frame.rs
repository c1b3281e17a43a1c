//! Frame layouts: every analysis and sample type, quantisation error, and layouts that others wrote.

#![expect(clippy::cast_possible_truncation, reason = "values chosen by the tests fit")]

use analysis_core::frame::{FrameLayout, FrameValues, MAX_FRAME_BYTES};
use analysis_core::units;
use analysis_core::{AnalysisType, Config, Error, SampleType};
use proptest::prelude::*;

const TYPES: [AnalysisType; 5] = [
    AnalysisType::Full,
    AnalysisType::Spectral,
    AnalysisType::Rhythm,
    AnalysisType::Tonal,
    AnalysisType::Structure,
];
const SAMPLES: [SampleType; 4] = [SampleType::U8, SampleType::I16, SampleType::F16, SampleType::F32];

fn layout(analysis_type: AnalysisType, sample_type: SampleType, bands: usize) -> FrameLayout {
    FrameLayout::new(&Config { analysis_type, sample_type, bands, ..Config::default() })
}

#[test]
fn every_layout_survives_its_own_check_and_json() {
    for analysis_type in TYPES {
        for sample_type in SAMPLES {
            for bands in [8, 64, 256] {
                let layout = layout(analysis_type, sample_type, bands);
                let json = serde_json::to_string(&layout).unwrap();
                assert_eq!(serde_json::from_str::<FrameLayout>(&json).unwrap(), layout);
            }
        }
    }
}

#[test]
fn the_default_frame_is_80_bytes_of_named_fields() {
    let layout = FrameLayout::new(&Config::default());
    let fields: Vec<_> = layout.fields().iter().map(|f| (f.name.as_str(), f.count, f.offset)).collect();
    let want = [
        ("bands", 64, 0),
        ("loudness", 1, 64),
        ("peak", 1, 65),
        ("onset", 1, 66),
        ("centroid", 1, 67),
        ("chroma", 12, 68),
    ];
    assert_eq!(fields, want);
    assert_eq!(layout.bytes_per_frame(), 80);
}

/// Half a step of a field at a value, in the field's unit.
fn half_step(sample_type: SampleType, scale: f64, value: f32) -> f32 {
    let relative = match sample_type {
        SampleType::F16 => 2.0_f32.powi(-11),
        SampleType::F32 => 0.0,
        _ => return scale as f32 * 0.5 + 1e-5 * value.abs().max(1.0), // f32 arithmetic on the way
    };
    value.abs() * relative + 1e-7
}

proptest! {
    #[test]
    fn values_come_back_within_half_a_step(
        bands in prop::collection::vec(-120.0_f32..7.4, 64),
        levels in prop::array::uniform2(-120.0_f32..7.4),
        fractions in prop::array::uniform12(0.0_f32..=1.0),
        hz in 10.0_f32..12_000.0,
    ) {
        for sample_type in SAMPLES {
            let layout = layout(AnalysisType::Full, sample_type, 64);
            let values = FrameValues {
                bands_db: &bands,
                loudness_lufs: levels[0],
                peak_dbfs: levels[1],
                onset: fractions[0],
                centroid_hz: Some(hz),
                chroma: Some(&fractions),
            };
            let mut frame = Vec::new();
            layout.encode(&values, &mut frame);
            prop_assert_eq!(frame.len(), layout.bytes_per_frame());
            let midi = layout.field("centroid").unwrap().unit == "midi";
            let centroid = if midi { units::hz_to_midi(hz) } else { hz };
            let want: [(&str, &[f32]); 6] = [
                ("bands", &bands), ("loudness", &levels[..1]), ("peak", &levels[1..]),
                ("onset", &fractions[..1]), ("centroid", &[centroid]), ("chroma", &fractions),
            ];
            for (name, want) in want {
                let scale = layout.field(name).unwrap().scale;
                let got = layout.decode_field(name, &frame).unwrap();
                prop_assert_eq!(got.len(), want.len());
                for (got, want) in got.iter().zip(want) {
                    prop_assert!((got - want).abs() <= half_step(sample_type, scale, *want),
                        "{} as {:?}: {} became {}", name, sample_type, want, got);
                }
            }
        }
    }

    #[test]
    fn any_float_at_all_is_stored_finite_and_in_range(x in prop::num::f32::ANY, y in prop::num::f32::ANY) {
        for sample_type in SAMPLES {
            let layout = layout(AnalysisType::Full, sample_type, 8);
            let chroma = [x; 12];
            let values = FrameValues {
                bands_db: &[x, y, x, y, x, y, x, y],
                loudness_lufs: x, peak_dbfs: y, onset: x, centroid_hz: Some(y), chroma: Some(&chroma),
            };
            let mut frame = Vec::new();
            layout.encode(&values, &mut frame);
            for field in layout.fields() {
                for value in layout.decode_field(&field.name, &frame).unwrap() {
                    let none = field.none_raw.is_some() && value.is_nan();
                    let (min, max) = (field.min as f32, field.max as f32);
                    prop_assert!(none || (min..=max).contains(&value), "{} stores {}", field.name, value);
                }
            }
        }
    }
}

#[test]
fn silence_reads_the_floor_and_no_centroid() {
    for sample_type in SAMPLES {
        let layout = layout(AnalysisType::Full, sample_type, 8);
        let silent = f32::NEG_INFINITY;
        let values = FrameValues {
            bands_db: &[silent; 8],
            loudness_lufs: silent,
            peak_dbfs: silent,
            onset: 0.0,
            centroid_hz: None,
            chroma: None,
        };
        let mut frame = Vec::new();
        layout.encode(&values, &mut frame);
        assert_eq!(layout.decode_field("bands", &frame).unwrap(), [-120.0; 8]);
        assert_eq!(layout.decode_field("chroma", &frame).unwrap(), [0.0; 12]);
        assert!(layout.decode_field("centroid", &frame).unwrap()[0].is_nan());
    }
}

#[test]
fn an_unknown_field_is_named_in_the_error() {
    let error = layout(AnalysisType::Rhythm, SampleType::U8, 8).decode_field("chroma", &[]).unwrap_err();
    assert!(matches!(error, Error::UnknownField { ref name } if name == "chroma"));
}

#[test]
fn layouts_that_contradict_themselves_are_refused() {
    let good = layout(AnalysisType::Full, SampleType::U8, 8);
    type Spoil = fn(&mut Vec<analysis_core::frame::Field>);
    let spoils: [(&str, Spoil); 11] = [
        ("no fields", |f| f.clear()),
        ("a gap", |f| f[1].offset += 1),
        ("an overlap", |f| f[2].offset -= 1),
        ("no values", |f| f[5].count = 0),
        ("too many values", |f| f[5].count = MAX_FRAME_BYTES),
        ("a count that overflows", |f| f[5].count = usize::MAX),
        ("equal names", |f| f[1].name = "bands".into()),
        ("a scale of 0", |f| f[0].scale = 0.0),
        ("too few edges", |f| f[0].band_edges_hz = Some(vec![1.0])),
        ("edges that fall", |f| f[0].band_edges_hz.iter_mut().for_each(|edges| edges.reverse())),
        ("an edge that is no number", |f| {
            f[0].band_edges_hz.iter_mut().for_each(|edges| edges[1] = f32::NAN)
        }),
    ];
    for (what, spoil) in spoils {
        let mut fields = good.fields().to_vec();
        spoil(&mut fields);
        let refused = FrameLayout::from_fields(fields);
        assert!(matches!(refused, Err(Error::BadManifest { .. })), "{what} was accepted");
    }
    let json =
        serde_json::to_string(&good).unwrap().replace("\"bytes_per_frame\":24", "\"bytes_per_frame\":25");
    assert!(serde_json::from_str::<FrameLayout>(&json).is_err());
}
