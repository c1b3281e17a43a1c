//! The one place where units are converted. Times are kept in samples or frames, and become ms at the edge.

/// Power to decibels: `10·log10(power)`; zero or less gives negative infinity.
#[must_use]
pub fn power_to_db(power: f32) -> f32 {
    if power > 0.0 { 10.0 * power.log10() } else { f32::NEG_INFINITY }
}

/// Sample frames to milliseconds, rounded to nearest; a rate of 0 counts as 1 Hz.
///
/// ```
/// assert_eq!(analysis_core::units::frames_to_ms(44_100, 44_100), 1_000);
/// ```
#[must_use]
pub fn frames_to_ms(frames: u64, sample_rate_hz: u32) -> u64 {
    let rate = u128::from(sample_rate_hz.max(1));
    u64::try_from((u128::from(frames) * 1000 + rate / 2) / rate).unwrap_or(u64::MAX)
}

/// Sample on which analysis frame `index` is centred: `round(index · hop_ms · rate / 1000)`, so times
/// never drift where the hop is no whole number of samples.
#[must_use]
pub fn frame_center_sample(index: u64, hop_ms: u32, sample_rate_hz: u32) -> u64 {
    let scaled = u128::from(index) * u128::from(hop_ms) * u128::from(sample_rate_hz);
    u64::try_from((scaled + 500) / 1000).unwrap_or(u64::MAX)
}

/// Number of analysis frames whose centre lies before the end of `samples` sample frames; 0 for a hop or rate of 0.
///
/// ```
/// assert_eq!(analysis_core::units::frame_count(44_100, 10, 44_100), 100);
/// ```
#[must_use]
pub fn frame_count(samples: u64, hop_ms: u32, sample_rate_hz: u32) -> u64 {
    let hop = u128::from(hop_ms) * u128::from(sample_rate_hz);
    if samples == 0 || hop == 0 {
        return 0;
    }
    // The smallest i with round(i·hop/1000) >= samples.
    let target = u128::from(samples) * 1000 - 500;
    u64::try_from(target.div_ceil(hop)).unwrap_or(u64::MAX)
}

/// Seconds to whole milliseconds, rounded to nearest; negative times and what is no number become 0.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u64 by `as`"
)]
pub fn seconds_to_ms(seconds: f64) -> u64 {
    (seconds * 1000.0).round().max(0.0) as u64
}

/// Frequency in Hz to a MIDI note number (A4 = 440 Hz = 69), fractional: `69 + 12·log2(hz / 440)`. 0 Hz gives negative
/// infinity, less gives NaN.
#[must_use]
pub fn hz_to_midi(hz: f32) -> f32 {
    69.0 + 12.0 * (hz / 440.0).log2()
}

/// MIDI note number to Hz: `440 · 2^((midi − 69) / 12)`.
#[must_use]
pub fn midi_to_hz(midi: f32) -> f32 {
    440.0 * ((midi - 69.0) / 12.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_count_is_the_first_frame_centred_past_the_end() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000] {
            for hop_ms in [1, 7, 10, 33, 100] {
                for samples in [1_u64, 2, 10, 440, 441, 442, 44_100, 123_457] {
                    let n = frame_count(samples, hop_ms, rate);
                    assert!(frame_center_sample(n, hop_ms, rate) >= samples);
                    assert!(n == 0 || frame_center_sample(n - 1, hop_ms, rate) < samples);
                }
            }
        }
        assert_eq!(frame_count(0, 10, 44_100), 0);
    }

    #[test]
    fn notes_and_frequencies_are_inverse() {
        assert!((hz_to_midi(440.0) - 69.0).abs() < 1e-6);
        assert!((midi_to_hz(hz_to_midi(1234.5)) - 1234.5).abs() < 1e-2); // f32 log2/exp2
    }
}
