//! What is printed and what `docs/ACCURACY.md` holds.

use crate::grid::Grid;
use evaluation::calibration::{BINS, Reliability};
use evaluation::scoring::Measure;
use evaluation::table::{Listener, Row};
use std::fmt::Write;

const INTRO: &str = include_str!("report/intro.md");
/// What a test of the engine measures, and prints: what a person's corrections mend.
const CORRECTIONS: &str = include_str!("report/corrections.md");

/// Tracks named as worst.
const WORST: usize = 12;

/// The same, of each measure beyond the rhythm.
const WORST_BEYOND: usize = 4;

/// A collection's title and what each engine said about it.
pub(crate) type Results<'a> = [(&'a str, Vec<Listener>)];

/// For a terminal.
pub(crate) fn text(results: &Results<'_>) -> String {
    let mut out = String::new();
    for (title, listeners) in results {
        let _ = writeln!(out, "{title}\n\n{}", rhythm(listeners).text());
        for (title, grid) in details(listeners) {
            let _ = writeln!(out, "{title}\n\n{}", grid.text());
        }
    }
    out
}

/// The document.
pub(crate) fn markdown(results: &Results<'_>) -> String {
    let mut out = format!("{INTRO}\nMeasured with {}.\n", analysis_core::ANALYZER_VERSION);
    for (title, listeners) in results {
        let _ = write!(out, "\n## {title}\n\n{}", rhythm(listeners).markdown());
        for (title, grid) in details(listeners) {
            let _ = write!(out, "\n### {title}\n\n{}", grid.markdown());
        }
    }
    out + CORRECTIONS
}

/// The main table: beats, bars and tempo, engines beside one another in each group.
fn rhythm(listeners: &[Listener]) -> Grid {
    let heads: Vec<&str> = Measure::RHYTHM.iter().map(|measure| measure.head()).collect();
    let first = &["group", "engine", "n", "failed", heads[0], "95 %"];
    let mut grid = Grid::new(&[first, &heads[1..], &["× real time"]].concat());
    side_by_side(listeners).iter().for_each(|row| grid.push(rhythm_cells(row)));
    grid.without_empty_columns()
}

/// Key, chords, sections and loudness of the engines that say something of them.
fn beyond(listeners: &[Listener]) -> Option<Grid> {
    let heads: Vec<&str> = Measure::BEYOND.iter().map(|measure| measure.head()).collect();
    let mut grid = Grid::new(&[&["group", "engine", "n"], &heads[..]].concat());
    let of =
        |row: &Row| Measure::BEYOND.iter().map(|measure| row.means[*measure as usize]).collect::<Vec<_>>();
    for row in side_by_side(listeners).iter().filter(|row| of(row).iter().any(Option::is_some)) {
        let mut cells = vec![row.group.clone(), row.engine.clone(), row.tracks.to_string()];
        cells.extend(of(row).into_iter().map(share));
        grid.push(cells);
    }
    (!grid.is_empty()).then(|| grid.without_empty_columns())
}

/// Rows of all engines, those of a group together.
fn side_by_side(listeners: &[Listener]) -> Vec<Row> {
    let mut rows: Vec<Row> = listeners.iter().flat_map(Listener::rows).collect();
    let mut groups: Vec<String> = Vec::new();
    for row in &rows {
        if !groups.contains(&row.group) {
            groups.push(row.group.clone());
        }
    }
    rows.sort_by_key(|row| groups.iter().position(|group| *group == row.group));
    rows
}

fn rhythm_cells(row: &Row) -> Vec<String> {
    let interval = row.beat_f.map(|interval| format!("{:.3}–{:.3}", interval.low, interval.high));
    let mut cells = vec![
        row.group.clone(),
        row.engine.clone(),
        row.tracks.to_string(),
        row.failed.to_string(),
        share(row.means[0]),
        interval.unwrap_or_else(|| "–".into()),
    ];
    cells.extend(Measure::RHYTHM[1..].iter().map(|measure| share(row.means[*measure as usize])));
    cells.push(row.times_real_time.map_or("–".into(), |times| format!("{times:.1}")));
    cells
}

fn share(value: Option<f64>) -> String {
    value.map_or("–".into(), |value| format!("{value:.3}"))
}

