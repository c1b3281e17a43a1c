//! What people read about several files: a table, a row a file.

use super::document::Document;
use super::fit;
use super::text::clock;
use crate::queue::table::harmless;
use crate::terminal;
use analysis_core::summary::AudioInfo;
use std::io::stdout;

/// Headings; all but the file's name may be missing.
const HEADINGS: [&str; 8] = ["FILE", "LENGTH", "DAMAGE", "BPM", "KEY", "LUFS", "METRE", "BEATS"];
/// Which of them is that of damage.
const DAMAGE: usize = 2;
/// Columns whose cells stand at the right: numbers.
const AT_THE_RIGHT: [bool; 8] = [false, true, false, true, false, true, false, true];
/// Least room for the names of files; other columns go before it becomes less.
const LEAST_NAME: usize = 20;
/// Between two columns.
const GAP: usize = 2;

/// What the table says of a file.
#[derive(Debug, Clone)]
pub(crate) enum Row {
    /// What was heard, and the length in ms.
    Heard {
        /// A cell for each of the headings.
        cells: [String; HEADINGS.len()],
        /// Length of the audio, in ms.
        duration_ms: u64,
    },
    /// Why it could not be analysed.
    Failed {
        /// Its name.
        file: String,
        /// What went wrong.
        reason: String,
    },
}

impl Row {
    /// Of what was heard.
    pub(crate) fn of(document: &Document) -> Self {
        let (audio, summary) = (&document.analysis.audio, &document.analysis.summary);
        let lufs = summary.loudness.as_ref().and_then(|loudness| loudness.integrated_lufs);
        let cells = [
            Some(harmless(&document.file).collect()),
            Some(clock(audio.duration_ms)),
            damage(audio),
            summary.tempo_bpm.map(|bpm| format!("{bpm:.1}")),
            summary.key.as_ref().map(|key| key.name.to_string()),
            lufs.map(|lufs| format!("{lufs:.1}")),
            summary.time_signature.as_ref().map(ToString::to_string),
            summary.beat_count.filter(|count| *count > 0).map(|count| count.to_string()),
        ];
        Self::Heard { cells: cells.map(Option::unwrap_or_default), duration_ms: audio.duration_ms }
    }

    fn name(&self) -> &str {
        match self {
            Self::Heard { cells, .. } => &cells[0],
            Self::Failed { file, .. } => file,
        }
    }
}

/// What is wrong with a file that was heard all the same.
fn damage(audio: &AudioInfo) -> Option<String> {
    let skipped = match audio.decode_errors {
        0 => None,
        1 => Some("1 packet skipped".to_owned()),
        packets => Some(format!("{packets} packets skipped")),
    };
    let said: Vec<String> =
        audio.truncated.then(|| "cut short".to_owned()).into_iter().chain(skipped).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// How the table is laid out: for a terminal of so many columns, or as wide as it comes out; in colours or not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    columns: Option<usize>,
    colours: bool,
}

impl Look {
    /// As standard output is.
    pub(crate) fn of_stdout() -> Self {
        let columns = terminal::size(&stdout()).map(|(columns, _)| columns);
        Self { columns, colours: terminal::colours(&stdout()) }
    }

    fn painted(self, code: u8, line: String) -> String {
        if self.colours { format!("\u{1b}[{code}m{line}\u{1b}[0m") } else { line }
    }
}

/// The table, and a line that sums it up.
pub(crate) fn table(rows: &[Row], look: Look) -> String {
    let (widths, shown) = layout(rows, look.columns);
    let mut out = look.painted(1, line(&HEADINGS.map(str::to_owned), &widths, &shown)) + "\n";
    for row in rows {
        let text = match row {
            Row::Heard { cells, .. } => line(cells, &widths, &shown),
            Row::Failed { file, reason } => look.painted(31, failed(file, reason, widths[0], look.columns)),
        };
        out += &text;
        out.push('\n');
    }
    out + "\n" + &sum(rows) + "\n"
}

/// One row alone, for those that are printed as they come.
pub(crate) fn single(row: &Row, look: Look) -> String {
    let Row::Heard { cells, .. } = row else { return String::new() };
    let units = ["", "", "", " BPM", "", " LUFS", "", " beats"];
    let said = cells.iter().zip(units).filter(|(cell, _)| !cell.is_empty());
    let line = said.map(|(cell, unit)| format!("{cell}{unit}")).collect::<Vec<_>>().join("  ");
    look.columns.map_or_else(|| line.clone(), |columns| fit::cut_end(&line, columns)) + "\n"
}

