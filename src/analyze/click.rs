//! What `--click` writes: the music with a click on each beat, for a person to hear whether the beats are right.
//!
//! The file is decoded a second time, block by block, and mixed at its own rate and channels: a click begins on
//! sample `round(t · rate)`, where sample 0 is the first one a listener hears. Music is halved and a click is at
//! most 0.45, so that together they stay within full scale; what a lossy codec or a float file holds beyond it is
//! bent down softly (see [`limit`]), and nothing clips.

use super::inputs::{Input, check_kept};
use super::output::{folder_of, part_beside};
use crate::cli::wrong_usage;
use crate::stop::Stop;
use analysis_core::decode::{AudioFormat, Decoder};
use analysis_core::rhythm::Beat;
use analysis_core::{Analysis, AnalysisType, Config};
use anyhow::{Context, Result, ensure};
use hound::{SampleFormat, WavSpec, WavWriter};
use std::collections::VecDeque;
use std::f64::consts::{PI, TAU};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The music's share of full scale.
const MUSIC_GAIN: f32 = 0.5;
/// Length of a click, in seconds.
const CLICK_S: f64 = 0.025;
/// Rise and decay of a click, in seconds: steep enough to be heard as one moment, smooth enough for no click
/// beside the click, and gone before the next hit.
const RISE_S: f64 = 0.0004;
const DECAY_S: f64 = 0.006;
/// From here on, in shares of full scale, samples are bent down.
const KNEE: f32 = 0.95;
/// Most bytes of samples in a WAV file: its sizes are 32 bits wide, and 68 bytes come before the samples.
const MAX_DATA_BYTES: u64 = u32::MAX as u64 - 68;

/// Where the click track of each input goes: `OUT` itself for one input, `NAME.click.wav` in it, as the results of
/// `-o` lie, where it is a folder.
///
/// # Errors
/// Wrong usage: a type without beats, several inputs and no folder, a name that does not end in `.wav` or is an
/// input's. A folder that is missing.
pub(crate) fn targets(out: &Path, kind: AnalysisType, inputs: &[Input]) -> Result<Vec<PathBuf>> {
    if matches!(kind, AnalysisType::Spectral | AnalysisType::Tonal) {
        return Err(wrong_usage("--click needs beats: use --type full, rhythm or structure".into()));
    }
    let targets = if out.is_dir() { in_folder(out, inputs) } else { vec![as_file(out, inputs)?] };
    check_kept(inputs, "--click", &targets)?;
    Ok(targets)
}

/// A name for each input, as `-o` names its folders: no two inputs share one.
fn in_folder(out: &Path, inputs: &[Input]) -> Vec<PathBuf> {
    let folders = super::output::folders(out, inputs);
    folders.into_iter().map(|path| path.with_added_extension("click.wav")).collect()
}

fn as_file(out: &Path, inputs: &[Input]) -> Result<PathBuf> {
    let shown = out.display();
    let is_wav = out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav"));
    if !is_wav || shown.to_string().ends_with('/') {
        let what = "neither a folder that exists nor a name that ends in .wav";
        return Err(wrong_usage(format!("--click {shown} is {what}")));
    }
    if inputs.len() != 1 {
        let count = inputs.len();
        let advice = "name a folder that exists to get a file for each";
        return Err(wrong_usage(format!("--click {shown} is one file for {count} inputs; {advice}")));
    }
    let folder = folder_of(out);
    ensure!(folder.is_dir(), "--click {shown}: there is no folder {}; create it first", folder.display());
    Ok(out.to_owned())
}

