//! The same music in every kind of file says the same; clicks are found where they are; nothing is heard in
//! nothing; the same bytes come out of every run.

#![expect(clippy::unwrap_used, reason = "what tests share fails by panicking, as they do")]

use analysis_core::chunk::Chunk;
use analysis_core::events::{Event, EventType};
use analysis_core::{Analysis, AnalysisType, Analyzer, Config, Observer, analyze};
use std::io::Cursor;
use std::path::Path;
use testmusic::{Piece, Score, WavFormat, wav_bytes};

/// The fixtures are the first 24 s of the demonstration's piece (see fixtures/make.sh).
const FIXTURE_SECONDS: usize = 24;

/// How far the beats of one recording may lie apart in two kinds of file, in ms.
const SAME_TIME_MS: f64 = 3.0;

/// Keeps every chunk.
#[derive(Default)]
struct Chunks(Vec<Chunk>);

impl Observer for Chunks {
    fn on_chunk(&mut self, chunk: Chunk) -> analysis_core::Result<()> {
        self.0.push(chunk);
        Ok(())
    }
}

/// An analysis, and the chunks that came with it.
struct Heard {
    analysis: Analysis,
    chunks: Vec<Chunk>,
}

impl Heard {
    fn times_ms(&self, kind: EventType) -> Vec<f64> {
        let events = self.analysis.events.iter().filter(|event| event.event_type == kind);
        events.map(|event| f64::from(event.time_ms)).collect()
    }

    fn beats_ms(&self) -> Vec<f64> {
        self.analysis.events.beats().iter().map(|beat| 1000.0 * beat.time_s).collect()
    }

    fn downbeats_ms(&self) -> Vec<f64> {
        let beats = self.analysis.events.beats().iter().filter(|beat| beat.position == 1);
        beats.map(|beat| 1000.0 * beat.time_s).collect()
    }

    fn tempo(&self) -> f64 {
        f64::from(self.analysis.summary.tempo_bpm.unwrap())
    }
}

fn hear_as(file: Vec<u8>, hint: &str, kind: AnalysisType) -> Heard {
    let config = Config { analysis_type: kind, ..Config::default() };
    let mut chunks = Chunks::default();
    let analysis = analyze(Cursor::new(file), Some(hint), &config, &mut chunks).unwrap();
    Heard { analysis, chunks: chunks.0 }
}

fn hear(file: Vec<u8>, hint: &str) -> Heard {
    hear_as(file, hint, AnalysisType::Full)
}

/// The piece, cut as the fixtures are.
fn demo() -> Piece {
    let mut piece = Score::demo().render();
    let len = FIXTURE_SECONDS * piece.sample_rate_hz as usize;
    piece.left.truncate(len);
    piece.right.truncate(len);
    piece.truth.beats.retain(|time_s| *time_s < FIXTURE_SECONDS as f64);
    piece
}

fn fixture_bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

fn fixture(kind: &str) -> Heard {
    hear(fixture_bytes(&format!("demo.{kind}")), kind)
}

/// The music in all five kinds of file; WAV first.
fn five_kinds() -> [(&'static str, Heard); 5] {
    let wav = ("wav", hear(demo().wav(), "wav"));
    let [flac, mp3, ogg, m4a] = ["flac", "mp3", "ogg", "m4a"].map(|kind| (kind, fixture(kind)));
    [wav, flac, mp3, ogg, m4a]
}

/// Times of `a` and `b` agree within `tolerance`, one for one.
#[track_caller]
fn assert_close(a: &[f64], b: &[f64], tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}: {a:?} {b:?}");
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= tolerance, "{what}: {a} and {b} are {} apart", (a - b).abs());
    }
}

