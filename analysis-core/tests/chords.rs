//! Chords of sounds and songs whose chords are known.

#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

use analysis_core::chords::{ChordSpan, ChordTracker, Quality};
use analysis_core::chroma::ChromaAnchor;
use analysis_core::events::{Event, EventData, EventType};
use analysis_core::tonal::TonalAnalyzer;
use analysis_core::units::midi_to_hz;
use analysis_core::{Analysis, AnalysisType, Analyzer, Config};
use testmusic::styles::{Genre, Song};
use testmusic::{Piece, Score, noise, silence, solo, tone};

const RATE: u32 = 44_100;
const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// Notes as MIDI numbers, sounding together as plain tones with an octave and a twelfth over each.
fn sounding(notes: &[u8], seconds: f64) -> Vec<f32> {
    let partials = notes.iter().flat_map(|&note| [(note, 0.1), (note + 12, 0.04), (note + 19, 0.02)]);
    let tones: Vec<Vec<f32>> = partials
        .map(|(note, peak)| tone(f64::from(midi_to_hz(f32::from(note))), seconds, RATE, peak).left)
        .collect();
    (0..tones[0].len()).map(|n| tones.iter().map(|tone| tone[n]).sum()).collect()
}

fn chords_of(mono: &[f32], beats_s: &[f64]) -> Vec<ChordSpan> {
    let mut tonal = TonalAnalyzer::new(RATE);
    tonal.push(mono, &mut |_| ());
    let duration_ms = mono.len() as u64 * 1000 / u64::from(RATE);
    tonal.finish(&mut |_| ()).chords.spans(beats_s, duration_ms)
}

fn analysis(piece: &Piece, analysis_type: AnalysisType) -> Analysis {
    let config = Config { analysis_type, ..Config::default() };
    let mut analyzer = Analyzer::new(config, piece.sample_rate_hz, 2).unwrap();
    analyzer.push(&piece.interleaved(), &mut ()).unwrap();
    analyzer.finish(&mut ()).unwrap()
}

fn chord_events(analysis: &Analysis) -> Vec<(u32, u32, String)> {
    let chord = |event: Event| match event.event_data {
        Some(EventData::Chord { name, .. }) => {
            Some((event.time_ms, event.time_ms + event.duration_ms.unwrap(), name))
        }
        _ => None,
    };
    analysis.events.iter().filter_map(chord).collect()
}

#[test]
fn every_triad_has_its_name() {
    for root in 0..12_u8 {
        for (third, quality, sign) in [(4, Quality::Major, ""), (3, Quality::Minor, "m")] {
            let notes = [48 + root, 60 + root, 60 + root + third, 67 + root];
            let found = chords_of(&sounding(&notes, 3.0), &[]);
            let [span] = found[..] else { panic!("{found:?}") };
            let name = format!("{}{sign}", NAMES[usize::from(root)]);
            assert_eq!((span.chord.name(), span.chord.quality), (name, quality));
            assert_eq!((span.start_ms, span.end_ms), (0, 3000));
            assert!(span.confidence > 0.8, "{span:?}");
        }
    }
}

#[test]
fn chords_follow_one_another_with_gaps_where_nothing_sounds() {
    let c = sounding(&[48, 60, 64, 67], 2.0);
    let am = sounding(&[45, 57, 60, 64], 2.0);
    let music = [c.clone(), am, vec![0.0; 2 * RATE as usize], c].concat();
    let found = chords_of(&music, &[]);
    let names: Vec<String> = found.iter().map(|span| span.chord.name()).collect();
    assert_eq!(names, ["C", "Am", "C"]);
    let times = [found[0].end_ms, found[1].start_ms, found[1].end_ms, found[2].start_ms, found[2].end_ms];
    for (got, want) in times.into_iter().zip([2000, 2000, 4000, 6000, 8000]) {
        assert!(got.abs_diff(want) <= 150, "{times:?}");
    }
}