/// Writes the click track of `file`, which `analysis` is of, to `path`. It takes its name only when it is whole.
///
/// # Errors
/// When the file can no longer be decoded or `path` cannot be written, when a WAV file cannot hold it, or when it was
/// stopped.
pub(crate) fn write(
    path: &Path,
    mut file: File,
    hint: Option<&str>,
    config: &Config,
    analysis: &Analysis,
    stop: &Stop,
) -> Result<()> {
    let failed = || format!("failed to write the click track {}", path.display());
    file.seek(SeekFrom::Start(0))?;
    let mut decoder = Decoder::open(file, hint, &config.limits)?.with_threads(config.threads);
    let format = decoder.format().clone();
    let frames = analysis.audio.duration_ms * u64::from(format.sample_rate_hz) / 1000;
    check_fits(frames, format.channels).with_context(failed)?;
    let part = part_beside(path).with_context(failed)?;
    let mut wav = Wav::new(BufWriter::new(part.as_file()), &format).with_context(failed)?;
    let mut clicks = Clicks::new(format.sample_rate_hz, analysis.events.beats());
    while let Some(planes) = decoder.next_block()? {
        stop.check()?;
        wav.write(planes, clicks.next_block(planes[0].len())).with_context(failed)?;
    }
    wav.finish().with_context(failed)?;
    part.persist(path).map_err(|error| error.error).with_context(failed)?;
    Ok(())
}

/// Refuses, before anything is written, what a WAV file cannot hold.
fn check_fits(frames: u64, channels: usize) -> Result<()> {
    let bytes = frames.saturating_mul(2 * channels as u64);
    ensure!(
        bytes <= MAX_DATA_BYTES,
        "it would take {bytes} bytes and a WAV file holds at most {MAX_DATA_BYTES}; cut the music into parts, or mix \
         it down to fewer channels"
    );
    Ok(())
}

/// The clicks alone, block after block.
struct Clicks {
    /// Click of a beat and of a downbeat.
    sounds: [Vec<f32>; 2],
    /// First sample of each click that has not ended, rising, and which sound it is.
    ahead: VecDeque<(u64, usize)>,
    at: u64,
    block: Vec<f32>,
}

impl Clicks {
    fn new(rate_hz: u32, beats: &[Beat]) -> Self {
        let first = |beat: &Beat| sample_of(beat.time_s, rate_hz);
        Self {
            sounds: [sound(rate_hz, 1000.0, 0.3), sound(rate_hz, 1500.0, 0.45)],
            ahead: beats.iter().map(|beat| (first(beat), usize::from(beat.position == 1))).collect(),
            at: 0,
            block: Vec::new(),
        }
    }

    /// The next `len` samples.
    fn next_block(&mut self, len: usize) -> &[f32] {
        self.block.clear();
        self.block.resize(len, 0.0);
        let end = self.at + len as u64;
        for &(first, sound) in self.ahead.iter().take_while(|(first, _)| *first < end) {
            let offset = |distance: u64| usize::try_from(distance).unwrap_or(usize::MAX);
            let gone = offset(self.at.saturating_sub(first)).min(self.sounds[sound].len());
            let place = &mut self.block[offset(first.saturating_sub(self.at))..];
            place.iter_mut().zip(&self.sounds[sound][gone..]).for_each(|(mix, click)| *mix += click);
        }
        let longest = self.sounds[0].len() as u64;
        while self.ahead.front().is_some_and(|(first, _)| first + longest <= end) {
            self.ahead.pop_front();
        }
        self.at = end;
        &self.block
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` clamps to the range of u64"
)]
fn sample_of(time_s: f64, rate_hz: u32) -> u64 {
    (time_s * f64::from(rate_hz)).round() as u64
}

/// A sine burst that rises within a cycle and dies away, with nothing above a few kHz.
///
/// ```text
/// x(t) = (1 - exp(-t/rise)) · exp(-t/decay) · ½(1 + cos(π·t/length)) · sin(2π·hz·t),  scaled to `peak`
/// ```
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few thousand samples within ±1"
)]
fn sound(rate_hz: u32, hz: f64, peak: f64) -> Vec<f32> {
    let rate = f64::from(rate_hz);
    let shape = |i: usize| {
        let t = i as f64 / rate;
        let envelope =
            (1.0 - (-t / RISE_S).exp()) * (-t / DECAY_S).exp() * 0.5 * (1.0 + (PI * t / CLICK_S).cos());
        envelope * (TAU * hz * t).sin()
    };
    let shape: Vec<f64> = (0..(CLICK_S * rate) as usize).map(shape).collect();
    let top = shape.iter().fold(f64::MIN_POSITIVE, |top: f64, x| top.max(x.abs()));
    shape.iter().map(|x| (peak * x / top) as f32).collect()
}