#[test]
fn the_same_music_says_the_same_in_every_kind_of_file() {
    let truth = demo().truth;
    let truth_ms: Vec<f64> = truth.beats.iter().map(|time_s| 1000.0 * time_s).collect();
    let heard = five_kinds();
    // The last true beat sounds 0.47 s before the cut: whole in every file, so that no beat may be missing or
    // added at the end, and none is left out of the comparison.
    assert!(truth_ms.len() == 46 && truth_ms[45] < 1000.0 * FIXTURE_SECONDS as f64 - 400.0, "{truth_ms:?}");
    for (kind, one) in &heard {
        let error = (one.tempo() / truth.tempo_bpm - 1.0).abs();
        assert!(error < 0.005, "{kind}: {} BPM", one.tempo());
        assert_close(&one.beats_ms(), &truth_ms, 30.0, &format!("{kind} and the truth"));
        assert_eq!(one.analysis.summary.key.as_ref().unwrap().name, truth.key, "{kind}");
        assert_eq!(one.analysis.summary.time_signature.as_deref(), Some("4/4"), "{kind}");
        assert_eq!(one.analysis.audio.duration_ms, 1000 * FIXTURE_SECONDS as u64, "{kind}");
        assert_eq!(one.analysis.audio.decode_errors, 0, "{kind}");
    }
    for (i, (kind, one)) in heard.iter().enumerate() {
        for (other_kind, other) in &heard[i + 1..] {
            let what = format!("{kind} and {other_kind}");
            assert!((one.tempo() / other.tempo() - 1.0).abs() < 0.005, "{what}");
            assert_close(&one.beats_ms(), &other.beats_ms(), SAME_TIME_MS, &what);
            assert_close(
                &one.downbeats_ms(),
                &other.downbeats_ms(),
                SAME_TIME_MS,
                &format!("downbeats of {what}"),
            );
        }
    }
}

#[test]
fn beats_keep_their_times_however_a_file_says_where_its_audio_begins() {
    let file = |name: &str| fixture_bytes(name);
    // A Xing tag as encoders other than LAME write it: frames and bytes, but no delay.
    let mut xing = file("vbr.mp3");
    let lame = xing.windows(4).position(|word| word == b"LAME").unwrap();
    xing[lame..lame + 4].copy_from_slice(b"Xing");
    let wav = hear_as(demo().wav(), "wav", AnalysisType::Rhythm).beats_ms();
    assert_eq!(wav.len(), 46);
    // Name, bytes, and how many sample frames come before the audio: 576 and 529 in MP3, 2112 in iTunes's AAC.
    let heard: Vec<(&str, Vec<f64>)> = [
        ("cbr.mp3", file("cbr.mp3"), 1105),
        ("vbr.mp3", file("vbr.mp3"), 1105),
        ("vbr.mp3 with a Xing tag alone", xing, 1105),
        ("cbr-untagged.mp3", file("cbr-untagged.mp3"), 1105),
        ("vbr-untagged.mp3", file("vbr-untagged.mp3"), 1105),
        ("demo.m4a", file("demo.m4a"), 1024),
        ("itunes.m4a", file("itunes.m4a"), 2112),
        ("demo.ogg", file("demo.ogg"), 0),
        ("demo.flac", file("demo.flac"), 0),
    ]
    .into_iter()
    .map(|(name, bytes, delay_frames)| {
        let heard = hear_as(bytes, name, AnalysisType::Rhythm);
        assert_eq!(heard.analysis.audio.delay_frames, delay_frames, "{name}");
        let beats = heard.beats_ms();
        let late = |i: usize| beats[i] - wav[i];
        let mean = (0..46).map(late).sum::<f64>() / 46.0;
        let worst = (0..46).map(late).fold(0.0, |worst: f64, late| worst.max(late.abs()));
        println!("{name}: {mean:+.2} ms beside the WAV, at most {worst:.2} ms");
        (name, beats)
    })
    .collect();
    for (i, (name, one)) in heard.iter().enumerate() {
        assert_close(one, &wav, SAME_TIME_MS, name);
        for (other_name, other) in &heard[i + 1..] {
            assert_close(one, other, SAME_TIME_MS, &format!("{name} and {other_name}"));
        }
    }
}

#[test]
fn every_click_is_a_beat_and_nothing_else_is() {
    for bpm in [60.0, 75.0, 90.0, 100.0, 120.0, 140.0, 160.0, 180.0, 200.0] {
        let piece = testmusic::clicks(bpm, 0.4137, 24.0, 44_100);
        let heard = hear(piece.wav(), "wav");
        let beats = heard.beats_ms();
        // One for one with the clicks: every click found, no beat between two of them, none before or after.
        assert_eq!(beats.len(), piece.truth.beats.len(), "{bpm} BPM: {beats:?}");
        let errors: Vec<f64> =
            beats.iter().zip(&piece.truth.beats).map(|(beat, truth)| (beat - 1000.0 * truth).abs()).collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let worst = errors.iter().copied().fold(0.0, f64::max);
        println!("{bpm} BPM: {} clicks, mean error {mean:.2} ms, worst {worst:.2} ms", errors.len());
        assert!(mean < 2.0, "{bpm} BPM: mean error {mean} ms");
        assert!(worst < 5.0, "{bpm} BPM: worst error {worst} ms");
        assert!((heard.tempo() / bpm - 1.0).abs() < 0.005, "{bpm} BPM: {}", heard.tempo());
    }
}

