//! What the command line accepts. Every default a user can see is here.

pub(crate) mod compare;
pub(crate) mod pages;
pub(crate) mod picture;
pub(crate) mod queue;
pub(crate) mod watch;

use crate::queue::table::harmless;
use crate::terminal;
use analysis_core::{AnalysisType, SampleType};
use clap::builder::RangedU64ValueParser;
use clap::error::ErrorKind;
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, value_parser};
use std::path::PathBuf;

/// Longest audio that the engine takes: 4 days.
const MOST_MINUTES: u64 = 4 * 24 * 60;

/// What the command line says is wrong in a way that only a look at the files tells: exit status 2, as for clap's own.
pub(crate) fn wrong_usage(message: String) -> anyhow::Error {
    let mut whole = command();
    whole.build();
    // The usage that is shown with it is that of the command that was used.
    let used = std::env::args_os().skip(1).find_map(|argument| whole.find_subcommand(argument)).cloned();
    // Names of files stand in it: nothing of them is obeyed by a terminal.
    let message: String = harmless(&message).collect();
    used.unwrap_or(whole).error(ErrorKind::ValueValidation, message).into()
}

/// The command line as it is described, in the colours that it asks for.
pub(crate) fn command() -> clap::Command {
    Cli::command().color(terminal::choice())
}

/// Reads the command line. Ends the process with help, version, or what is wrong (exit status 2).
pub(crate) fn parse() -> Cli {
    let matches = command().get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Listens to music and writes down what it hears: frames, beats, bars, tempo, key and loudness.
#[derive(Debug, Parser)]
#[command(name = "arsis", version, propagate_version = true)]
pub(crate) struct Cli {
    /// How the log on standard error is written [env: ARSIS_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Colours: on a terminal, always, or never; NO_COLOR and CLICOLOR_FORCE are heard where it is auto
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub(crate) color: ColorChoice,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Analyse files or folders and print what was heard
    Analyze(AnalyzeArgs),
    /// Analyse what appears in a folder, as it appears
    Watch(watch::WatchArgs),
    /// Compare two analyses, or an analysis and annotations: scores, and a picture
    Compare(compare::CompareArgs),
    /// API and worker in one process, with a private PostgreSQL and local storage unless configured
    Serve(ServeArgs),
    /// The worker alone: pulls analyses from the queue until it is told to stop
    Worker(WorkerArgs),
    /// The API alone
    Api(ApiArgs),
    /// Bring the database to the newest schema
    Migrate,
    /// Manage users
    User(UserArgs),
    /// See the queue of analyses, and steer it
    Queue(queue::QueueArgs),
    /// Print a script that completes the command line in your shell
    Completions(pages::CompletionsArgs),
    /// Print the manual page, or write one for each command
    Man(pages::ManArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArgs {
    /// Files or folders (with -r); '-' reads standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Walk into folders, taking every file whose extension is a known audio one, but hidden ones
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// What to print. audacity, jams and dat are one document a file: several files need -o. With -o these, csv and
    /// rekordbox go into each file's folder instead, as many as are named, by commas
    #[arg(long = "format", value_enum, value_delimiter = ',', default_value = "text")]
    pub(crate) formats: Vec<Format>,
    /// Write manifest, chunks, analysis, pictures and what --format asks for here, a folder per file; what -r finds keeps
    /// its place below the folder that was named
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Write the music with a click on each beat, a higher one on downbeats, as a 16-bit WAV file; into a folder
    /// that exists, NAME.click.wav for each input
    #[arg(long, value_name = "OUT.wav")]
    pub(crate) click: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) picture: picture::PictureArgs,
    /// Threads: files are analysed side by side, and fewer files than threads share them [default: cores]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<std::num::NonZeroUsize>,
    /// File extension or MIME type of standard input, when its content alone does not tell
    #[arg(long, value_name = "KIND")]
    pub(crate) hint: Option<String>,
    /// With --format text, everything about each of several files instead of one table
    #[arg(long)]
    pub(crate) details: bool,
    /// Say on standard error, for each file and in sum, how long each stage of the analysis took
    #[arg(short, long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// What the engine is asked for, whoever asks.
#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    /// What to compute
    #[arg(long = "type", value_enum, default_value_t = TypeArg::Full, value_name = "TYPE")]
    pub(crate) analysis_type: TypeArg,
    /// Milliseconds between frames (1 to 100)
    #[arg(long, default_value_t = 10, value_name = "MS", value_parser = value_parser!(u32).range(1..=100))]
    pub(crate) hop_ms: u32,
    /// Frequency bands in a frame (8 to 256)
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(8..=256))]
    pub(crate) bands: usize,
    /// How values of a frame are stored
    #[arg(long, value_enum, default_value_t = ValuesArg::U8, value_name = "TYPE")]
    pub(crate) values: ValuesArg,
    /// Refuse audio longer than this many minutes
    #[arg(long, default_value_t = 24 * 60, value_name = "MINUTES", value_parser = value_parser!(u64).range(1..=MOST_MINUTES))]
    pub(crate) max_minutes: u64,
}