/// Widths of the columns, and which of them are shown: those that hold something, as many as fit.
fn layout(rows: &[Row], columns: Option<usize>) -> ([usize; HEADINGS.len()], Vec<usize>) {
    let cells = |column: usize| {
        rows.iter().filter_map(move |row| match row {
            Row::Heard { cells, .. } => Some(cells[column].as_str()),
            Row::Failed { .. } => None,
        })
    };
    let widest = |column| cells(column).map(fit::width).max().unwrap_or(0).max(HEADINGS[column].len());
    let mut widths: [usize; HEADINGS.len()] = std::array::from_fn(widest);
    widths[0] = rows.iter().map(|row| fit::width(row.name())).max().unwrap_or(0).max(HEADINGS[0].len());
    let holds = |column: &usize| cells(*column).any(|cell| !cell.is_empty());
    let mut shown: Vec<usize> = (1..HEADINGS.len()).filter(holds).collect();
    if let Some(columns) = columns {
        let beside = |shown: &[usize]| shown.iter().map(|column| widths[*column] + GAP).sum::<usize>();
        while !shown.is_empty() && beside(&shown) + LEAST_NAME.min(widths[0]) > columns {
            shown.pop();
        }
        let room = columns.saturating_sub(beside(&shown));
        widths[0] = widths[0].min(room);
    }
    (widths, shown)
}

fn line(cells: &[String; HEADINGS.len()], widths: &[usize; HEADINGS.len()], shown: &[usize]) -> String {
    let mut line = fit::left(&fit::cut_start(&cells[0], widths[0]), widths[0]);
    for &column in shown {
        let cell = if cells[column].is_empty() { "-" } else { &cells[column] };
        let fill = if AT_THE_RIGHT[column] { fit::right } else { fit::left };
        line += &" ".repeat(GAP);
        line += &fill(cell, widths[column]);
    }
    line.trim_end().to_owned()
}

fn failed(file: &str, reason: &str, name: usize, columns: Option<usize>) -> String {
    let name = fit::left(&fit::cut_start(file, name), name);
    let line = format!("{name}  failed: {}", reason.trim_start_matches("failed to "));
    fit::cut_end(&line, columns.unwrap_or(usize::MAX))
}

fn sum(rows: &[Row]) -> String {
    let lengths = rows.iter().filter_map(|row| match row {
        Row::Heard { duration_ms, .. } => Some(*duration_ms),
        Row::Failed { .. } => None,
    });
    let (heard, total_ms) = lengths.fold((0, 0), |(count, sum), ms| (count + 1, sum + ms));
    let files = if heard == 1 { "file" } else { "files" };
    let is_damaged = |row: &&Row| matches!(row, Row::Heard { cells, .. } if !cells[DAMAGE].is_empty());
    let some = |count: usize, what| if count == 0 { String::new() } else { format!("; {count} {what}") };
    let damaged = some(rows.iter().filter(is_damaged).count(), "damaged");
    let failed = some(rows.len() - heard, "failed");
    format!("{heard} {files}, {} of audio{damaged}{failed}", clock(total_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(cells: [&str; HEADINGS.len()]) -> Row {
        Row::Heard { cells: cells.map(str::to_owned), duration_ms: 61_000 }
    }

    fn rows() -> Vec<Row> {
        vec![
            heard(["music/夜想曲.flac", "1:01", "", "62.0", "E flat major", "-23.1", "3/4", "63"]),
            Row::Failed { file: "bad.wav".into(), reason: "not a recognised audio file".into() },
            heard(["a.wav", "1:01", "", "", "", "", "", ""]),
        ]
    }

    #[test]
    fn columns_line_up_by_what_is_drawn() {
        let look = Look { columns: None, colours: false };
        assert_eq!(
            table(&rows(), look),
            "FILE               LENGTH   BPM  KEY            LUFS  METRE  BEATS\n\
             music/夜想曲.flac    1:01  62.0  E flat major  -23.1  3/4       63\n\
             bad.wav            failed: not a recognised audio file\n\
             a.wav                1:01     -  -                 -  -          -\n\
             \n\
             2 files, 2:02 of audio; 1 failed\n"
        );
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_columns_and_no_line_beyond_its_edge() {
        for columns in 1..90 {
            let drawn = table(&rows(), Look { columns: Some(columns), colours: false });
            let lines: Vec<&str> = drawn.lines().collect();
            for line in &lines[..4] {
                assert!(fit::width(line) <= columns, "{columns}: {line:?}");
            }
        }
        let drawn = table(&rows(), Look { columns: Some(40), colours: false });
        assert_eq!(drawn.lines().next(), Some("FILE               LENGTH   BPM"));
    }

    #[test]
    fn what_nobody_asked_for_has_no_column() {
        let rows = [heard(["a.wav", "1:01", "", "", "A minor", "", "", ""])];
        let drawn = table(&rows, Look { columns: None, colours: true });
        assert_eq!(
            drawn,
            "\u{1b}[1mFILE   LENGTH  KEY\u{1b}[0m\na.wav    1:01  A minor\n\n1 file, 1:01 of audio\n"
        );
    }
}