/// A 16-bit WAV file as it is written.
struct Wav<W: Write + Seek> {
    wav: WavWriter<W>,
    channels: usize,
    frames: u64,
}

impl<W: Write + Seek> Wav<W> {
    fn new(out: W, format: &AudioFormat) -> Result<Self> {
        let spec = WavSpec {
            channels: u16::try_from(format.channels)?,
            sample_rate: format.sample_rate_hz,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        Ok(Self { wav: WavWriter::new(out, spec)?, channels: format.channels, frames: 0 })
    }

    /// Mixes and writes a block: the same clicks in every channel.
    fn write(&mut self, planes: &[Vec<f32>], clicks: &[f32]) -> Result<()> {
        self.frames += clicks.len() as u64;
        check_fits(self.frames, self.channels)?; // hound does not look
        let samples = clicks.len() * self.channels;
        let mut out = self.wav.get_i16_writer(u32::try_from(samples)?);
        for (i, click) in clicks.iter().enumerate() {
            planes.iter().for_each(|plane| out.write_sample(quantised(limit(MUSIC_GAIN * plane[i] + click))));
        }
        Ok(out.flush()?)
    }

    /// Writes the sizes into the header.
    fn finish(self) -> Result<()> {
        Ok(self.wav.finalize()?)
    }
}

/// Within ±1 whatever comes: `x` up to the knee, then `knee + (1 - knee)·tanh((|x| - knee)/(1 - knee))`.
fn limit(x: f32) -> f32 {
    if x.abs() <= KNEE {
        return x;
    }
    (KNEE + (1.0 - KNEE) * ((x.abs() - KNEE) / (1.0 - KNEE)).tanh()).copysign(x)
}

/// Rounded, without dither: two runs give the same bytes.
#[expect(clippy::cast_possible_truncation, reason = "within ±32767")]
fn quantised(x: f32) -> i16 {
    (x * f32::from(i16::MAX)).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(time_s: f64, position: u8) -> Beat {
        Beat { time_s, bar: 1, position, confidence: 1.0 }
    }

    #[test]
    fn clicks_are_the_same_whatever_the_size_of_the_blocks() {
        // The last two overlap; the first one is at the start, the last one cut off by the end.
        let beats = [beat(0.0, 1), beat(0.5, 2), beat(0.99, 3), beat(0.995, 4)];
        let whole = Clicks::new(8_000, &beats).next_block(8_000).to_vec();
        assert!(whole[1] != 0.0 && whole[4001] != 0.0 && whole[3999] == 0.0 && whole[7999] != 0.0);
        for size in [1, 7, 199, 200, 201, 4_000] {
            let mut clicks = Clicks::new(8_000, &beats);
            let mut parts = Vec::new();
            while parts.len() < 8_000 {
                parts.extend_from_slice(clicks.next_block(size.min(8_000 - parts.len())));
            }
            assert!(parts == whole, "blocks of {size}");
        }
    }

    #[test]
    fn nothing_leaves_full_scale_and_what_is_quiet_is_untouched() {
        for x in [0.0, 0.3, -0.95, 0.95] {
            assert_eq!(limit(x), x);
        }
        let rising: Vec<f32> = [0.95, 0.97, 1.0, 1.05].map(limit).to_vec();
        assert!(rising.is_sorted_by(|a, b| a < b), "{rising:?}");
        for x in [1.2, 30.0, analysis_core::decode::MAX_SAMPLE] {
            assert!(limit(x) <= 1.0 && limit(-x) >= -1.0, "{x}");
            assert_eq!(quantised(limit(x)), -quantised(limit(-x)));
        }
    }

    #[test]
    fn what_no_wav_file_can_hold_is_refused_with_advice() {
        check_fits(MAX_DATA_BYTES / 4, 2).unwrap();
        let refusal = check_fits(MAX_DATA_BYTES / 4 + 1, 2).unwrap_err().to_string();
        assert!(refusal.contains("cut the music into parts"), "{refusal}");
    }
}
