//! Songs, heard by the engine and exported: what each reader reads is what was heard.

use crate::support::reread;
use analysis_core::events::EventType;
use analysis_core::{Analysis, Config, Observer, analyze};
use export::Track;
use export::grid::TOLERANCE_MS;
use serde_json::Value;
use std::io::Cursor;
use testmusic::styles::{Genre, Song, TempoPlan};

/// A song of this genre with a tempo that moves so.
fn heard(genre: Genre, seed: u64, tempo: TempoPlan) -> Analysis {
    let mut song = Song::random(genre, seed);
    song.tempo = tempo;
    song.sections.truncate(3);
    analyze(Cursor::new(song.render().wav()), Some("wav"), &Config::default(), &mut ()).unwrap()
}

fn export(analysis: &Analysis, form: &str) -> Value {
    reread(&Track::new("song.wav", &analysis.audio, &analysis.summary, &analysis.events), form)
}

/// Times in ms of the events of a kind.
fn times(analysis: &Analysis, kind: EventType) -> Vec<u32> {
    analysis.events.iter().filter(|event| event.event_type == kind).map(|event| event.time_ms).collect()
}

/// Every beat has a line of Rekordbox's grid by it, that counts as it does; gives the number of stretches.
#[track_caller]
fn assert_grid(analysis: &Analysis) -> usize {
    let library = export(analysis, "rekordbox");
    let number = |value: &Value| value.as_f64().unwrap();
    let lines: Vec<(f64, f64)> = library[0]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (number(&line[0]), number(&line[1])))
        .collect();
    for beat in analysis.events.beats() {
        let time_ms = (beat.time_s * 1000.0).round();
        let fits = |line: &&(f64, f64)| {
            (1000.0 * line.0 - time_ms).abs() <= TOLERANCE_MS && line.1 == f64::from(beat.position)
        };
        assert!(lines.iter().any(|line| fits(&line)), "no line at {beat:?}: {}", library[0]["tempo"]);
    }
    library[0]["tempo"].as_array().unwrap().len()
}

#[test]
fn a_steady_song_is_one_stretch_of_the_grid_and_a_moving_one_is_several() {
    let steady = heard(Genre::House, 2, TempoPlan::Constant);
    assert!(steady.events.beats().len() > 60);
    assert!(assert_grid(&steady) <= 2);
    for (genre, tempo) in [
        (Genre::Rock, TempoPlan::Drift { depth: 0.04 }),
        (Genre::House, TempoPlan::Ramp { to: 1.2 }),
        (Genre::Techno, TempoPlan::Step { to: 1.15, after: 0.5 }),
    ] {
        let moving = heard(genre, 3, tempo);
        let (beats, stretches) = (moving.events.beats().len(), assert_grid(&moving));
        assert!(beats > 40, "{tempo:?}");
        assert!((2..beats / 2).contains(&stretches), "{tempo:?}: {stretches} stretches for {beats} beats");
    }
}

#[test]
fn a_song_reads_alike_in_every_form() {
    let analysis = heard(Genre::Ballad, 5, TempoPlan::Constant);
    let beats = times(&analysis, EventType::Beat);
    assert!(beats.len() > 20);
    let seconds = |ms: &u32| f64::from(*ms) / 1000.0;
    let expected: Vec<f64> = beats.iter().map(seconds).collect();

    let jam = export(&analysis, "jams");
    let first = |rows: &Value| -> Vec<f64> {
        rows.as_array().unwrap().iter().map(|row| row[0].as_f64().unwrap()).collect()
    };
    assert_eq!(first(&jam["annotations"]["beat"]), expected);
    let onsets: Vec<f64> = times(&analysis, EventType::Onset).iter().map(seconds).collect();
    assert_eq!(first(&jam["annotations"]["onset"]), onsets);
    assert_eq!(jam["duration"].as_f64().unwrap() * 1000.0, analysis.audio.duration_ms as f64);

    let rows = export(&analysis, "csv");
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), analysis.events.len());
    let of_beats = rows.iter().filter(|row| row["event_type"] == "beat");
    let got: Vec<f64> = of_beats.map(|row| row["time_s"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(got, expected);

    let labels = export(&analysis, "audacity");
    let labels = labels.as_array().unwrap();
    let points: Vec<f64> =
        labels.iter().filter(|label| label[0] == label[1]).map(|label| label[0].as_f64().unwrap()).collect();
    assert_eq!(points, expected);
    let sections = times(&analysis, EventType::Section).len();
    let named =
        |name: &str| labels.iter().filter(|label| label[2].as_str().unwrap().starts_with(name)).count();
    assert_eq!(named("section "), sections);
    assert_eq!(named("key "), times(&analysis, EventType::Key).len());
}

/// Keeps the audio that the engine hands out.
#[derive(Default)]
struct Planes(Vec<Vec<f32>>);

impl Observer for Planes {
    fn on_audio(&mut self, planes: &[Vec<f32>]) -> analysis_core::Result<()> {
        self.0.resize(planes.len(), Vec::new());
        self.0.iter_mut().zip(planes).for_each(|(all, block)| all.extend(block));
        Ok(())
    }
}

#[test]
fn the_engine_hands_out_the_audio_from_its_first_sample_to_its_last() {
    let piece = testmusic::Score { form: "A".into(), bars_per_section: 2, ..Default::default() }.render();
    let mut planes = Planes::default();
    analyze(Cursor::new(piece.wav()), Some("wav"), &Config::default(), &mut planes).unwrap();
    for (got, played) in planes.0.iter().zip([&piece.left, &piece.right]) {
        assert_eq!(got.len(), played.len());
        // A 16-bit file rounds.
        let furthest = got.iter().zip(played).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(furthest <= 1.0 / 32_768.0, "{furthest}");
    }
    assert_eq!(planes.0.len(), 2);
}