/// Everything that an analysis gives, as bytes.
fn bytes(heard: &Heard) -> (String, Vec<Chunk>) {
    (serde_json::to_string(&heard.analysis).unwrap(), heard.chunks.clone())
}

#[test]
fn every_run_gives_the_same_bytes_however_many_run_at_once() {
    let file = demo().wav();
    let alone = bytes(&hear(file.clone(), "wav"));
    for threads in [1, 2, 5] {
        std::thread::scope(|scope| {
            let runs: Vec<_> =
                (0..threads).map(|_| scope.spawn(|| bytes(&hear(file.clone(), "wav")))).collect();
            for run in runs {
                assert!(run.join().unwrap() == alone, "{threads} threads");
            }
        });
    }
}

#[test]
fn blocks_of_every_size_give_the_bytes_of_the_file() {
    let piece = demo();
    let samples = piece.interleaved();
    let file = wav_bytes(&samples, piece.sample_rate_hz, 2, WavFormat::Float32);
    let whole = hear(file, "wav");
    assert_eq!(whole.analysis.audio.container.as_deref(), Some("wav"));
    for block_frames in [1, 997, 8_192, 100_000, usize::MAX / 2] {
        let mut chunks = Chunks::default();
        let mut analyzer = Analyzer::new(Config::default(), piece.sample_rate_hz, 2).unwrap();
        for block in samples.chunks(2 * block_frames) {
            analyzer.push(block, &mut chunks).unwrap();
        }
        let analysis = analyzer.finish(&mut chunks).unwrap();
        assert!(chunks.0 == whole.chunks, "chunks from blocks of {block_frames}");
        assert!(analysis.events == whole.analysis.events, "events from blocks of {block_frames}");
        assert_eq!(analysis.summary, whole.analysis.summary, "blocks of {block_frames}");
        assert_eq!(analysis.manifest.levels, whole.analysis.manifest.levels, "blocks of {block_frames}");
    }
}

/// What a type computes: of the summary and of the events.
struct Computes {
    rhythm: bool,
    tonal: bool,
    structure: bool,
    loudness: bool,
    fields: &'static [&'static str],
}

fn computes(kind: AnalysisType) -> Computes {
    use analysis_core::frame::{BANDS, CENTROID, CHROMA, LOUDNESS, ONSET, PEAK};
    let (all, none) = (true, false);
    match kind {
        AnalysisType::Full => Computes {
            rhythm: all,
            tonal: all,
            structure: all,
            loudness: all,
            fields: &[BANDS, LOUDNESS, PEAK, ONSET, CENTROID, CHROMA],
        },
        AnalysisType::Spectral => Computes {
            rhythm: none,
            tonal: none,
            structure: none,
            loudness: none,
            fields: &[BANDS, LOUDNESS, PEAK, ONSET, CENTROID],
        },
        AnalysisType::Rhythm => Computes {
            rhythm: all,
            tonal: none,
            structure: none,
            loudness: none,
            fields: &[BANDS, PEAK, ONSET],
        },
        AnalysisType::Tonal => {
            Computes { rhythm: none, tonal: all, structure: none, loudness: none, fields: &[BANDS, CHROMA] }
        }
        AnalysisType::Structure => Computes {
            rhythm: all,
            tonal: all,
            structure: all,
            loudness: none,
            fields: &[BANDS, ONSET, CHROMA],
        },
        kind => unreachable!("{kind:?} is new: say what it computes"),
    }
}

