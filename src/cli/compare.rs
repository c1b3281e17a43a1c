//! What the command line accepts of `arsis compare`.

use super::picture::LookArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// The reference: audio, which is analysed; a folder of -o or its analysis.json; JAMS; a label track of Audacity; a
    /// table of --format csv; or beats, a time in seconds a line and perhaps the place in the bar
    #[arg(value_name = "A")]
    pub(crate) reference: PathBuf,
    /// What is measured by it: any of the same
    #[arg(value_name = "B")]
    pub(crate) estimate: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t = CompareFormat::Text)]
    pub(crate) format: CompareFormat,
    /// Exit with 1 where the F-measure of the beats is below this, or there is none
    #[arg(long, value_name = "F", value_parser = parse_share)]
    pub(crate) min_f: Option<f64>,
    /// Draw both over one axis of time: beats matched, missed and extra, sections, chords, and the bands of audio
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    pub(crate) picture: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// `--format` of `arsis compare`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// For people
    Text,
    /// One JSON document
    Json,
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "must be a number from 0 to 1".into())
}
