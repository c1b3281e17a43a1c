//! EBU R128 loudness of the whole track.
//!
//! ITU-R BS.1770-4 (K weighting, gated integrated loudness, true peak by oversampling), EBU Tech 3341
//! (momentary 400 ms, short-term 3 s) and EBU Tech 3342 (loudness range).

mod gating;
mod k_filter;
mod true_peak;
mod window;

pub(crate) use k_filter::KFilter;

use crate::error::{Error, Result};
use crate::opaque::opaque;
use crate::summary::LoudnessSummary;
use crate::units;
use gating::Histogram;
use k_filter::KPower;
use true_peak::TruePeak;
use window::Window;

/// Energies are taken of blocks of 10 ms, and all else from those: momentary and short-term loudness are looked at as
/// often, finely enough to find their maxima to 0.1 LU wherever a sound begins (EBU Tech 3341, cases 10 to 14).
const BLOCKS_PER_SECOND: u64 = 100;
const MOMENTARY_BLOCKS: usize = 40;
const SHORT_TERM_BLOCKS: usize = 300;
/// The integrated loudness is that of momentary values every 100 ms (BS.1770-4: 75 % overlap), the range that of
/// short-term values every second (Tech 3342: at least 66 % overlap).
const GATING_STEP_BLOCKS: u64 = 10;
const RANGE_STEP_BLOCKS: u64 = 100;
/// ITU-R BS.1770-4: `LUFS = −0.691 + 10·log10(energy)`, so that a full-scale 997 Hz sine in one front channel reads −3.01.
pub(crate) const OFFSET_LUFS: f64 = -0.691;
/// The absolute gate: quieter than this is silence.
const GATE_LUFS: f64 = -70.0;
/// Weight of a channel at 60° to 120°: +1.5 dB (BS.1770-4, table 3).
const SURROUND: f64 = 1.41;

/// Measures planar audio as it streams. Memory is fixed: a filter's state, the energies of 3 s, and histograms of block
/// loudness in steps of 0.1 LU instead of a list of blocks.
///
/// Channels are weighted by place (BS.1770-4, table 3): surrounds at 60° to 120° count +1.5 dB, low-frequency
/// channels nothing. The order is that of WAVE files:
///
/// | channels | places |
/// |---|---|
/// | 1, 2, 3 | centre · left, right · left, right, centre |
/// | 4 | left, right, left surround, right surround |
/// | 5 | left, right, centre, left surround, right surround |
/// | 6 | left, right, centre, LFE, left surround, right surround |
/// | 7 | left, right, centre, LFE, back centre, left side, right side |
/// | 8 | left, right, centre, LFE, left back, right back, left side, right side |
pub struct Loudness {
    sample_rate_hz: u32,
    channels: usize,
    pairs: Vec<WeighedPair>,
    true_peak: TruePeak,
    /// Samples in the block that is being filled.
    in_block: usize,
    blocks_done: u64,
    momentary: Window,
    short_term: Window,
    momentary_max: Option<f64>,
    short_term_max: Option<f64>,
    gating: Histogram,
    range: Histogram,
}

opaque!(Loudness { sample_rate_hz, channels });

/// Two channels that are filtered side by side. One that is left over is its own partner, which then weighs nothing.
struct WeighedPair {
    channels: [usize; 2],
    weights: [f64; 2],
    power: KPower,
}

impl Loudness {
    /// A meter for `channels` channels (1 to 8) at a rate of 8,000 to 192,000 Hz.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for anything else.
    pub fn new(channels: usize, sample_rate_hz: u32) -> Result<Self> {
        let weights = channel_weights(channels).ok_or_else(|| invalid("channels", channels, "1 to 8"))?;
        if !(8_000..=192_000).contains(&sample_rate_hz) {
            return Err(invalid("sample_rate_hz", sample_rate_hz, "8000 to 192000"));
        }
        Ok(Self {
            sample_rate_hz,
            channels,
            pairs: pairs(weights, sample_rate_hz),
            true_peak: TruePeak::new(channels, sample_rate_hz),
            in_block: 0,
            blocks_done: 0,
            momentary: Window::new(MOMENTARY_BLOCKS),
            short_term: Window::new(SHORT_TERM_BLOCKS),
            momentary_max: None,
            short_term_max: None,
            gating: Histogram::new(),
            range: Histogram::new(),
        })
    }

    /// Takes the next samples of every channel, in planes of equal length. How they are split into blocks has
    /// no influence on the result.
    ///
    /// # Errors
    /// [`Error::RaggedBlock`] if the number of planes is not that of the channels, or their lengths differ.
    pub fn push<P: AsRef<[f32]>>(&mut self, planes: &[P]) -> Result<()> {
        let len = planes.first().map_or(0, |plane| plane.as_ref().len());
        if planes.len() != self.channels || planes.iter().any(|plane| plane.as_ref().len() != len) {
            let given = planes.iter().map(|plane| plane.as_ref().len()).sum();
            return Err(Error::RaggedBlock { given, channels: self.channels });
        }
        for (channel, plane) in planes.iter().enumerate() {
            self.true_peak.push(channel, plane.as_ref());
        }
        let mut from = 0;
        while from < len {
            let to = len.min(from + self.block_len() - self.in_block);
            for pair in &mut self.pairs {
                let [first, second] = pair.channels.map(|channel| &planes[channel].as_ref()[from..to]);
                pair.power.push(first, second);
            }
            self.in_block += to - from;
            if self.in_block == self.block_len() {
                self.end_block();
            }
            from = to;
        }
        Ok(())
    }

