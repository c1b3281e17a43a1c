//! Pictures of very long music: what could not be seen is not written.

#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

use analysis_core::chords::{Chord, ChordSpan, Quality};
use analysis_core::events::{Event, EventData, EventType, Events};
use analysis_core::frame::FrameValues;
use analysis_core::rhythm::Beat;
use analysis_core::summary::{AudioInfo, Summary, TempoPoint};
use picture::{Heard, Overview, Span, Style, figure_of};

/// A beat every half second, a chord a bar, a section every half minute, a tempo that never rests.
fn music(seconds: u32) -> (Events, Summary, Overview) {
    let beats = (0..2 * seconds).map(|i| Beat {
        time_s: f64::from(i) / 2.0,
        bar: i / 4 + 1,
        position: u8::try_from(i % 4 + 1).unwrap(),
        confidence: 1.0,
    });
    let chord = |i| ChordSpan {
        start_ms: 2000 * i,
        end_ms: 2000 * i + 2000,
        chord: Chord { root: u8::try_from(i % 12).unwrap(), quality: Quality::Minor },
        confidence: 1.0,
    };
    let section = |i| Event {
        time_ms: 30_000 * i,
        duration_ms: Some(30_000),
        event_type: EventType::Section,
        confidence: None,
        event_data: Some(EventData::Section { label: "A".into() }),
    };
    let events = Events::new(beats.collect(), vec![], vec![], (0..seconds / 30).map(section).collect());
    let point =
        |i: u32| TempoPoint { time_ms: 1000 * i, bpm: 120.0 + f32::from(u8::try_from(i % 7).unwrap()) };
    let summary = Summary { tempo_curve: (0..seconds).map(point).collect(), ..Summary::default() };
    let mut overview = Overview::new(1000, 64);
    let mut noise = testmusic::Rng::new(1);
    for _ in 0..100 * seconds {
        #[expect(clippy::cast_possible_truncation, reason = "levels")]
        let bands: [f32; 64] = std::array::from_fn(|_| (-80.0 * noise.unit()) as f32);
        overview.push(&FrameValues {
            bands_db: &bands,
            loudness_lufs: bands[0],
            peak_dbfs: 0.0,
            onset: 0.0,
            centroid_hz: None,
            chroma: Some(&[0.5; 12]),
        });
    }
    (events.with_chords((0..seconds / 2).map(chord).collect()), summary, overview)
}

fn svg(seconds: u32) -> String {
    let (events, summary, overview) = music(seconds);
    let audio = AudioInfo { duration_ms: u64::from(seconds) * 1000, ..AudioInfo::of_samples(44_100, 2) };
    let band_edges_hz = &analysis_core::bands::corners_hz(64);
    let heard = Heard {
        title: "long",
        audio: &audio,
        summary: &summary,
        overview: &overview,
        first_ms: 0.0,
        hop_ms: 10.0,
        band_edges_hz,
    };
    let span = Span::new(0.0, f64::from(seconds) * 1000.0).unwrap();
    figure_of(&heard, events.iter(), span, Style::default()).svg()
}

#[test]
fn ten_hours_are_no_larger_than_five_minutes() {
    let (short, long) = (svg(300), svg(36_000));
    assert!(short.contains("id=\"chords\"") && short.contains(">A</text>"));
    assert!(!long.contains("id=\"chords\"") && long.contains("id=\"tempo\""));
    let without_pixels =
        |svg: &str| svg.lines().filter(|line| !line.starts_with("<image")).map(str::len).sum::<usize>();
    assert!(without_pixels(&long) < 150_000, "{} bytes", without_pixels(&long));
    // Noise: no picture compresses worse.
    assert!(long.len() < 400_000, "{} bytes", long.len());
}
