//! A fast logarithm for compression, where an error of 1e-5 is far below what is heard.

/// `log2(1 + x)` for `x >= 0`, within 1e-5; exactly 0 at 0.
///
/// Exponent bits plus a polynomial in the mantissa, so that loops over it vectorise.
#[must_use]
#[inline(always)]
pub(crate) fn log2_1p(x: f32) -> f32 {
    let bits = (1.0 + x).to_bits();
    #[expect(clippy::cast_possible_wrap, reason = "the exponent of a positive float has 8 bits")]
    let exponent = (bits >> 23) as i32 - 127;
    let m = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000) - 1.0;
    // Least squares on [0, 1) of log2(1+m)/m with both ends exact: continuous over octaves, 0 at 0.
    let poly = 1.442_501_7
        + m * (-0.717_668_1 + m * (0.455_742_9 + m * (-0.274_832_3 + m * (0.119_381_4 - m * 0.025_125_6))));
    #[expect(clippy::cast_precision_loss, reason = "a small exponent")]
    let whole = exponent as f32;
    whole + m * poly
}

#[cfg(test)]
mod tests {
    use super::log2_1p;

    #[test]
    fn it_agrees_with_the_standard_library() {
        assert!(log2_1p(0.0) == 0.0);
        for i in 0..200_000 {
            let x = (i as f32 * 1e-4).exp() - 1.0;
            let exact = f64::from(1.0 + x).log2();
            assert!((f64::from(log2_1p(x)) - exact).abs() < 1e-5 * exact.max(1.0), "x = {x}");
        }
    }
}
