//! The layout of a frame and the quantisation of its values.
//!
//! A frame is a row of bytes. [`FrameLayout`] says where each field lies in it and how its raw values turn
//! into physical units, `value = raw · scale + bias`, so that a client draws without a table of versions.
//! `docs/FRAME-FORMAT.md` describes the same for other languages.

use crate::config::{AnalysisType, Config};
use crate::error::{Error, Result};
pub use crate::field::{Aggregate, Field};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Name of the field of band levels.
pub const BANDS: &str = "bands";
/// Name of the field of frame loudness.
pub const LOUDNESS: &str = "loudness";
/// Name of the field of sample peaks.
pub const PEAK: &str = "peak";
/// Name of the field of onset strength.
pub const ONSET: &str = "onset";
/// Name of the field of spectral centroids.
pub const CENTROID: &str = "centroid";
/// Name of the field of pitch classes, C first.
pub const CHROMA: &str = "chroma";

/// Largest frame that a layout may describe, in bytes.
pub const MAX_FRAME_BYTES: usize = 65_536;

/// The values of one frame in physical units.
#[derive(Debug, Clone, Copy)]
pub struct FrameValues<'a> {
    /// Level of each band, in dB below a full-scale sine.
    pub bands_db: &'a [f32],
    /// K-weighted loudness, in LUFS; NaN where it is not computed.
    pub loudness_lufs: f32,
    /// Sample peak over all channels, in dBFS; NaN where it is not computed.
    pub peak_dbfs: f32,
    /// Onset strength, 0 to 1.
    pub onset: f32,
    /// Spectral centroid, in Hz; `None` for silence, and where it is not computed.
    pub centroid_hz: Option<f32>,
    /// Pitch classes, C first, 0 to 1; `None` where they are not computed.
    pub chroma: Option<&'a [f32; 12]>,
}

/// Where each field lies in a frame. A layout that exists is valid: fields follow one another without gaps
/// or overlap, and each can be decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredLayout")]
pub struct FrameLayout {
    fields: Vec<Field>,
    bytes_per_frame: usize,
}

/// A layout as read, before it is checked.
#[derive(Deserialize)]
struct StoredLayout {
    fields: Vec<Field>,
    bytes_per_frame: usize,
}

impl TryFrom<StoredLayout> for FrameLayout {
    type Error = Error;

    fn try_from(stored: StoredLayout) -> Result<Self> {
        let layout = Self::from_fields(stored.fields)?;
        if layout.bytes_per_frame == stored.bytes_per_frame {
            return Ok(layout);
        }
        let (sum, given) = (layout.bytes_per_frame, stored.bytes_per_frame);
        Err(invalid(format!("bytes_per_frame is {given}, the fields take {sum}")))
    }
}

pub(crate) fn invalid(detail: String) -> Error {
    Error::BadManifest { detail }
}

impl FrameLayout {
    /// The layout that an analysis with this configuration produces.
    ///
    /// | analysis | fields |
    /// |---|---|
    /// | full | bands, loudness, peak, onset, centroid, chroma |
    /// | spectral | bands, loudness, peak, onset, centroid |
    /// | rhythm | bands, peak, onset |
    /// | tonal | bands, chroma |
    /// | structure | bands, onset, chroma |
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let names: &[&str] = match config.analysis_type {
            AnalysisType::Full => &[BANDS, LOUDNESS, PEAK, ONSET, CENTROID, CHROMA],
            AnalysisType::Spectral => &[BANDS, LOUDNESS, PEAK, ONSET, CENTROID],
            AnalysisType::Rhythm => &[BANDS, PEAK, ONSET],
            AnalysisType::Tonal => &[BANDS, CHROMA],
            AnalysisType::Structure => &[BANDS, ONSET, CHROMA],
        };
        let mut layout = Self { fields: Vec::with_capacity(names.len()), bytes_per_frame: 0 };
        for name in names {
            let field = Field::of(name, config, layout.bytes_per_frame);
            layout.bytes_per_frame += field.size_bytes();
            layout.fields.push(field);
        }
        layout
    }

    /// Checks fields that someone else wrote.
    ///
    /// # Errors
    /// [`Error::BadManifest`] if there are none, if names repeat, if offsets leave gaps or overlap, if a scale
    /// is not above 0 or a number not finite, if `none_raw` is not 0, if corner frequencies are not
    /// `count + 2` finite and rising numbers, or if a frame exceeds [`MAX_FRAME_BYTES`].
    pub fn from_fields(fields: Vec<Field>) -> Result<Self> {
        let (mut bytes_per_frame, mut names) = (0, HashSet::new());
        for field in &fields {
            field.check(bytes_per_frame)?;
            bytes_per_frame += field.size_bytes();
            if bytes_per_frame > MAX_FRAME_BYTES {
                return Err(invalid(format!("a frame takes more than {MAX_FRAME_BYTES} bytes")));
            }
            if !names.insert(field.name.as_str()) {
                return Err(invalid(format!("two fields are named {}", field.name)));
            }
        }
        if bytes_per_frame == 0 {
            return Err(invalid("a frame has no fields".into()));
        }
        Ok(Self { fields, bytes_per_frame })
    }

    /// The fields in the order of their offsets.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Bytes of one frame.
    #[must_use]
    pub fn bytes_per_frame(&self) -> usize {
        self.bytes_per_frame
    }

    /// The field of a name.
    ///
    /// # Errors
    /// [`Error::UnknownField`].
    pub fn field(&self, name: &str) -> Result<&Field> {
        let found = self.fields.iter().find(|field| field.name == name);
        found.ok_or_else(|| Error::UnknownField { name: name.to_owned() })
    }

    /// Appends one frame of `bytes_per_frame()` bytes. Values outside a field's range are clamped to it, NaN
    /// becomes its smallest value, and missing bands or chroma read their smallest value too.
    pub fn encode(&self, values: &FrameValues, out: &mut Vec<u8>) {
        for field in &self.fields {
            match field.name.as_str() {
                BANDS => field.push_all(values.bands_db, out),
                LOUDNESS => field.push(values.loudness_lufs, out),
                PEAK => field.push(values.peak_dbfs, out),
                ONSET => field.push(values.onset, out),
                CENTROID => field.push_frequency(values.centroid_hz, out),
                CHROMA => field.push_all(values.chroma.map_or(&[], |chroma| chroma.as_slice()), out),
                _ => out.resize(out.len() + field.size_bytes(), 0),
            }
        }
    }

    /// Physical values of one field over whole frames, frame by frame: `frames.len() / bytes_per_frame()`
    /// rows of `count` values. "No value" reads NaN.
    ///
    /// # Errors
    /// [`Error::UnknownField`].
    pub fn decode_field(&self, name: &str, frames: &[u8]) -> Result<Vec<f32>> {
        let field = self.field(name)?;
        let rows = frames.chunks_exact(self.bytes_per_frame);
        let mut values = Vec::with_capacity(rows.len() * field.count);
        for row in rows {
            values.extend(field.raw_values(row).map(|raw| field.physical(raw)));
        }
        Ok(values)
    }
}
