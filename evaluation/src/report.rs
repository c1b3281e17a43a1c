//! What is printed and what `docs/ACCURACY.md` holds.

use crate::grid::Grid;
use evaluation::calibration::{BINS, Reliability};
use evaluation::scoring::Measure;
use evaluation::table::{Listener, Row};
use std::fmt::Write;

const INTRO: &str = include_str!("report/intro.md");

/// Tracks named as worst.
const WORST: usize = 12;

/// A collection's title and what each engine said about it.
pub(crate) type Results<'a> = [(&'a str, Vec<Listener>)];

/// For a terminal.
pub(crate) fn text(results: &Results<'_>) -> String {
    let mut out = String::new();
    for (title, listeners) in results {
        let _ = writeln!(out, "{title}\n\n{}", scores(listeners).text());
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
        let _ = write!(out, "\n## {title}\n\n{}", scores(listeners).markdown());
        for (title, grid) in details(listeners) {
            let _ = write!(out, "\n### {title}\n\n{}", grid.markdown());
        }
    }
    out
}

/// The main table: engines beside one another in each group.
fn scores(listeners: &[Listener]) -> Grid {
    let heads = Measure::ALL.map(Measure::head);
    let (beat_f, others) = (heads[0], &heads[1..]);
    let mut grid =
        Grid::new(&[&["group", "engine", "n", "failed", beat_f, "95 %"], others, &["× real time"]].concat());
    let rows: Vec<Row> = listeners.iter().flat_map(Listener::rows).collect();
    let mut groups: Vec<&str> = Vec::new();
    for row in &rows {
        if !groups.contains(&row.group.as_str()) {
            groups.push(&row.group);
        }
    }
    for group in groups {
        rows.iter().filter(|row| row.group == group).for_each(|row| grid.push(cells(row)));
    }
    grid.without_empty_columns()
}

fn cells(row: &Row) -> Vec<String> {
    let interval = row.beat_f.map(|interval| format!("{:.3}–{:.3}", interval.low, interval.high));
    let mut cells = vec![
        row.group.clone(),
        row.engine.clone(),
        row.tracks.to_string(),
        row.failed.to_string(),
        share(row.means[0]),
        interval.unwrap_or_else(|| "–".into()),
    ];
    cells.extend(row.means[1..].iter().map(|mean| share(*mean)));
    cells.push(row.times_real_time.map_or("–".into(), |times| format!("{times:.1}")));
    cells
}

fn share(value: Option<f64>) -> String {
    value.map_or("–".into(), |value| format!("{value:.3}"))
}

/// Gains between engines, confidences, worst tracks.
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
    let worst =
        listeners.iter().map(|listener| (format!("Worst tracks, {}", listener.name), worst(listener)));
    tables.extend(worst);
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

fn worst(listener: &Listener) -> Grid {
    let mut grid = Grid::new(&["track", "beat F", "CMLt", "AMLt", "tempo, true", "tempo, said"]);
    for (track, said, scores) in listener.worst(WORST) {
        let bpm = |bpm: Option<f64>| bpm.map_or("–".into(), |bpm| format!("{bpm:.1}"));
        let mut row = vec![track.id.clone()];
        row.extend([Measure::BeatF, Measure::CmlT, Measure::AmlT].map(|measure| share(scores.get(measure))));
        row.extend([bpm(track.truth.tempo_bpm), bpm(said.tempo_bpm)]);
        grid.push(row);
    }
    grid
}
