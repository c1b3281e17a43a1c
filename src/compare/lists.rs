//! Lists, a thing a line: label tracks, tables of `--format csv`, and beats alone.

use super::names::{key_name, lead_sheet};
use super::side::{Kind, Side};
use anyhow::{Context, Result, anyhow, ensure};
use export::labels::{Label, Limits, audacity};
use scores::chords::Chord;

/// Most labels of a track, and faults that are told.
const LIMITS: Limits = Limits { labels: 1 << 20, faults: 3 };
/// Regions called by a letter that last this long on average are sections rather than chords, in seconds.
const SECTION_S: f64 = 8.0;
/// No bar has more beats: larger numbers count beats from the start.
const MOST_IN_A_BAR: u32 = 16;

/// Reads whichever it is.
///
/// # Errors
/// Names the line that is in no form.
pub(crate) fn read(bytes: &[u8]) -> Result<Side> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(b"file,time_s,") {
        return table(bytes);
    }
    let text = std::str::from_utf8(bytes).context("it is neither audio nor text in UTF-8")?;
    match beats(text) {
        Some(side) => Ok(side),
        None => labels(text),
    }
}

/// Times, each perhaps with the beat's place in its bar (`2`, or `17.2` for the second of bar 17); `None` if a line is
/// anything else.
fn beats(text: &str) -> Option<Side> {
    let mut beats = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut fields = line.split([',', ';', '\t', ' ']).map(str::trim).filter(|field| !field.is_empty());
        let time_s: f64 = fields.next()?.parse().ok().filter(|time: &f64| time.is_finite())?;
        let position = fields.next().map(position);
        if fields.next().is_some() || position == Some(None) {
            return None;
        }
        beats.push((time_s, position.flatten()));
    }
    let mut side = Side { kind: Some(Kind::Beats), ..Side::default() };
    add_beats(&mut side, beats);
    Some(side)
}

/// The place in its bar that a beat's label tells.
fn position(label: &str) -> Option<u32> {
    match label.split_once('.') {
        None => label.parse().ok(),
        // A whole number, written with a point.
        Some((whole, part)) if part.bytes().all(|byte| byte == b'0') => whole.parse().ok(),
        Some((bar, position)) => bar.parse::<u32>().ok().and(position.parse().ok()),
    }
}

/// Adds beats with their places, if places are what the numbers are.
pub(super) fn add_beats(side: &mut Side, beats: Vec<(f64, Option<u32>)>) {
    let are_places =
        beats.iter().all(|(_, position)| position.is_none_or(|at| (1..=MOST_IN_A_BAR).contains(&at)));
    beats.into_iter().for_each(|(time_s, position)| side.add_beat(time_s, position.filter(|_| are_places)));
}

/// A label track: points are beats, regions keys (`key A minor`), chords or sections. Columns may be apart by spaces, as
/// in `.lab` files.
fn labels(text: &str) -> Result<Side> {
    let tabbed: String = text.lines().map(|line| tabbed(line) + "\n").collect();
    let found = audacity::read(tabbed.as_bytes(), LIMITS).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let what = "it is no analysis, no JAMS, no list of beats, and as a label track";
        anyhow!("{what} {}", faults.join("; "))
    })?;
    let mut side = Side { kind: Some(Kind::Labels), ..Side::default() };
    let (regions, points): (Vec<Label>, Vec<Label>) =
        found.into_iter().map(|found| found.label).partition(|label| label.end_ms.is_some());
    add_beats(
        &mut side,
        points.iter().map(|point| (seconds(point.start_ms), position(&point.text))).collect(),
    );
    let are_sections = letters_are_sections(&regions);
    regions.into_iter().for_each(|region| add_region(&mut side, &region, are_sections));
    Ok(side)
}

fn tabbed(line: &str) -> String {
    if line.contains('\t') {
        return line.to_owned();
    }
    let (start, rest) = column(line.trim());
    let (end, label) = column(rest);
    [start, end, label].join("\t").trim_end().to_owned()
}

/// The first column, and what follows it, however many spaces are between them.
fn column(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).map_or((text, ""), |(column, rest)| (column, rest.trim_start()))
}

fn seconds(ms: u32) -> f64 {
    f64::from(ms) / 1000.0
}

/// Whether all regions are called by one letter, as sections and major chords are, and last as long as sections do.
fn letters_are_sections(regions: &[Label]) -> bool {
    let length_s = |region: &Label| seconds(region.end_ms.unwrap_or(region.start_ms) - region.start_ms);
    let all_s: f64 = regions.iter().map(length_s).sum();
    regions.iter().all(|region| region.text.trim_end_matches('\'').len() == 1)
        && all_s > SECTION_S * regions.len() as f64
}

