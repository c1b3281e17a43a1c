/// How samples are stored in a WAV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WavFormat {
    /// Unsigned 8 bit.
    Int8,
    /// Signed 16 bit.
    Int16,
    /// Signed 24 bit.
    Int24,
    /// Signed 32 bit.
    Int32,
    /// IEEE 754 single precision.
    Float32,
}

impl WavFormat {
    fn bytes(self) -> u16 {
        match self {
            Self::Int8 => 1,
            Self::Int16 => 2,
            Self::Int24 => 3,
            Self::Int32 | Self::Float32 => 4,
        }
    }
}

/// A RIFF WAVE file of interleaved samples; integers are rounded and clipped, no dither.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "values are clamped before each cast"
)]
pub fn wav_bytes(interleaved: &[f32], sample_rate_hz: u32, channels: u16, format: WavFormat) -> Vec<u8> {
    let width = format.bytes();
    let size = interleaved.len() as u32 * u32::from(width);
    let mut out = Vec::with_capacity(size as usize + 44);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(size + 36).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt \x10\0\0\0");
    out.extend_from_slice(&if format == WavFormat::Float32 { 3_u16 } else { 1 }.to_le_bytes());
    out.extend_from_slice(&channels.to_le_bytes());
    out.extend_from_slice(&sample_rate_hz.to_le_bytes());
    out.extend_from_slice(&(sample_rate_hz * u32::from(channels * width)).to_le_bytes());
    out.extend_from_slice(&(channels * width).to_le_bytes());
    out.extend_from_slice(&(width * 8).to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&size.to_le_bytes());
    let scaled = |s: f32, bits: u32| {
        let full = f64::from(1_u32 << (bits - 1));
        (f64::from(s) * full).round().clamp(-full, full - 1.0) as i64
    };
    for &s in interleaved {
        match format {
            WavFormat::Int8 => out.push((scaled(s, 8) + 128) as u8),
            WavFormat::Int16 => out.extend_from_slice(&(scaled(s, 16) as i16).to_le_bytes()),
            WavFormat::Int24 => out.extend_from_slice(&(scaled(s, 24) as i32).to_le_bytes()[..3]),
            WavFormat::Int32 => out.extend_from_slice(&(scaled(s, 32) as i32).to_le_bytes()),
            WavFormat::Float32 => out.extend_from_slice(&s.to_le_bytes()),
        }
    }
    out
}
