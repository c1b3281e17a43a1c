//! The lines that bars are, as text: never wider than the terminal, whatever files are called.

use super::fit;
use super::tally::Standing;
use super::text::clock;
use std::time::Duration;

/// Columns of a bar itself, where there is room.
const BAR: usize = 24;
/// Least columns for the name of a file beside everything else.
const LEAST_NAME: usize = 16;

/// What a file's bar shows.
#[derive(Debug, Clone)]
pub(crate) struct FileLine {
    /// Name without its folders.
    pub(crate) name: String,
    /// What is being done.
    pub(crate) part: &'static str,
    /// Audio heard, in ms.
    pub(crate) done_ms: u64,
    /// Length, in ms, where it is known.
    pub(crate) total_ms: Option<u64>,
}

impl FileLine {
    /// The line, at most `columns` wide: what does not fit goes, the name last.
    pub(crate) fn draw(&self, columns: usize, elapsed: Duration) -> String {
        let percent = self.total_ms.map(|total| self.done_ms.min(total) * 100 / total.max(1));
        let share = percent.map_or_else(|| clock(self.done_ms), |percent| format!("{percent} %"));
        let share = fit::right(&share, 5);
        let bar = percent.map_or_else(|| " ".repeat(BAR), |percent| bar(percent as f64 / 100.0));
        let pace = fit::right(&pace(self.done_ms, elapsed), 5);
        let part = fit::left(self.part, 9);
        let parts = [
            format!("  {part}  {bar} {share}  {pace}"),
            format!("  {part} {share}  {pace}"),
            format!(" {share}"),
            String::new(),
        ];
        let fits = |rest: &&String| fit::width(rest) + LEAST_NAME <= columns;
        let rest = parts.iter().find(fits).map_or("", String::as_str);
        let room = columns.saturating_sub(fit::width(rest));
        fit::left(&fit::cut_end(&self.name, room), room) + rest
    }
}

/// The line of the whole, at most `columns` wide.
pub(crate) fn whole(standing: &Standing, columns: usize, elapsed: Duration) -> String {
    let percent = format!("{:>3.0} %", (100.0 * standing.fraction()).floor());
    let files = format!("{} of {} files", standing.ended, standing.files);
    let left = standing.left(elapsed).map(|left| format!("{} left", clock_up(left)));
    let left = left.unwrap_or_default();
    let pace = pace(standing.heard_ms, elapsed);
    let texts = [
        format!("{percent}  {files}  {pace}  {left}"),
        format!("{percent}  {files}  {left}"),
        format!("{percent}  {left}"),
        percent.clone(),
    ];
    let fits = |text: &&String| fit::width(text) <= columns;
    let text = texts.iter().find(fits).map_or_else(String::new, |text| text.trim_end().to_owned());
    if fit::width(&text) + BAR < columns { format!("{} {text}", bar(standing.fraction())) } else { text }
}

/// How many times as fast as it plays.
pub(crate) fn pace(heard_ms: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if heard_ms == 0 || seconds <= 0.0 {
        return String::new();
    }
    let times = heard_ms as f64 / 1000.0 / seconds;
    if times < 10.0 { format!("{times:.1}×") } else { format!("{times:.0}×") }
}

/// Whole seconds, begun ones included: what is left is never 0:00.
fn clock_up(left: Duration) -> String {
    let begun = left.saturating_add(Duration::from_nanos(999_999_999)).as_secs().max(1);
    clock(begun.saturating_mul(1000))
}

/// A bar that is full so far, in eighths of a column.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a bar is small and not negative"
)]
fn bar(fraction: f64) -> String {
    const EIGHTHS: [char; 8] = ['░', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (fraction.clamp(0.0, 1.0) * (BAR * 8) as f64) as usize;
    let cell = |column: usize| match eighths.saturating_sub(column * 8) {
        0 => EIGHTHS[0],
        part @ 1..8 => EIGHTHS[part],
        _ => '█',
    };
    (0..BAR).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, total_ms: Option<u64>) -> FileLine {
        FileLine { name: name.into(), part: "listening", done_ms: 30_000, total_ms }
    }

    #[test]
    fn a_line_is_never_wider_than_the_terminal() {
        let standing = Standing { heard_ms: 30_000, left_ms: 60_000.0, ended: 12, files: 3_456 };
        for name in ["a.wav", "夜想曲第二番・変ホ長調・作品九の二(遅く歌うように).flac", &"x".repeat(300)]
        {
            for total in [None, Some(120_000)] {
                for columns in 0..200 {
                    let drawn = line(name, total).draw(columns, Duration::from_secs(1));
                    assert!(fit::width(&drawn) <= columns, "{columns}: {drawn:?}");
                    let drawn = whole(&standing, columns, Duration::from_secs(1));
                    assert!(fit::width(&drawn) <= columns, "{columns}: {drawn:?}");
                }
            }
        }
    }

    #[test]
    fn a_line_says_name_part_share_and_pace() {
        let drawn = line("a.wav", Some(120_000)).draw(79, Duration::from_millis(500));
        assert!(drawn.starts_with("a.wav  ") && drawn.ends_with("░  25 %    60×"), "{drawn:?}");
        assert!(drawn.contains("  listening  ██████░"), "{drawn:?}");
        let drawn = line("a.wav", None).draw(79, Duration::from_millis(500));
        assert!(drawn.ends_with("  0:30    60×"), "{drawn:?}");
        assert_eq!(line("a.wav", Some(120_000)).draw(24, Duration::ZERO), "a.wav               25 %");
    }

    #[test]
    fn the_whole_says_how_long_it_will_take() {
        let standing = Standing { heard_ms: 30_000, left_ms: 60_000.0, ended: 1, files: 3 };
        let drawn = whole(&standing, 79, Duration::from_millis(1_200));
        assert!(drawn.ends_with("  33 %  1 of 3 files  25×  0:03 left"), "{drawn:?}");
        assert!(drawn.starts_with("████████░"), "{drawn:?}");
    }
}
