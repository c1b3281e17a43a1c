//! One field of a frame: how its values are stored and what they mean.

use crate::bands::{FLOOR_DB, corners_hz};
use crate::config::{Config, SampleType};
use crate::error::Result;
use crate::frame::{self, BANDS, CENTROID, CHROMA, LOUDNESS, MAX_FRAME_BYTES, PEAK};
use crate::{units, vectors};
use half::f16;
use serde::{Deserialize, Serialize};

/// Loudest level that fields wider than a byte hold, in dB; a sum of eight full-scale channels stays below.
const CEILING_DB: f64 = 60.0;

/// How frames become one frame of the next coarser level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// The largest raw value.
    Max,
    /// The mean of the raw values; integers are rounded to nearest, halves up.
    Mean,
}

/// One field of a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Name, unique in its layout.
    pub name: String,
    /// Type of one raw value, little-endian.
    #[serde(rename = "type")]
    pub sample_type: SampleType,
    /// Number of values.
    pub count: usize,
    /// Where the first value lies in the frame, in bytes.
    pub offset: usize,
    /// Unit of the physical values: `dBFS` (0 is a full-scale sine, or for peaks full scale), `LUFS`, `midi`
    /// (note number, 69 is 440 Hz), `Hz`, or `1` for none.
    pub unit: String,
    /// Physical units in one raw step, above 0; 1 for floating-point types.
    pub scale: f64,
    /// Physical value of raw 0.
    pub bias: f64,
    /// Smallest physical value stored: it stands for anything at or below it.
    pub min: f64,
    /// Largest physical value stored: it stands for anything at or above it.
    pub max: f64,
    /// How coarser levels are made.
    pub zoom: Aggregate,
    /// Raw value that means "no value here"; absent where every frame has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none_raw: Option<i32>,
    /// For bands: the `count + 2` corner frequencies in Hz. Band `b` is a triangle that begins at corner `b`,
    /// peaks at `b + 1` and ends at `b + 2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band_edges_hz: Option<Vec<f32>>,
}

impl Field {
    /// Bytes of the field in a frame.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.count.saturating_mul(self.sample_type.size_bytes())
    }

    /// Physical value of a raw one; NaN for "no value".
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "values are handed out as f32")]
    pub fn physical(&self, raw: f64) -> f32 {
        if self.none_raw.is_some_and(|none| f64::from(none) == raw) {
            return f32::NAN;
        }
        (raw * self.scale + self.bias) as f32
    }

    /// The raw values of the field in one frame.
    pub(crate) fn raw_values(&self, frame: &[u8]) -> impl Iterator<Item = f64> {
        let bytes = &frame[self.offset..self.offset + self.size_bytes()];
        bytes.chunks_exact(self.sample_type.size_bytes()).map(|raw| raw_value(raw, self.sample_type))
    }

    /// One raw value of the field in a frame; `None` for "no value".
    pub(crate) fn raw_value(&self, frame: &[u8], index: usize) -> Option<f64> {
        let size = self.sample_type.size_bytes();
        let raw = raw_value(frame[self.offset + index * size..].get(..size)?, self.sample_type);
        (self.none_raw.map(f64::from) != Some(raw)).then_some(raw)
    }

    /// Stores a frequency in the field's unit, or "no value".
    pub(crate) fn push_frequency(&self, hz: Option<f32>, out: &mut Vec<u8>) {
        match hz.filter(|hz| *hz > 0.0) {
            Some(hz) if self.unit == "midi" => self.push(units::hz_to_midi(hz), out),
            Some(hz) => self.push(hz, out),
            None => self.push_none(out),
        }
    }

    /// Checks a field that someone else wrote, which should lie at `offset`.
    pub(crate) fn check(&self, offset: usize) -> Result<()> {
        let fail = |what: &str| Err(frame::invalid(format!("field {}: {what}", self.name)));
        let numbers = [self.scale, self.bias, self.min, self.max];
        if self.count == 0 || self.size_bytes() > MAX_FRAME_BYTES {
            return fail("its count is 0 or too large");
        }
        if self.offset != offset {
            return fail("its offset is not where the field before it ends");
        }
        if !numbers.iter().all(|number| number.is_finite()) || self.scale <= 0.0 || self.min > self.max {
            return fail("its scale is not above 0, or its range is not finite and rising");
        }
        if self.none_raw.is_some_and(|none| none != 0) {
            return fail("its none_raw is not 0");
        }
        if self.band_edges_hz.as_ref().is_some_and(|edges| edges.len() != self.count + 2) {
            return fail("it needs two more band_edges_hz than bands");
        }
        let rising = |edges: &Vec<f32>| {
            edges.iter().all(|hz| hz.is_finite()) && edges.is_sorted_by(|low, high| low < high)
        };
        if !self.band_edges_hz.as_ref().is_none_or(rising) {
            return fail("its band_edges_hz are not finite and rising");
        }
        Ok(())
    }

    /// The field of a name as an analysis with this configuration writes it.
    pub(crate) fn of(name: &str, config: &Config, offset: usize) -> Self {
        match name {
            BANDS => {
                let count = config.bands;
                let band_edges_hz = Some(corners_hz(count));
                Field { count, band_edges_hz, ..level_field(name, "dBFS", Aggregate::Max, config, offset) }
            }
            LOUDNESS => level_field(name, "LUFS", Aggregate::Mean, config, offset),
            PEAK => level_field(name, "dBFS", Aggregate::Max, config, offset),
            CENTROID => centroid_field(config, offset),
            CHROMA => Field { count: 12, ..fraction_field(name, Aggregate::Mean, config, offset) },
            _ => fraction_field(name, Aggregate::Max, config, offset),
        }
    }

    /// Stores one physical value: the nearest raw one within `min ..= max`. NaN is stored as `min`.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the field's range before")]
    pub(crate) fn push(&self, value: f32, out: &mut Vec<u8>) {
        let value = f64::from(value).max(self.min).min(self.max);
        let steps = (value - self.bias) / self.scale;
        match self.sample_type {
            SampleType::U8 => out.push(round_u8(steps)),
            SampleType::I16 => out.extend_from_slice(&(steps.round() as i16).to_le_bytes()),
            SampleType::F16 => out.extend_from_slice(&f16::from_f64(value).to_le_bytes()),
            SampleType::F32 => out.extend_from_slice(&(value as f32).to_le_bytes()),
        }
    }

    /// Stores "no value".
    fn push_none(&self, out: &mut Vec<u8>) {
        // Raw 0 has the same bits in every type.
        out.resize(out.len() + self.sample_type.size_bytes(), 0);
    }

    /// Stores a slice of physical values; what it lacks of `count` is stored as `min`.
    pub(crate) fn push_all(&self, values: &[f32], out: &mut Vec<u8>) {
        let given = &values[..values.len().min(self.count)];
        if self.sample_type == SampleType::U8 {
            self.push_bytes(given, out);
        } else {
            given.iter().for_each(|&value| self.push(value, out));
        }
        (given.len()..self.count).for_each(|_| self.push(f32::NAN, out));
    }

    /// `push` for bytes, in f32 and without a branch, so that it vectorises: bands are most of a frame.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "steps of a byte fit f32; `as` saturates"
    )]
    fn push_bytes(&self, values: &[f32], out: &mut Vec<u8>) {
        let (min, max) = (self.min as f32, self.max as f32);
        let (bias, steps_per_unit) = (self.bias as f32, (1.0 / self.scale) as f32);
        let begin = out.len();
        out.resize(begin + values.len(), 0);
        vectors::widest(
            #[inline(always)]
            || {
                for (byte, value) in out[begin..].iter_mut().zip(values) {
                    *byte = ((value.max(min).min(max) - bias) * steps_per_unit + 0.5) as u8;
                }
            },
        );
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates; steps are in range"
)]
fn round_u8(steps: f64) -> u8 {
    (steps + 0.5) as u8
}