/// `--type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TypeArg {
    /// Everything
    Full,
    /// Spectral frames, no events
    Spectral,
    /// Tempo, beats, bars, onsets
    Rhythm,
    /// Key, tuning, chroma
    Tonal,
    /// Sections, and the rhythm and chroma they rest on
    Structure,
}

impl From<TypeArg> for AnalysisType {
    fn from(arg: TypeArg) -> Self {
        match arg {
            TypeArg::Full => Self::Full,
            TypeArg::Spectral => Self::Spectral,
            TypeArg::Rhythm => Self::Rhythm,
            TypeArg::Tonal => Self::Tonal,
            TypeArg::Structure => Self::Structure,
        }
    }
}

/// `--values`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValuesArg {
    /// Bytes in steps of 0.5 dB
    U8,
    /// 16-bit integers in fine steps
    I16,
    /// Half precision
    F16,
    /// Single precision
    F32,
}

impl From<ValuesArg> for SampleType {
    fn from(arg: ValuesArg) -> Self {
        match arg {
            ValuesArg::U8 => Self::U8,
            ValuesArg::I16 => Self::I16,
            ValuesArg::F16 => Self::F16,
            ValuesArg::F32 => Self::F32,
        }
    }
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON document for a file, an array for several
    Json,
    /// One JSON document a line, as files finish
    Jsonl,
    /// Label track of Audacity: beats, sections, keys, chords
    Audacity,
    /// JAMS, as tools of music research read it
    Jams,
    /// A table for all files, a row an event
    Csv,
    /// A library for Rekordbox: tempo grid, key, a cue at each section
    Rekordbox,
    /// Peaks of the audio as audiowaveform stores them, binary, version 2
    Dat,
}

/// `--log-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line, for programs
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ListenArgs {
    /// Address and port to listen on; port 0 takes a free one [env: ARSIS_LISTEN] [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct MonitorArgs {
    /// Address and port for /metrics, /healthz and /readyz to be asked for without a session: keep it inside your
    /// network [env: ARSIS_METRICS_LISTEN] [default: none]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) metrics: Option<std::net::SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct ApiArgs {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    #[command(flatten)]
    pub(crate) monitor: MonitorArgs,
}

/// How much a worker does.
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    /// Analyses at a time [env: ARSIS_JOBS] [default: cores]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<std::num::NonZeroUsize>,
    /// Most bytes of audio copied from a bucket at a time, for all analyses together; a larger file fails [env:
    /// ARSIS_TEMP_MAX_BYTES] [default: 17179869184]
    #[arg(long, value_name = "BYTES")]
    pub(crate) temp_max_bytes: Option<u64>,
    /// Minutes that an analysis may take beside the length of its audio [env: ARSIS_TIME_BASE_MINUTES] [default: 10]
    #[arg(long, value_name = "MINUTES", value_parser = value_parser!(u64).range(1..=MOST_MINUTES))]
    pub(crate) time_base_minutes: Option<u64>,
    /// Minutes that an analysis may take however long its audio is, and copying the audio may
    /// [env: ARSIS_TIME_LIMIT_MINUTES] [default: 360]
    #[arg(long, value_name = "MINUTES", value_parser = value_parser!(u64).range(1..=MOST_MINUTES))]
    pub(crate) time_limit_minutes: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) jobs: JobsArgs,
    #[command(flatten)]
    pub(crate) monitor: MonitorArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    #[command(flatten)]
    pub(crate) jobs: JobsArgs,
    #[command(flatten)]
    pub(crate) monitor: MonitorArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    pub(crate) command: UserCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add an approved user and print a session token for them, once
    Add {
        /// Their e-mail address; a known one gets a further token
        email: String,
        /// Also give them a role that may see and steer the queue of everybody (the seeds' `operator`)
        #[arg(long)]
        operator: bool,
        /// Also give them the role that may do everything: approve accounts, grant roles, read the audit trail (the
        /// seeds' `admin`)
        #[arg(long)]
        admin: bool,
    },
}