fn add_region(side: &mut Side, region: &Label, letters_are_sections: bool) {
    let (start_s, end_s) = (seconds(region.start_ms), seconds(region.end_ms.unwrap_or(region.start_ms)));
    let text = region.text.trim();
    let chord = lead_sheet(text);
    if let Some(key) = text.strip_prefix("key ") {
        side.key = side.key.take().or_else(|| key_name(key));
    } else if let Some(section) = text.strip_prefix("section ") {
        side.add_section(start_s, end_s, section.to_owned());
    } else if Chord::parse(&chord) != Chord::Other && !letters_are_sections || text.contains(':') {
        side.add_chord(start_s, end_s, chord);
    } else {
        side.add_section(start_s, end_s, text.to_owned());
    }
}

/// A table of ours, of one file.
fn table(bytes: &[u8]) -> Result<Side> {
    let rows = export::csv::read(bytes).map_err(|error| anyhow!("{error}"))?;
    let mut side = Side { kind: Some(Kind::Table), ..Side::default() };
    let file = rows.first().map(|row| row.file.clone());
    for (i, row) in rows.into_iter().enumerate() {
        ensure!(
            Some(&row.file) == file.as_ref(),
            "it is a table of several files ({} and {}); give one of one file",
            file.unwrap_or_default(),
            row.file
        );
        let end_s = row.time_s + row.duration_s.unwrap_or(0.0);
        ensure!(
            row.time_s.is_finite() && end_s.is_finite(),
            "row {} of the table has no time that counts",
            i + 1
        );
        match row.event_type.as_str() {
            "beat" => side.add_beat(row.time_s, row.position),
            "chord" => side.add_chord(row.time_s, end_s, row.label),
            "section" => side.add_section(row.time_s, end_s, row.label),
            "key" => side.key = side.key.take().or_else(|| key_name(&row.label)),
            _ => {}
        }
    }
    Ok(side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_come_with_or_without_their_places() {
        let read = |text| {
            let side = beats(text).unwrap();
            (side.beats.unwrap(), side.downbeats)
        };
        assert_eq!(read("0.5\n1.0\n"), (vec![0.5, 1.0], None));
        assert_eq!(read("# beats\n0.5 1\n1.0\t2.0\n1.5,1"), (vec![0.5, 1.0, 1.5], Some(vec![0.5, 1.5])));
        assert_eq!(read("0.5\t1.1\n1.0\t1.2\n1.5\t2.1\n"), (vec![0.5, 1.0, 1.5], Some(vec![0.5, 1.5])));
        // Numbers that count beats are no places.
        let counted: String = (1..40).map(|i| format!("{i}.5 {i}\n")).collect();
        assert_eq!(beats(&counted).unwrap().downbeats, None);
        assert!(beats("0.5 1 x").is_none() && beats("a").is_none() && beats("nan").is_none());
    }

    #[test]
    fn regions_are_keys_chords_or_sections() {
        let side =
            labels("0\t42\tkey A minor\n0\t2\tAm\n2\t4\tN\n0\t20\tsection A\n20\t42\tchorus\n1\t1\t1.1\n")
                .unwrap();
        assert_eq!(side.key.as_deref(), Some("A minor"));
        assert_eq!(
            (side.chords.unwrap().len(), side.sections.unwrap().len(), side.downbeats.unwrap().len()),
            (2, 2, 1)
        );
        let letters = labels("0 20 A\n20 45 B\n").unwrap();
        assert_eq!((letters.chords.is_none(), letters.sections.unwrap().len()), (true, 2));
        assert_eq!(labels("0 2 A\n2 4 B:min\n").unwrap().chords.unwrap().len(), 2);
    }

    #[test]
    fn columns_may_be_any_number_of_spaces_apart() {
        let side = labels("0.0   2.0  Am\n  2.0 4.0   F\n1.5   1.5   1.1\n").unwrap();
        let chords: Vec<_> =
            side.chords.iter().flatten().map(|c| (c.start, c.end, c.name.as_str())).collect();
        assert_eq!(chords, [(0.0, 2.0, "Am"), (2.0, 4.0, "F")]);
        assert_eq!((side.beats, side.downbeats), (Some(vec![1.5]), Some(vec![1.5])));
    }

    #[test]
    fn what_is_in_no_form_is_named_by_its_line() {
        let error = read(b"0.5\t1.0\tAm\nhello\n").err().unwrap().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