#[test]
fn each_type_of_analysis_says_what_it_computes_and_is_silent_about_the_rest() {
    use AnalysisType::{Full, Rhythm, Spectral, Structure, Tonal};
    // Sections of eight bars: those of the demonstration's piece are too short to be told apart.
    let file = Score { bars_per_section: 8, ..Score::demo() }.render().wav();
    for kind in [Full, Spectral, Rhythm, Tonal, Structure] {
        let heard = hear_as(file.clone(), "wav", kind);
        let (analysis, wanted) = (&heard.analysis, computes(kind));
        let summary = &analysis.summary;
        let layout = &analysis.manifest.frame_layout;
        let fields: Vec<&str> = layout.fields().iter().map(|field| field.name.as_str()).collect();
        assert_eq!(fields, wanted.fields, "{kind:?}");
        assert_eq!(analysis.manifest.analysis_type, kind);
        let frames = u64::from(analysis.manifest.frame_count);
        assert!(frames == analysis.audio.duration_ms.div_ceil(10), "{kind:?}: {frames} frames");

        let rhythm = [
            summary.tempo_bpm.is_some(),
            summary.tempo_confidence.is_some(),
            !summary.tempo_candidates.is_empty(),
            !summary.tempo_curve.is_empty(),
            summary.time_signature.is_some(),
            summary.beat_count.is_some(),
            summary.bar_count.is_some(),
            summary.onset_count.is_some(),
        ];
        assert_eq!(rhythm, [wanted.rhythm; 8], "{kind:?}: {summary:?}");
        assert_eq!(
            (summary.key.is_some(), summary.tuning_hz.is_some()),
            (wanted.tonal, wanted.tonal),
            "{kind:?}"
        );
        assert_eq!(summary.section_count.is_some(), wanted.structure, "{kind:?}");
        assert_eq!(summary.loudness.is_some(), wanted.loudness, "{kind:?}");

        for (event_type, expected) in [
            (EventType::Beat, wanted.rhythm),
            (EventType::Downbeat, wanted.rhythm),
            (EventType::Tatum, wanted.rhythm),
            (EventType::Onset, wanted.rhythm),
            (EventType::Key, wanted.tonal),
            (EventType::Section, wanted.structure),
        ] {
            assert_eq!(!heard.times_ms(event_type).is_empty(), expected, "{kind:?} {event_type:?}");
        }
    }
}

#[test]
fn counts_and_order_of_events_agree_with_the_summary() {
    let heard = hear(demo().wav(), "wav");
    let (summary, events) = (&heard.analysis.summary, heard.analysis.events.iter().collect::<Vec<Event>>());
    let count = |kind| u32::try_from(heard.times_ms(kind).len()).ok();
    assert_eq!(summary.beat_count, count(EventType::Beat));
    assert_eq!(summary.bar_count, count(EventType::Downbeat));
    assert_eq!(summary.onset_count, count(EventType::Onset));
    assert_eq!(summary.section_count, count(EventType::Section));
    assert!(events.is_sorted_by_key(|event| event.time_ms));
    let end = heard.analysis.audio.duration_ms;
    for event in &events {
        assert!(u64::from(event.time_ms) + u64::from(event.duration_ms.unwrap_or(0)) <= end, "{event:?}");
        assert!(event.confidence.is_none_or(|c| (0.0..=1.0).contains(&c)), "{event:?}");
    }
}

#[test]
fn silence_and_noise_have_neither_tempo_nor_key() {
    for (name, piece) in
        [("silence", testmusic::silence(20.0, 44_100)), ("noise", testmusic::noise(20.0, 44_100, 0.3, 4))]
    {
        let heard = hear(piece.wav(), "wav");
        let summary = &heard.analysis.summary;
        assert_eq!((summary.tempo_bpm, summary.tempo_confidence), (None, None), "{name}");
        assert!(summary.tempo_candidates.is_empty() && summary.tempo_curve.is_empty(), "{name}");
        assert_eq!((&summary.key, &summary.time_signature), (&None, &None), "{name}");
        assert_eq!((summary.beat_count, summary.bar_count), (Some(0), Some(0)), "{name}");
        for kind in [EventType::Beat, EventType::Downbeat, EventType::Tatum, EventType::Key] {
            assert!(heard.times_ms(kind).is_empty(), "{name}: {kind:?}");
        }
        assert_eq!(heard.analysis.manifest.frame_count, 2_000, "{name}");
    }
    let silence = hear(testmusic::silence(20.0, 44_100).wav(), "wav").analysis.summary;
    let loudness = silence.loudness.unwrap();
    assert_eq!((loudness.integrated_lufs, loudness.true_peak_dbtp, silence.tuning_hz), (None, None, None));
}
