//! EBU R128 loudness of the whole track. The only room that names ebur128.
//!
//! ITU-R BS.1770-4 (K weighting, gated integrated loudness, true peak by oversampling), EBU Tech 3341
//! (momentary 400 ms, short-term 3 s) and EBU Tech 3342 (loudness range).

use crate::error::{Error, Result};
use crate::summary::LoudnessSummary;
use crate::units;
use ebur128::{Channel, EbuR128, Mode};
use std::collections::VecDeque;

/// Momentary and short-term loudness are looked at every 10 ms, finely enough to find their maxima to 0.1 LU
/// wherever a sound begins (EBU Tech 3341, cases 10 to 14).
const BLOCKS_PER_SECOND: u64 = 100;
const BLOCK_MS: u32 = 10;
const MOMENTARY_BLOCKS: usize = 40;
const SHORT_TERM_BLOCKS: usize = 300;
/// ITU-R BS.1770-4: `LUFS = −0.691 + 10·log10(energy)`.
const OFFSET_LUFS: f64 = -0.691;
/// Energy at −70 LUFS, the absolute gate: quieter than this is silence.
const GATE_LUFS: f64 = -70.0;

/// Measures planar audio as it streams. Memory is fixed: 3 s of filtered audio, and histograms of block
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
    meter: EbuR128,
    sample_rate_hz: u32,
    channels: usize,
    /// Samples waiting for their block, per channel.
    partial: Vec<Vec<f32>>,
    blocks_done: u64,
    /// Energies of the last 3 s of blocks.
    recent: VecDeque<f64>,
    momentary_max: Option<f64>,
    short_term_max: Option<f64>,
}

