//! The retired endpoints' shape, from what is stored of a track.

use analysis_core::analyzer::Analyzer;
use analysis_core::events::{Event, EventData, EventType};
use analysis_core::segments::SegmentData;
use analysis_core::spotify::{AudioAnalysis, audio_analysis, audio_features};
use analysis_core::summary::{AudioInfo, KeyEstimate, LoudnessSummary, Mode, Summary};
use analysis_core::{ANALYZER_VERSION, AnalysisType, Config};
use proptest::prelude::*;
use serde_json::{Value, json};
use testmusic::Score;

const RATE: u32 = 22_050;

fn audio(duration_ms: u64) -> AudioInfo {
    AudioInfo { duration_ms, ..AudioInfo::of_samples(44_100, 2) }
}

fn event(time_ms: u32, event_type: EventType) -> Event {
    Event { time_ms, duration_ms: None, event_type, confidence: Some(0.5), event_data: None }
}

fn key(time_ms: u32, duration_ms: u32, name: &str) -> Event {
    let event_data = Some(EventData::Name { name: name.into() });
    Event { duration_ms: Some(duration_ms), event_data, ..event(time_ms, EventType::Key) }
}

fn segment(time_ms: u32, duration_ms: u32, lufs: [f32; 3]) -> Event {
    let data = SegmentData {
        loudness_start: lufs[0],
        loudness_max: lufs[1],
        loudness_max_ms: 50,
        loudness_end: lufs[2],
        pitches: [1.0; 12],
        timbre: [0.0; 12],
    };
    let event_data = Some(EventData::Segment(Box::new(data)));
    Event { duration_ms: Some(duration_ms), event_data, ..event(time_ms, EventType::Segment) }
}

fn view(duration_ms: u64, events: Vec<Event>) -> AudioAnalysis {
    audio_analysis(&audio(duration_ms), "arsis-test", &Summary::default(), events)
}

fn spans(found: &[analysis_core::spotify::Span]) -> Vec<(f64, f64)> {
    found.iter().map(|span| (span.start, span.duration)).collect()
}

#[test]
fn a_beat_lasts_to_the_next_and_the_last_as_long_as_the_one_before() {
    let beats = [2_000, 500, 1_000, 1_500].map(|ms| event(ms, EventType::Beat));
    assert_eq!(spans(&view(10_000, beats.to_vec()).beats), [(0.5, 0.5), (1.0, 0.5), (1.5, 0.5), (2.0, 0.5)]);
    assert_eq!(spans(&view(2_100, beats.to_vec()).beats)[3], (2.0, 0.1));
    assert_eq!(spans(&view(10_000, beats[..1].to_vec()).beats), [(2.0, 8.0)]);
    assert_eq!(spans(&view(1_000, beats[..1].to_vec()).beats), [(2.0, 0.0)]);
}

#[test]
fn a_section_has_the_tempo_metre_key_and_loudness_of_what_is_inside() {
    let mut events: Vec<Event> = Vec::new();
    // Four bars of three at 120, then eight bars of four at 150.
    let mut time_ms = 0;
    for (bars, beats, length) in [(4, 3, 500), (8, 4, 400)] {
        for beat in 0..bars * beats {
            events.extend((beat % beats == 0).then(|| event(time_ms, EventType::Downbeat)));
            events.push(event(time_ms, EventType::Beat));
            time_ms += length;
        }
    }
    for (start, end) in [(0, 6_000), (6_000, 18_800)] {
        events.push(Event { duration_ms: Some(end - start), ..event(start, EventType::Section) });
    }
    events.extend([key(0, 4_000, "A minor"), key(4_000, 14_800, "F# major")]);
    events.extend([segment(0, 6_000, [-20.0; 3]), segment(6_000, 6_400, [-10.0; 3])]);
    events.push(segment(12_400, 6_400, [-13.0; 3]));
    events.reverse();
    let found = view(18_800, events).sections;
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].start, found[0].duration, found[1].start), (0.0, 6.0, 6.0));
    assert_eq!((found[0].tempo, found[1].tempo), (Some(120.0), Some(150.0)));
    assert_eq!((found[0].time_signature, found[1].time_signature), (Some(3), Some(4)));
    assert_eq!((found[0].key, found[0].mode), (Some(9), Some(0)));
    assert_eq!((found[1].key, found[1].mode, found[1].key_confidence), (Some(6), Some(1), Some(0.5)));
    assert_eq!(found[0].tempo_confidence, Some(0.5));
    assert_eq!(found[0].loudness, Some(-20.0));
    let mean = 10.0 * ((0.1_f32 + 10.0_f32.powf(-1.3)) / 2.0).log10();
    assert!((found[1].loudness.unwrap() - mean).abs() < 1e-3, "{:?}", found[1].loudness);
}

