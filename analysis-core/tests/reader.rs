//! Zoom levels, manifests and reading by time.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod support;

use analysis_core::frame::Aggregate;
use analysis_core::manifest::Manifest;
use analysis_core::reader::FrameReader;
use analysis_core::{AnalysisType, Config, Error, SampleType};
use proptest::prelude::*;
use support::Stored;

fn small(sample_type: SampleType) -> Config {
    Config { bands: 8, chunk_frames: 64, zoom_levels: 2, sample_type, ..Config::default() }
}

fn reader(stored: &Stored) -> FrameReader<impl FnMut(u32, u32) -> analysis_core::Result<Vec<u8>>> {
    let missing = || Error::BadChunk { detail: "no such chunk".into() };
    FrameReader::new(stored.manifest.clone(), move |level, index| {
        stored.bytes(level, index).ok_or_else(missing)
    })
    .unwrap()
}

/// A coarser level from the decoded values of the level below, in the words of the documentation.
fn naive_zoom(stored: &Stored, name: &str, finer: &[f32]) -> Vec<f32> {
    let field = stored.manifest.frame_layout.field(name).unwrap();
    let rows: Vec<&[f32]> = finer.chunks(field.count).collect();
    let sum_up = |group: &[&[f32]], c: usize| {
        let values: Vec<f64> = group.iter().map(|row| f64::from(row[c])).filter(|x| !x.is_nan()).collect();
        let max = values.iter().copied().fold(f64::NAN, f64::max);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        if field.zoom == Aggregate::Max { max } else { mean }
    };
    #[expect(clippy::cast_possible_truncation, reason = "values are f32")]
    rows.chunks(8)
        .flat_map(|group| (0..field.count).map(|c| sum_up(group, c) as f32).collect::<Vec<_>>())
        .collect()
}

#[test]
fn each_level_sums_up_eight_frames_of_the_one_below() {
    for sample_type in [SampleType::U8, SampleType::I16, SampleType::F16, SampleType::F32] {
        let stored = Stored::new(&small(sample_type), 1_003);
        let mut reader = reader(&stored);
        let layout = stored.manifest.frame_layout.clone();
        for field in layout.fields() {
            let mut finer = layout.decode_field(&field.name, &stored.frames).unwrap();
            for level in 1..=2 {
                let want = naive_zoom(&stored, &field.name, &finer);
                let got = reader.read(level, 0, u64::MAX).unwrap().field(&layout, &field.name).unwrap();
                assert_eq!(got.len(), want.len());
                for (got, want) in got.iter().zip(&want) {
                    let half_step = field.scale * 0.5 + f64::from(want.abs()) * 1e-3; // f16 rounds the mean
                    let near = f64::from((got - want).abs()) <= half_step;
                    assert!(
                        near || got.is_nan() && want.is_nan(),
                        "{} level {level}: {got}, {want}",
                        field.name
                    );
                }
                finer = got;
            }
        }
    }
}

#[test]
fn a_manifest_survives_json_and_tells_the_levels() {
    let stored = Stored::new(&small(SampleType::U8), 1_003);
    let json = serde_json::to_vec(&stored.manifest).unwrap();
    assert_eq!(Manifest::from_json(&json).unwrap(), stored.manifest);
    let levels: Vec<_> =
        stored.manifest.levels.iter().map(|l| (l.level, l.hop_ms, l.frame_count, l.total_chunks)).collect();
    assert_eq!(levels, [(0, 10, 1_003, 16), (1, 80, 126, 2), (2, 640, 16, 1)]);
}

#[test]
fn manifests_that_contradict_themselves_are_refused() {
    let good = Stored::new(&small(SampleType::U8), 300).manifest;
    type Spoil = fn(&mut Manifest);
    let spoils: [(&str, Spoil); 9] = [
        ("version", |m| m.manifest_version = 2),
        ("hop", |m| m.hop_ms = 0),
        ("chunk size", |m| m.chunk_size_frames = 0),
        ("frame size", |m| m.bytes_per_frame += 1),
        ("no levels", |m| m.levels.clear()),
        ("frame count", |m| m.frame_count += 1),
        ("level hop", |m| m.levels[1].hop_ms = 10),
        ("missing chunk", |m| m.levels[0].chunks.truncate(1)),
        ("misplaced chunk", |m| m.levels[0].chunks[1].start_frame += 1),
    ];
    for (what, spoil) in spoils {
        let mut manifest = good.clone();
        spoil(&mut manifest);
        assert!(matches!(manifest.validate(), Err(Error::BadManifest { .. })), "{what} was accepted");
    }
    assert!(matches!(Manifest::from_json(b"{}"), Err(Error::BadManifest { .. })));
}

#[test]
fn an_analysis_without_frames_has_levels_without_chunks() {
    let stored = Stored::new(&small(SampleType::U8), 0);
    stored.manifest.validate().unwrap();
    assert!(stored.chunks.is_empty());
    assert_eq!(reader(&stored).read(0, 0, 1_000).unwrap().frame_count, 0);
}

#[test]
fn the_finest_level_that_fits_is_chosen() {
    let stored = Stored::new(&small(SampleType::U8), 1_003);
    let reader = reader(&stored);
    let choices = [(2_000, 0), (1_003, 0), (1_002, 1), (126, 1), (125, 2), (3, 2)];
    for (max_frames, level) in choices {
        assert_eq!(reader.level_for(0, u64::MAX, max_frames), level, "at most {max_frames} frames");
    }
    assert_eq!(reader.level_for(1_000, 2_000, 100), 0);
}

