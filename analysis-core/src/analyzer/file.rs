//! A whole file: decoded, listened to, and named by its bytes.

use super::{Analysis, Analyzer, Observer, Progress};
use crate::config::Config;
use crate::crew::Crew;
use crate::decode::Decoder;
use crate::error::Result;
use crate::fingerprint::fingerprint;
use crate::stages::{Stage, Stages};
use crate::summary::AudioInfo;
use crate::units;
use std::io::{Read, Seek};
use std::sync::Arc;

/// Analyses a whole file: fingerprint, decoding, and everything `config` asks for.
///
/// `hint` is a file extension or MIME type; content decides where they disagree. Progress and cancellation go
/// through `observer` after every decoded block (at most 65,536 samples: 1.5 s at 44.1 kHz).
///
/// With several threads (`config.threads`) the others decode ahead and measure the loudness. The observer stays on the
/// caller's thread and gets the same calls in the same order; when this returns, or panics, the other threads have ended.
///
/// # Errors
/// [`Error::InvalidConfig`](crate::Error::InvalidConfig); what [`Decoder`] reports for empty, unrecognised, unsupported or corrupt audio and
/// for audio over `config.limits`; [`Error::Io`](crate::Error::Io); whatever `observer` returns.
pub fn analyze<R: Read + Seek + Send + Sync + 'static>(
    mut reader: R,
    hint: Option<&str>,
    config: &Config,
    observer: &mut dyn Observer,
) -> Result<Analysis> {
    config.validate()?;
    let stages = Stages::new(observer.stage_hook());
    stages.enter(Stage::Fingerprint);
    let name = fingerprint(&mut reader)?;
    stages.enter(Stage::Decode);
    let crew = Arc::new(Crew::telling(config.threads, stages.clone()));
    let mut decoder = Decoder::open(reader, hint, &config.limits)?.helped_by(&crew);
    let format = decoder.format().clone();
    let total_ms = format.expected_frames.map(|frames| units::frames_to_ms(frames, format.sample_rate_hz));
    let mut analyzer = Analyzer::new(config.clone(), format.sample_rate_hz, format.channels)?
        .helped_by(&crew)
        .telling(&stages);
    while let Some(planes) = decoder.next_block()? {
        analyzer.push_planes(planes, observer)?;
        stages.enter(Stage::Observer);
        observer.on_progress(Progress { done_ms: analyzer.taken_ms(), total_ms })?;
        stages.enter(Stage::Decode);
    }
    let report = decoder.report();
    analyzer.audio = AudioInfo {
        codec: Some(format.codec),
        container: Some(format.container),
        delay_frames: report.delay_frames,
        padding_frames: report.padding_frames,
        decode_errors: report.decode_errors,
        truncated: report.truncated,
        ..analyzer.audio
    };
    analyzer.fingerprint = Some(name);
    analyzer.finish(observer)
}

impl Analyzer {
    /// Lets `crew` do what nothing else waits for.
    fn helped_by(mut self, crew: &Arc<Crew>) -> Self {
        if let Some(loudness) = &mut self.loudness {
            loudness.spread(crew);
        }
        self
    }

    /// Tells `stages` whose turn it is.
    fn telling(mut self, stages: &Stages) -> Self {
        self.frames.stages = stages.clone();
        self.pulse.tell(stages);
        self.stages = stages.clone();
        self
    }
}