#[test]
fn a_sections_loudness_is_the_mean_power_along_its_segments() {
    let events = vec![
        event(0, EventType::Section),
        event(1_000, EventType::Section),
        segment(0, 100, [-40.0, -10.0, -40.0]),
    ];
    let section = &view(2_000, events).sections[0];
    // By sums over both lines in small steps.
    let power = |i: u32| 10_f64.powf((-40.0 + 30.0 * (f64::from(i) + 0.5) / 10_000.0) / 10.0);
    let want = 10.0 * ((0..10_000).map(power).sum::<f64>() / 10_000.0).log10();
    assert!((f64::from(section.loudness.unwrap()) - want).abs() < 1e-3, "{section:?}, want {want}");
}

#[test]
fn a_section_without_beats_keys_or_segments_says_so() {
    let found = view(9_000, vec![event(0, EventType::Section), event(4_000, EventType::Section)]);
    assert_eq!((found.sections[0].duration, found.sections[1].duration), (4.0, 5.0));
    let json = serde_json::to_value(&found.sections[0]).unwrap();
    for field in ["loudness", "tempo", "tempo_confidence", "key", "key_confidence", "mode", "time_signature"]
    {
        assert_eq!(json[field], Value::Null, "{field}");
    }
}

#[test]
fn pauses_bars_without_beats_and_segments_from_before_do_not_mislead_a_section() {
    let beats = [0, 500, 1_000, 4_000, 4_500, 5_000].map(|ms| event(ms, EventType::Beat));
    let section = Event { duration_ms: Some(6_000), ..event(0, EventType::Section) };
    let mut events = beats.to_vec();
    events.push(section);
    assert_eq!(view(9_000, events).sections[0].tempo, Some(120.0));
    let mut events = [0, 2_000, 4_000].map(|ms| event(ms, EventType::Downbeat)).to_vec();
    events.extend([
        segment(0, 9_000, [-20.0; 3]),
        event(0, EventType::Section),
        event(5_000, EventType::Section),
    ]);
    let found = view(9_000, events).sections;
    assert_eq!((found[0].time_signature, found[1].loudness), (None, Some(-20.0)));
}

#[test]
fn a_segment_reads_as_it_did_at_spotify() {
    let found = view(1_000, vec![segment(250, 500, [-30.0, -8.0, -20.0])]);
    let json = serde_json::to_value(&found.segments[0]).unwrap();
    assert_eq!((&json["start"], &json["duration"]), (&json!(0.25), &json!(0.5)));
    assert_eq!((&json["loudness_start"], &json["loudness_max"]), (&json!(-30.0), &json!(-8.0)));
    assert_eq!((&json["loudness_max_time"], &json["loudness_end"]), (&json!(0.05), &json!(-20.0)));
    assert_eq!(json["pitches"].as_array().unwrap().len(), 12);
    assert_eq!(json["timbre"].as_array().unwrap().len(), 12);
}

fn summary() -> Summary {
    let (name, tonic) = ("A minor".to_owned(), "A".to_owned());
    Summary {
        tempo_bpm: Some(116.0),
        tempo_confidence: Some(0.9),
        time_signature: Some("6/8".into()),
        key: Some(KeyEstimate { name, tonic, mode: Mode::Minor, confidence: 0.8, runner_up: None }),
        loudness: Some(LoudnessSummary {
            integrated_lufs: Some(-12.0),
            range_lu: Some(6.5),
            momentary_max_lufs: None,
            short_term_max_lufs: None,
            true_peak_dbtp: None,
            sample_peak_dbfs: None,
        }),
        onset_count: Some(400),
        fade_in_end_ms: Some(250),
        fade_out_start_ms: Some(90_500),
        danceability: Some(1.0),
        ..Summary::default()
    }
}

#[test]
fn the_track_tells_what_the_summary_does() {
    let found = audio_analysis(&audio(100_000), "arsis-test", &summary(), []);
    let json = serde_json::to_value(&found.track).unwrap();
    let expected = json!({"duration": 100.0, "analysis_sample_rate": 44_100, "analysis_channels": 2,
        "end_of_fade_in": 0.25, "start_of_fade_out": 90.5, "loudness": -12.0, "tempo": 116.0,
        "tempo_confidence": 0.9_f32, "time_signature": 6, "key": 9, "key_confidence": 0.8_f32, "mode": 0,
        "mode_confidence": 0.8_f32});
    assert_eq!(json, expected);
    assert_eq!(found.meta.analyzer_version, "arsis-test");
}