#[test]
fn changes_are_moved_to_the_beat_nearby_and_to_none_far_away() {
    let music = [sounding(&[48, 60, 64, 67], 2.0), sounding(&[53, 60, 65, 69], 2.0)].concat();
    let change = |beats: &[f64]| chords_of(&music, beats)[0].end_ms;
    assert_eq!(change(&[0.03, 1.03, 2.03, 3.03]), 2030);
    let alone = change(&[]);
    assert_eq!(change(&[0.5, 1.5, 2.5, 3.5]), alone);
    assert_eq!(change(&[2.03]), alone);
}

#[test]
fn silence_noise_one_tone_and_drums_have_no_chords() {
    let (drums, _) = solo(testmusic::Voice::Snare, 60, RATE, 3);
    for (name, piece) in [
        ("silence", silence(8.0, RATE)),
        ("a tone", tone(440.0, 8.0, RATE, 0.5)),
        ("noise", noise(8.0, RATE, 0.5, 1)),
        ("drums", drums),
    ] {
        let analysis = analysis(&piece, AnalysisType::Tonal);
        assert_eq!(chord_events(&analysis), [], "{name}");
        assert_eq!(analysis.summary.chord_count, Some(0), "{name}");
    }
    assert_eq!(ChordTracker::default().finish().spans(&[], 0), []);
}

/// Share of the time with a true triad in which it is named, every 10 ms.
fn recall(piece: &Piece, said: &[(u32, u32, String)]) -> f64 {
    let flat = |name: &str| {
        name.replace("Db", "C#")
            .replace("Eb", "D#")
            .replace("Gb", "F#")
            .replace("Ab", "G#")
            .replace("Bb", "A#")
    };
    let (mut right, mut all) = (0, 0);
    let ends = piece.truth.chords.iter().skip(1).map(|(time, _)| *time).chain([piece.seconds()]);
    for ((start, name), end) in piece.truth.chords.iter().zip(ends) {
        if name.ends_with("dim") {
            continue;
        }
        let mut time_ms = start * 1000.0;
        while time_ms < end * 1000.0 {
            let here =
                said.iter().find(|(from, to, _)| (f64::from(*from)..f64::from(*to)).contains(&time_ms));
            right += u32::from(here.is_some_and(|(_, _, said)| *said == flat(name)));
            all += 1;
            time_ms += 10.0;
        }
    }
    f64::from(right) / f64::from(all)
}

#[test]
fn songs_are_named_right_for_three_quarters_of_their_time() {
    let genres =
        [Genre::Rock, Genre::Waltz, Genre::Ballad, Genre::Reggae, Genre::StringQuartet, Genre::HipHop];
    let recalls = genres.map(|genre| {
        let piece = Song::random(genre, 40).render();
        recall(&piece, &chord_events(&analysis(&piece, AnalysisType::Structure)))
    });
    let mean = recalls.iter().sum::<f64>() / recalls.len() as f64;
    assert!(mean > 0.75, "{recalls:?}");
}

#[test]
fn chords_of_a_song_stand_on_its_beats() {
    let analysis = analysis(&Score::demo().render(), AnalysisType::Full);
    let beats: Vec<u32> =
        analysis.events.iter().filter(|e| e.event_type == EventType::Beat).map(|e| e.time_ms).collect();
    let chords = chord_events(&analysis);
    let on_beats = chords.iter().filter(|(start, ..)| beats.contains(start)).count();
    assert!(chords.len() >= 12 && on_beats + 2 >= chords.len(), "{chords:?}");
    assert_eq!(analysis.summary.chord_count.map(|count| count as usize), Some(chords.len()));
    assert!(chords.windows(2).all(|pair| pair[0].1 <= pair[1].0), "they do not overlap: {chords:?}");
}

#[test]
fn hostile_anchors_have_no_chord_worth_a_panic() {
    let mut tracker = ChordTracker::default();
    for value in [f32::NAN, f32::INFINITY, -1.0, 0.0, f32::MAX] {
        tracker.push(&ChromaAnchor { index: 0, chroma: [value; 12], bass: [value; 12] });
    }
    let spans = tracker.finish().spans(&[0.1, 0.1, 0.1, 0.1], 400);
    assert!(spans.iter().all(|span| span.start_ms < span.end_ms && span.end_ms <= 400));
}