/// What the main table does not hold: gains between engines, confidences, what is heard beyond the rhythm, and the
/// worst tracks of each.
fn details(listeners: &[Listener]) -> Vec<(String, Grid)> {
    let mut tables = Vec::new();
    if let [first, others @ ..] = listeners {
        let gains = gains(first, others);
        tables.extend(gains.map(|grid| (format!("Beat F beside {}, track by track", first.name), grid)));
    }
    for listener in listeners {
        let reliability = listener.reliability();
        if let Some(error) = reliability.expected_error() {
            let title =
                format!("Confidence of beats, {}: expected calibration error {error:.3}", listener.name);
            tables.push((title, confidences(&reliability)));
        }
    }
    for listener in listeners {
        let worst = worst_by_beats(listener);
        tables.extend(worst.map(|grid| (format!("Worst tracks by beat F, {}", listener.name), grid)));
    }
    let beyond = beyond(listeners);
    tables.extend(beyond.map(|grid| ("Key, chords, sections, loudness".to_owned(), grid)));
    for listener in listeners {
        tables.extend(
            worst_beyond(listener)
                .map(|grid| (format!("Worst tracks beyond the beat, {}", listener.name), grid)),
        );
    }
    tables
}

/// How much better the others are than the first, over the tracks that both listened to.
fn gains(first: &Listener, others: &[Listener]) -> Option<Grid> {
    let mut grid = Grid::new(&["engine", "mean gain", "95 %"]);
    let gains = others.iter().filter_map(|other| Some((other, other.gain_over(first)?)));
    for (other, gain) in gains {
        let interval = format!("{:+.3} to {:+.3}", gain.low, gain.high);
        grid.push(vec![other.name.clone(), format!("{:+.3}", gain.mean), interval]);
    }
    (!grid.is_empty()).then_some(grid)
}

fn confidences(reliability: &Reliability) -> Grid {
    let mut grid = Grid::new(&["said", "beats", "mean said", "share right"]);
    for (index, bin) in reliability.bins.iter().enumerate().filter(|(_, bin)| bin.beats > 0) {
        let edge = |index: usize| index as f64 / BINS as f64;
        grid.push(vec![
            format!("{:.1}–{:.1}", edge(index), edge(index + 1)),
            bin.beats.to_string(),
            share(bin.mean_confidence()),
            share(bin.share_right()),
        ]);
    }
    grid
}

/// The worst tracks of each measure beyond the rhythm, where they fall short.
fn worst_beyond(listener: &Listener) -> Option<Grid> {
    let mut grid = Grid::new(&["measure", "track", "value", "key, true", "key, said"]);
    let measures = [Measure::Key, Measure::Chords, Measure::BoundaryThree, Measure::Loudness];
    let offered = |measure: &Measure| {
        listener.heard.iter().any(|(_, said)| said.as_ref().is_some_and(|said| measure.is_offered(said)))
    };
    for measure in measures.into_iter().filter(offered) {
        let perfect = if measure == Measure::Loudness { 0.0 } else { 1.0 };
        let worst = listener.worst(measure, WORST_BEYOND);
        for (track, said, scores) in
            worst.into_iter().filter(|(.., scores)| scores.get(measure) != Some(perfect))
        {
            let key = |key: &Option<String>| key.clone().unwrap_or_else(|| "–".into());
            let value = share(scores.get(measure));
            grid.push(vec![
                measure.head().into(),
                track.id.clone(),
                value,
                key(&track.truth.key),
                key(&said.key),
            ]);
        }
    }
    (!grid.is_empty()).then_some(grid)
}

fn worst_by_beats(listener: &Listener) -> Option<Grid> {
    let mut grid = Grid::new(&["track", "beat F", "CMLt", "AMLt", "tempo, true", "tempo, said"]);
    for (track, said, scores) in listener.worst(Measure::BeatF, WORST) {
        let bpm = |bpm: Option<f64>| bpm.map_or("–".into(), |bpm| format!("{bpm:.1}"));
        let mut row = vec![track.id.clone()];
        row.extend([Measure::BeatF, Measure::CmlT, Measure::AmlT].map(|measure| share(scores.get(measure))));
        row.extend([bpm(track.truth.tempo_bpm), bpm(said.tempo_bpm)]);
        grid.push(row);
    }
    (!grid.is_empty()).then_some(grid)
}
