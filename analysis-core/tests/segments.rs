//! Segments of sounds whose notes are known, and of whole analyses.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]
#![expect(clippy::cast_possible_truncation, reason = "counts of short signals made here")]

use analysis_core::analyzer::{Analysis, Analyzer, Frame, Observer};
use analysis_core::events::{EventData, EventType};
use analysis_core::frame::FrameValues;
use analysis_core::onset::Onset;
use analysis_core::segments::{GREATEST_MS, LEAST_MS, Segment, SegmentData, SegmentTracker, Segments};
use analysis_core::{AnalysisType, Config, Result};
use testmusic::{Score, Style, Voice};

const RATE: u32 = 22_050;

fn analysis_of(config: Config, mono: &[f32], observer: &mut dyn Observer) -> Analysis {
    let mut analyzer = Analyzer::new(config, RATE, 1).unwrap();
    analyzer.push(mono, observer).unwrap();
    analyzer.finish(observer).unwrap()
}

fn segments_of(analysis: &Analysis) -> Vec<(u32, u32, f32, SegmentData)> {
    let segments = analysis.events.iter().filter(|event| event.event_type == EventType::Segment);
    let parts = segments.map(|event| match event.event_data {
        Some(EventData::Segment(data)) => {
            (event.time_ms, event.duration_ms.unwrap(), event.confidence.unwrap(), *data)
        }
        other => panic!("{other:?}"),
    });
    parts.collect()
}

fn demo(style: Style) -> Vec<f32> {
    Score { style, sample_rate_hz: RATE, ..Score::demo() }.render().mono()
}

/// A frame with these levels.
fn values<'a>(bands_db: &'a [f32], loudness_lufs: f32, chroma: Option<&'a [f32; 12]>) -> FrameValues<'a> {
    FrameValues { bands_db, loudness_lufs, peak_dbfs: 0.0, onset: 0.0, centroid_hz: None, chroma }
}

/// Segments of frames `hop_ms` apart with the given loudness, all onsets settled at once.
fn tracked(hop_ms: u64, loudness: &[f32], onsets_ms: &[u32], duration_ms: u64) -> Vec<Segment> {
    let onset = |ms: &u32| Onset { time_s: f64::from(*ms) / 1000.0, confidence: 0.5 };
    let onsets: Vec<Onset> = onsets_ms.iter().map(onset).collect();
    let mut tracker = SegmentTracker::new(8);
    for (i, &lufs) in loudness.iter().enumerate() {
        tracker.push_frame(i as u64 * hop_ms, &values(&[lufs; 8], lufs, None));
    }
    tracker.finish(&onsets, duration_ms).iter().copied().collect()
}

fn bounds(segments: &[Segment]) -> Vec<(u32, u32)> {
    segments.iter().map(|segment| (segment.start_ms, segment.end_ms)).collect()
}

#[test]
fn a_segment_tells_how_loud_it_starts_peaks_and_ends() {
    let mut loudness = vec![-40.0; 20];
    loudness[10..15].copy_from_slice(&[-30.0, -12.34, -20.0, -25.0, -28.0]);
    let found = tracked(10, &loudness, &[98], 200);
    assert_eq!(bounds(&found), [(0, 98), (98, 200)]);
    let data = found[1].data();
    assert_eq!((data.loudness_start, data.loudness_max, data.loudness_end), (-30.0, -12.34, -40.0));
    assert_eq!(data.loudness_max_ms, 12);
    assert_eq!((found[0].confidence, found[1].confidence), (255, 128));
    assert_eq!(found[1].event().confidence, Some(0.502));
    assert_eq!(data.pitches, [0.0; 12]);
}

#[test]
fn onsets_that_follow_at_once_and_at_the_very_end_begin_nothing() {
    let found = tracked(10, &[-20.0; 100], &[5, 200, 230, 279, 280, 400, 950], 1_000);
    assert_eq!(bounds(&found), [(0, 200), (200, 280), (280, 400), (400, 1_000)]);
}

#[test]
fn steady_sound_is_cut_and_the_cut_is_sure_of_nothing() {
    let found = tracked(10, &[-20.0; 2_500], &[], 25_000);
    assert_eq!(bounds(&found), [(0, 10_000), (10_000, 20_000), (20_000, 25_000)]);
    let sure: Vec<u8> = found.iter().map(|segment| segment.confidence).collect();
    assert_eq!(sure, [255, 0, 0]);
}

#[test]
fn ten_hours_of_segments_are_small() {
    assert!(size_of::<Segment>() <= 44); // 130,000 of them
    let mut list = Segments::default();
    list.extend((0..3_000).map(|i| Segment { start_ms: i, ..tracked(10, &[-20.0], &[], 10)[0] }));
    assert_eq!(list.len(), 3_000);
    assert!(list.iter().map(|segment| segment.start_ms).eq(0..3_000));
}

#[test]
fn frames_far_apart_leave_no_segment_without_one() {
    let found = tracked(100, &[-20.0; 10], &[110, 195, 420], 950);
    assert_eq!(bounds(&found), [(0, 110), (110, 420), (420, 950)]);
}