#[test]
fn chunks_that_are_not_what_the_manifest_says_are_refused() {
    let stored = Stored::new(&small(SampleType::U8), 300);
    let swapped = |_, index: u32| Ok(stored.bytes(0, index ^ 1).unwrap_or_default());
    let mut reader = FrameReader::new(stored.manifest.clone(), swapped).unwrap();
    assert!(matches!(reader.read(0, 0, 10), Err(Error::BadChunk { .. })));
    let mut manifest = stored.manifest.clone();
    manifest.levels[0].chunks[0].crc32 ^= 1;
    let mut reader =
        FrameReader::new(manifest, |level, index| Ok(stored.bytes(level, index).unwrap_or_default()))
            .unwrap();
    assert!(matches!(reader.read(0, 0, 10), Err(Error::ChunkChecksum { .. })));
    assert!(reader.read(0, 650, 700).is_ok());
}

#[test]
fn a_range_larger_than_allowed_is_refused_before_it_is_read() {
    let stored = Stored::new(&small(SampleType::U8), 300);
    let never = |_, _| -> analysis_core::Result<Vec<u8>> { panic!("nothing should be fetched") };
    let mut reader = FrameReader::new(stored.manifest.clone(), never).unwrap().with_max_bytes(24 * 100);
    let refused = reader.read(0, 0, 1_010).unwrap_err();
    assert!(matches!(refused, Error::RangeTooLarge { given_bytes: 2_424, max_bytes: 2_400 }), "{refused}");
    assert!(matches!(reader.read(3, 0, 10), Err(Error::BadManifest { .. })));
}

#[test]
fn a_chunk_is_fetched_once_while_reading_on() {
    let stored = Stored::new(&small(SampleType::U8), 300);
    let mut fetched = Vec::new();
    let source = |level, index| {
        fetched.push((level, index));
        Ok(stored.bytes(level, index).unwrap_or_default())
    };
    let mut reader = FrameReader::new(stored.manifest.clone(), source).unwrap();
    for from_ms in (0..1_500).step_by(100) {
        reader.read(0, from_ms, from_ms + 100).unwrap();
    }
    drop(reader);
    assert_eq!(fetched, [(0, 0), (0, 1), (0, 2)]);
}

/// Ten hours of rows that tell their number.
fn ten_hours() -> Stored {
    let kind = AnalysisType::Rhythm;
    let config = Config { analysis_type: kind, bands: 8, zoom_levels: 0, ..Config::default() };
    let frames = 0..10 * 3_600 * 100_u64;
    Stored::of(frames.flat_map(|t| t.to_le_bytes().into_iter().chain([0; 2])).collect(), &config)
}

#[test]
fn ten_seconds_of_ten_hours_are_read_from_the_one_or_two_chunks_they_lie_in() {
    let stored = ten_hours();
    let width = stored.manifest.frame_layout.bytes_per_frame();
    let chunk_ms = u64::from(stored.manifest.chunk_size_frames) * 10;
    assert_eq!((stored.chunks.len(), chunk_ms), (3_516, 10_240));
    let cases = [(0, 1), (1_758 * chunk_ms, 1), (1_758 * chunk_ms + 240, 1), (1_758 * chunk_ms + 250, 2)];
    let cases = cases.into_iter().chain([(17_999_990, 2), (3_500 * chunk_ms - 10, 2), (35_990_000, 2)]);
    for (from_ms, want) in cases {
        let mut fetched = Vec::new();
        let source = |level, index| {
            fetched.push(index);
            Ok(stored.bytes(level, index).unwrap_or_default())
        };
        let mut reader = FrameReader::new(stored.manifest.clone(), source).unwrap();
        let range = reader.read(0, from_ms, from_ms + 10_000).unwrap();
        drop(reader);
        let first = usize::try_from(from_ms / 10).unwrap() * width;
        assert!(range.frames == stored.frames[first..first + 1_000 * width], "frames from {from_ms} ms");
        assert_eq!(fetched.len(), want, "from {from_ms} ms: {fetched:?}");
        assert!(fetched.is_sorted_by(|a, b| a + 1 == *b));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_range_gives_the_frames_whose_slots_meet_it(from_ms in 0_u64..4_000, length in 0_u64..3_000) {
        let config = Config { analysis_type: AnalysisType::Rhythm, ..small(SampleType::I16) };
        let stored = Stored::new(&config, 300);
        let width = stored.manifest.frame_layout.bytes_per_frame();
        let range = reader(&stored).read(0, from_ms, from_ms + length).unwrap();
        let want: Vec<u8> = stored.frames.chunks(width).enumerate()
            .filter(|(i, _)| (*i as u64) * 10 < from_ms + length && (*i as u64 + 1) * 10 > from_ms && length > 0)
            .flat_map(|(_, frame)| frame.to_vec()).collect();
        prop_assert_eq!(&range.frames, &want);
        prop_assert_eq!(range.frame_count as usize, want.len() / width);
        if range.frame_count > 0 {
            prop_assert_eq!(range.time_ms(0), from_ms / 10 * 10);
        }
    }
}