/// The raw value in little-endian bytes; every type fits f64 exactly.
fn raw_value(bytes: &[u8], sample_type: SampleType) -> f64 {
    match (sample_type, bytes) {
        (SampleType::U8, &[a]) => f64::from(a),
        (SampleType::I16, &[a, b]) => f64::from(i16::from_le_bytes([a, b])),
        (SampleType::F16, &[a, b]) => f16::from_le_bytes([a, b]).to_f64(),
        (SampleType::F32, &[a, b, c, d]) => f64::from(f32::from_le_bytes([a, b, c, d])),
        _ => 0.0,
    }
}

/// A level in dB: steps of 0.5 dB in a byte, of 0.01 dB in 16 bits, from the floor of −120 dB.
fn level_field(name: &str, unit: &str, zoom: Aggregate, config: &Config, offset: usize) -> Field {
    let floor = f64::from(FLOOR_DB);
    let (scale, bias, max) = match config.sample_type {
        SampleType::U8 => (0.5, floor, floor + 0.5 * 255.0),
        SampleType::I16 => (0.01, 0.0, CEILING_DB),
        SampleType::F16 | SampleType::F32 => (1.0, 0.0, CEILING_DB),
    };
    scalar(name, unit, (scale, bias), (floor, max), zoom, config, offset)
}

/// A number from 0 to 1.
fn fraction_field(name: &str, zoom: Aggregate, config: &Config, offset: usize) -> Field {
    let scale = match config.sample_type {
        SampleType::U8 => 1.0 / 255.0,
        SampleType::I16 => 1.0 / 32_767.0,
        SampleType::F16 | SampleType::F32 => 1.0,
    };
    scalar(name, "1", (scale, 0.0), (0.0, 1.0), zoom, config, offset)
}

/// Integers hold a note number, so that a step is the same musical interval everywhere (half a semitone in a
/// byte, a cent in 16 bits); floats hold Hz. Raw 0 is "no value", so what is stored begins one step above.
fn centroid_field(config: &Config, offset: usize) -> Field {
    let (unit, scale, min, max) = match config.sample_type {
        SampleType::U8 => ("midi", 0.5, 0.5, 127.5),
        SampleType::I16 => ("midi", 0.01, 0.01, 140.0),
        SampleType::F16 | SampleType::F32 => ("Hz", 1.0, 1.0, 20_000.0),
    };
    let mean = Aggregate::Mean;
    Field { none_raw: Some(0), ..scalar(CENTROID, unit, (scale, 0.0), (min, max), mean, config, offset) }
}

fn scalar(
    name: &str,
    unit: &str,
    (scale, bias): (f64, f64),
    (min, max): (f64, f64),
    zoom: Aggregate,
    config: &Config,
    offset: usize,
) -> Field {
    let (name, unit, sample_type) = (name.to_owned(), unit.to_owned(), config.sample_type);
    Field {
        name,
        sample_type,
        count: 1,
        offset,
        unit,
        scale,
        bias,
        min,
        max,
        zoom,
        none_raw: None,
        band_edges_hz: None,
    }
}