impl Loudness {
    /// A meter for `channels` channels (1 to 8) at a rate of 8,000 to 192,000 Hz.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for anything else.
    pub fn new(channels: usize, sample_rate_hz: u32) -> Result<Self> {
        let map = channel_map(channels).ok_or_else(|| invalid("channels", channels, "1 to 8"))?;
        if !(8_000..=192_000).contains(&sample_rate_hz) {
            return Err(invalid("sample_rate_hz", sample_rate_hz, "8000 to 192000"));
        }
        let refused = |_| invalid("channels", channels, "what ebur128 measures");
        let count = u32::try_from(map.len()).map_err(|_| invalid("channels", channels, "1 to 8"))?;
        let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        let mut meter = EbuR128::new(count, sample_rate_hz, mode).map_err(refused)?;
        meter.set_channel_map(map).map_err(refused)?;
        Ok(Self {
            meter,
            sample_rate_hz,
            channels,
            partial: vec![Vec::new(); channels],
            blocks_done: 0,
            recent: VecDeque::with_capacity(SHORT_TERM_BLOCKS),
            momentary_max: None,
            short_term_max: None,
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
        let mut from = 0;
        while from < len {
            let missing = self.block_len() - self.partial[0].len();
            let to = len.min(from + missing);
            for (partial, plane) in self.partial.iter_mut().zip(planes) {
                partial.extend_from_slice(&plane.as_ref()[from..to]);
            }
            if to - from == missing {
                self.measure_block()?;
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

    fn feed_partial(&mut self) -> Result<()> {
        let planes: [&[f32]; 8] = std::array::from_fn(|c| self.partial.get(c).map_or(&[][..], Vec::as_slice));
        self.meter.add_frames_planar_f32(&planes[..self.channels]).map_err(internal)?;
        self.partial.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    fn measure_block(&mut self) -> Result<()> {
        self.feed_partial()?;
        self.blocks_done += 1;
        let lufs = self.meter.loudness_window(BLOCK_MS).map_err(internal)?;
        if self.recent.len() == SHORT_TERM_BLOCKS {
            self.recent.pop_front();
        }
        self.recent.push_back(10_f64.powf((lufs - OFFSET_LUFS) / 10.0));
        raise(&mut self.momentary_max, mean_of_last(&self.recent, MOMENTARY_BLOCKS));
        raise(&mut self.short_term_max, mean_of_last(&self.recent, SHORT_TERM_BLOCKS));
        Ok(())
    }

    /// What was measured. A figure is `None` where nothing was loud enough (−70 LUFS, the absolute gate) or
    /// the audio was shorter than its window; peaks are `None` for digital silence.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the meter fails.
    pub fn finish(mut self) -> Result<LoudnessSummary> {
        self.feed_partial()?;
        let integrated_lufs = audible(self.meter.loudness_global().map_err(internal)?);
        let range = self.meter.loudness_range().map_err(internal)?;
        let (mut sample_peak, mut true_peak) = (0.0_f64, 0.0_f64);
        for channel in (0..).take(self.channels) {
            sample_peak = sample_peak.max(self.meter.sample_peak(channel).map_err(internal)?);
            true_peak = true_peak.max(self.meter.true_peak(channel).map_err(internal)?);
        }
        Ok(LoudnessSummary {
            integrated_lufs,
            // The range is that of short-term values above the gate: there are none before 3 s.
            range_lu: self.short_term_max.and_then(energy_to_lufs).and_then(|_| finite(range)),
            momentary_max_lufs: self.momentary_max.and_then(energy_to_lufs),
            short_term_max_lufs: self.short_term_max.and_then(energy_to_lufs),
            true_peak_dbtp: amplitude_to_db(true_peak),
            sample_peak_dbfs: amplitude_to_db(sample_peak),
        })
    }
}

/// Places of the channels; `None` for counts that have none.
fn channel_map(channels: usize) -> Option<&'static [Channel]> {
    use Channel::{
        Center, Left, LeftSurround, Mm090, Mm135, Mp090, Mp135, Mp180, Right, RightSurround, Unused,
    };
    Some(match channels {
        1 => &[Center],
        2 => &[Left, Right],
        3 => &[Left, Right, Center],
        4 => &[Left, Right, LeftSurround, RightSurround],
        5 => &[Left, Right, Center, LeftSurround, RightSurround],
        6 => &[Left, Right, Center, Unused, LeftSurround, RightSurround],
        7 => &[Left, Right, Center, Unused, Mp180, Mp090, Mm090],
        8 => &[Left, Right, Center, Unused, Mp135, Mm135, Mp090, Mm090],
        _ => return None,
    })
}

/// Mean of the last `count` energies, once there are so many.
fn mean_of_last(recent: &VecDeque<f64>, count: usize) -> Option<f64> {
    let from = recent.len().checked_sub(count)?;
    Some(recent.range(from..).sum::<f64>() / count as f64)
}

fn raise(max: &mut Option<f64>, value: Option<f64>) {
    if let Some(value) = value.filter(|value| value.is_finite()) {
        *max = Some(max.map_or(value, |max| max.max(value)));
    }
}

fn energy_to_lufs(energy: f64) -> Option<f32> {
    audible(OFFSET_LUFS + 10.0 * energy.log10())
}

fn audible(lufs: f64) -> Option<f32> {
    finite(lufs).filter(|_| lufs >= GATE_LUFS)
}

#[expect(clippy::cast_possible_truncation, reason = "levels are handed out as f32")]
fn finite(level: f64) -> Option<f32> {
    level.is_finite().then_some(level as f32)
}

#[expect(clippy::cast_possible_truncation, reason = "levels are handed out as f32")]
fn amplitude_to_db(amplitude: f64) -> Option<f32> {
    (amplitude > 0.0 && amplitude.is_finite()).then(|| 2.0 * units::power_to_db(amplitude as f32))
}

fn invalid(field: &'static str, given: impl ToString, allowed: &str) -> Error {
    Error::InvalidConfig { field, given: given.to_string(), allowed: allowed.to_owned() }
}

fn internal(error: ebur128::Error) -> Error {
    Error::Corrupt { detail: format!("loudness cannot be measured: {error}") }
}