#[test]
fn features_follow_their_formulas_and_are_null_where_nothing_is_known() {
    let found = audio_features(&audio(100_000), &summary());
    assert_eq!(found.danceability, Some(0.5));
    let energy = 0.5 * 24.0 / 30.0 + 0.15 * 13.5 / 18.0 + 0.35 * 0.5;
    assert!((found.energy.unwrap() - energy).abs() < 1e-6, "{:?}", found.energy);
    assert_eq!((found.key, found.mode, found.time_signature), (Some(9), Some(0), Some(6)));
    let json = serde_json::to_value(audio_features(&audio(0), &Summary::default())).unwrap();
    let expected = json!({"danceability": null, "energy": null, "key": null, "loudness": null, "mode": null,
        "tempo": null, "time_signature": null, "duration_ms": 0});
    assert_eq!(json, expected);
    let dance = |d| audio_features(&audio(1), &Summary { danceability: Some(d), ..summary() }).danceability;
    assert_eq!([0.0, 0.5, 2.0, 3.0].map(dance), [None, Some(0.0), Some(1.0), Some(1.0)]);
}

#[test]
fn a_whole_analysis_fills_every_list_and_a_spectral_one_none() {
    let mono = Score { sample_rate_hz: RATE, ..Score::demo() }.render().mono();
    for (kind, full) in [(AnalysisType::Full, true), (AnalysisType::Spectral, false)] {
        let config = Config { analysis_type: kind, ..Config::default() };
        let mut analyzer = Analyzer::new(config, RATE, 1).unwrap();
        analyzer.push(&mono, &mut ()).unwrap();
        let analysis = analyzer.finish(&mut ()).unwrap();
        // As they come back from the database.
        let stored: Vec<Event> =
            serde_json::from_str(&serde_json::to_string(&analysis.events).unwrap()).unwrap();
        let found = audio_analysis(&analysis.audio, ANALYZER_VERSION, &analysis.summary, stored);
        let counts = [found.bars.len(), found.beats.len(), found.tatums.len(), found.segments.len()];
        assert!(counts.iter().all(|&count| (count > 0) == full), "{kind:?}: {counts:?}");
        let summary = &analysis.summary;
        assert_eq!(summary.beat_count.unwrap_or(0) as usize, found.beats.len());
        assert_eq!(summary.segment_count.unwrap_or(0) as usize, found.segments.len());
        assert_eq!(found, audio_analysis(&analysis.audio, ANALYZER_VERSION, summary, analysis.events.iter()));
        if full {
            assert!((f64::from(found.track.tempo.unwrap()) - 116.0).abs() < 0.2);
            assert_eq!((found.track.key, found.track.mode), (Some(9), Some(0)));
            assert!(found.track.end_of_fade_in.unwrap() < 0.5);
            let features = audio_features(&analysis.audio, summary);
            println!("{features:?}");
            assert!(features.energy.is_some_and(|energy| (0.3..1.0).contains(&energy)));
            assert!(features.danceability.is_some_and(|dance| dance > 0.5));
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    use EventType::{Beat, Chord, Downbeat, Key, Onset, Section, Segment, Tatum};
    let kinds = prop::sample::select(vec![Beat, Downbeat, Tatum, Onset, Section, Segment, Key, Chord]);
    let time = prop_oneof![0_u32..40, 0_u32..100_000, Just(u32::MAX)];
    let levels = prop::array::uniform3(prop_oneof![-120.0_f32..10.0, Just(f32::NAN), Just(f32::INFINITY)]);
    let names = prop::sample::select(vec!["C major", "B minor", "H minor", "", "C", "A  minor"]);
    (time.clone(), prop::option::of(time), kinds, prop::option::of(0.0_f32..1.0), levels, names).prop_map(
        |(time_ms, duration_ms, event_type, confidence, levels, name)| {
            let event_data = match event_type {
                Segment => segment(0, 0, levels).event_data,
                Key | Beat => Some(EventData::Name { name: name.into() }),
                _ => None,
            };
            Event { time_ms, duration_ms, event_type, confidence, event_data }
        },
    )
}

proptest! {
    #[test]
    fn any_events_give_a_view_in_order(
        events in prop::collection::vec(any_event(), 0..120),
        duration_ms in prop_oneof![0_u64..50, 0_u64..200_000, Just(u64::MAX)],
    ) {
        let found = view(duration_ms, events);
        for spans in [&found.bars, &found.beats, &found.tatums] {
            prop_assert!(spans.windows(2).all(|pair| pair[0].start < pair[1].start));
            prop_assert!(spans.iter().all(|span| span.duration >= 0.0));
            prop_assert!(spans.windows(2).all(|pair| (pair[0].start + pair[0].duration - pair[1].start).abs() < 1e-6));
        }
        for section in &found.sections {
            prop_assert!(section.duration >= 0.0);
            prop_assert!(section.tempo.is_none_or(|tempo| tempo > 0.0 && tempo.is_finite()));
            prop_assert!(section.key.is_none_or(|key| key < 12));
            prop_assert!(section.loudness.is_none_or(f32::is_finite));
        }
        prop_assert!(found.segments.windows(2).all(|pair| pair[0].start < pair[1].start));
    }
}