    /// Length of the block that is being filled: blocks end at whole multiples of 10 ms, rounded to samples.
    fn block_len(&self) -> usize {
        let end_of = |blocks: u64| blocks * u64::from(self.sample_rate_hz) / BLOCKS_PER_SECOND;
        usize::try_from(end_of(self.blocks_done + 1) - end_of(self.blocks_done)).unwrap_or(usize::MAX)
    }

    fn end_block(&mut self) {
        let squares: f64 = self.pairs.iter_mut().map(WeighedPair::end_block).sum();
        let energy = squares / self.block_len() as f64;
        (self.in_block, self.blocks_done) = (0, self.blocks_done + 1);
        let momentary = self.momentary.push(energy);
        raise(&mut self.momentary_max, momentary);
        if let Some(energy) = momentary.filter(|_| self.blocks_done.is_multiple_of(GATING_STEP_BLOCKS)) {
            self.gating.add(energy);
        }
        let short_term = self.short_term.push(energy);
        raise(&mut self.short_term_max, short_term);
        if let Some(energy) = short_term.filter(|_| self.blocks_done.is_multiple_of(RANGE_STEP_BLOCKS)) {
            self.range.add(energy);
        }
    }

    /// What was measured. A figure is `None` where nothing was loud enough (−70 LUFS, the absolute gate) or
    /// the audio was shorter than its window; peaks are `None` for digital silence.
    #[must_use]
    pub fn finish(self) -> LoudnessSummary {
        let short_term_max_lufs = self.short_term_max.and_then(audible);
        let (mut sample_peak, mut true_peak) = (0.0_f32, 0.0_f32);
        for peaks in self.true_peak.peaks() {
            sample_peak = sample_peak.max(peaks.sample);
            true_peak = true_peak.max(peaks.signal);
        }
        LoudnessSummary {
            integrated_lufs: self.gating.integrated_lufs().map(level),
            // The range is that of short-term values above the gate: there are none before 3 s.
            range_lu: short_term_max_lufs.map(|_| level(self.range.range_lu())),
            momentary_max_lufs: self.momentary_max.and_then(audible),
            short_term_max_lufs,
            true_peak_dbtp: amplitude_to_db(true_peak),
            sample_peak_dbfs: amplitude_to_db(sample_peak),
        }
    }
}

impl WeighedPair {
    /// Ends a block: its sum of squares, weighed.
    fn end_block(&mut self) -> f64 {
        let [first, second] = self.power.end_block();
        self.weights[0] * first + self.weights[1] * second
    }
}

/// Weights of the channels; `None` for counts that have none.
fn channel_weights(channels: usize) -> Option<&'static [f64]> {
    Some(match channels {
        1 => &[1.0],
        2 => &[1.0, 1.0],
        3 => &[1.0, 1.0, 1.0],
        4 => &[1.0, 1.0, SURROUND, SURROUND],
        5 => &[1.0, 1.0, 1.0, SURROUND, SURROUND],
        6 => &[1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND],
        7 => &[1.0, 1.0, 1.0, 0.0, 1.0, SURROUND, SURROUND],
        8 => &[1.0, 1.0, 1.0, 0.0, 1.0, 1.0, SURROUND, SURROUND],
        _ => return None,
    })
}

/// The channels that weigh something, two by two.
fn pairs(weights: &[f64], sample_rate_hz: u32) -> Vec<WeighedPair> {
    let filter = KFilter::new(sample_rate_hz);
    let heard: Vec<usize> = (0..weights.len()).filter(|&channel| weights[channel] > 0.0).collect();
    let pair = |pair: &[usize]| {
        let (first, second) = (pair[0], pair.get(1).copied());
        WeighedPair {
            channels: [first, second.unwrap_or(first)],
            weights: [weights[first], second.map_or(0.0, |channel| weights[channel])],
            power: KPower::new(&filter),
        }
    };
    heard.chunks(2).map(pair).collect()
}

fn raise(max: &mut Option<f64>, value: Option<f64>) {
    if let Some(value) = value.filter(|value| value.is_finite()) {
        *max = Some(max.map_or(value, |max| max.max(value)));
    }
}

fn energy_to_lufs(energy: f64) -> f64 {
    OFFSET_LUFS + 10.0 * energy.log10()
}

fn lufs_to_energy(lufs: f64) -> f64 {
    10_f64.powf((lufs - OFFSET_LUFS) / 10.0)
}

/// Loudness of an energy that is not below the absolute gate, in LUFS.
fn audible(energy: f64) -> Option<f32> {
    let lufs = energy_to_lufs(energy);
    (lufs >= GATE_LUFS).then(|| level(lufs))
}

#[expect(clippy::cast_possible_truncation, reason = "levels are handed out as f32")]
fn level(level: f64) -> f32 {
    level as f32
}

fn amplitude_to_db(amplitude: f32) -> Option<f32> {
    (amplitude > 0.0 && amplitude.is_finite()).then(|| 2.0 * units::power_to_db(amplitude))
}

fn invalid(field: &'static str, given: impl ToString, allowed: &str) -> Error {
    Error::InvalidConfig { field, given: given.to_string(), allowed: allowed.to_owned() }
}