#[test]
fn timbre_is_the_cosine_transform_of_the_mean_levels() {
    let bands = 16;
    let mut tracker = SegmentTracker::new(bands);
    let level = |frame: usize, b: usize| -30.0 + 2.0 * ((b * 7 + frame * 3) % 11) as f32;
    for frame in 0..5 {
        let row: Vec<f32> = (0..bands).map(|b| level(frame, b)).collect();
        tracker.push_frame(frame as u64 * 10, &values(&row, -20.0, None));
    }
    let found = tracker.finish(&[], 50);
    let timbre = found.iter().next().unwrap().data().timbre;
    let mean: Vec<f64> =
        (0..bands).map(|b| (0..5).map(|frame| f64::from(level(frame, b))).sum::<f64>() / 5.0).collect();
    for (k, &got) in timbre.iter().enumerate() {
        let angle = |b: usize| std::f64::consts::PI * k as f64 * (b as f64 + 0.5) / bands as f64;
        let scale = if k == 0 { 1.0 } else { 2.0_f64.sqrt() } / bands as f64;
        let want = scale * mean.iter().enumerate().map(|(b, level)| level * angle(b).cos()).sum::<f64>();
        let step = if k == 0 { 0.1 } else { 0.5 };
        assert!((f64::from(got) - want).abs() < 0.51 * step, "{k}: {got} for {want}");
    }
}

#[test]
fn every_note_begins_a_segment_with_its_own_pitch() {
    let (piece, times) = testmusic::solo(Voice::Piano, 40, RATE, 2);
    let analysis = analysis_of(Config::default(), &piece.mono(), &mut ());
    let segments = segments_of(&analysis);
    let begun = |time: &&f64| segments.iter().any(|s| (f64::from(s.0) / 1000.0 - *time).abs() < 0.03);
    let found = times.iter().filter(begun).count();
    assert!(found + 1 >= times.len(), "{found} of {}", times.len());
    let tone = testmusic::tone(440.0, 12.0, RATE, 0.5);
    for (start_ms, duration_ms, _, data) in segments_of(&analysis_of(Config::default(), &tone.left, &mut ()))
    {
        assert_eq!(data.pitches[9], 1.0, "{start_ms}");
        assert!(data.pitches.iter().enumerate().all(|(class, &share)| class == 9 || share < 0.7), "{data:?}");
        assert!(duration_ms <= GREATEST_MS && (data.loudness_max + 9.0).abs() < 1.5, "{data:?}");
    }
}

#[test]
fn segments_tile_the_track_at_every_hop() {
    let mono = demo(Style::Rock);
    for hop_ms in [1, 7, 10, 40, 100] {
        let analysis = analysis_of(Config { hop_ms, ..Config::default() }, &mono, &mut ());
        let segments = segments_of(&analysis);
        let a_second = segments.len() as f64 / (mono.len() as f64 / f64::from(RATE));
        println!("hop of {hop_ms} ms: {a_second:.2} segments a second");
        assert_eq!(analysis.summary.segment_count, Some(segments.len() as u32));
        assert!((2.0..8.0).contains(&a_second), "{a_second}");
        let mut at = 0;
        for (start_ms, duration_ms, confidence, data) in segments {
            assert_eq!(start_ms, at);
            assert!((LEAST_MS..=GREATEST_MS + hop_ms).contains(&duration_ms), "{duration_ms}");
            assert!((0.0..=1.0).contains(&confidence) && u32::from(data.loudness_max_ms) < duration_ms);
            assert!(data.loudness_max >= data.loudness_start.max(data.loudness_end), "{data:?}");
            assert!(data.pitches.iter().all(|share| (0.0..=1.0).contains(share)), "{data:?}");
            at += duration_ms;
        }
        assert_eq!(u64::from(at), analysis.audio.duration_ms);
    }
}

/// Mean loudness of the frames, and their number.
struct Levels(f64, u32);

impl Observer for Levels {
    fn on_frame(&mut self, frame: &Frame<'_>) -> Result<()> {
        let bands = frame.values.bands_db;
        self.0 += f64::from(bands.iter().sum::<f32>() / bands.len() as f32);
        self.1 += 1;
        Ok(())
    }
}

#[test]
fn the_first_coefficient_is_the_mean_level_of_the_frames() {
    let mut levels = Levels(0.0, 0);
    let analysis = analysis_of(Config::default(), &demo(Style::Waltz), &mut levels);
    let weighed = segments_of(&analysis).into_iter().map(|s| f64::from(s.3.timbre[0]) * f64::from(s.1));
    let (mean, from_frames) =
        (weighed.sum::<f64>() / analysis.audio.duration_ms as f64, levels.0 / f64::from(levels.1));
    assert!((mean - from_frames).abs() < 1.0, "{mean} for {from_frames}"); // segments begin between frames
}

#[test]
fn only_full_and_structure_have_segments_and_silence_has_none() {
    for (kind, wanted) in [
        (AnalysisType::Full, true),
        (AnalysisType::Structure, true),
        (AnalysisType::Rhythm, false),
        (AnalysisType::Tonal, false),
        (AnalysisType::Spectral, false),
    ] {
        let config = Config { analysis_type: kind, ..Config::default() };
        let analysis = analysis_of(config.clone(), &demo(Style::Rock)[..8 * RATE as usize], &mut ());
        assert_eq!(analysis.summary.segment_count.is_some(), wanted, "{kind:?}");
        assert_eq!(segments_of(&analysis).is_empty(), !wanted, "{kind:?}");
        let silence = analysis_of(config, &[0.0; 5 * RATE as usize], &mut ());
        assert_eq!(silence.summary.segment_count, wanted.then_some(0), "{kind:?}");
        assert_eq!(segments_of(&silence), [], "{kind:?}");
    }
    assert!(SegmentTracker::new(8).finish(&[], 0).is_empty());
}
