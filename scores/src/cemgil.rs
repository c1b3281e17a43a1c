//! How near beats are, without a window's edge (Cemgil, Kappen, Desain, Honing, "On tempo tracking: tempogram
//! representation and Kalman filtering", JNMR 29(4), 2001; as the first value of `mir_eval.beat.cemgil`).
//!
//! ```text
//! score = Σ exp(−d² / 2σ²) / ½(reference + estimated),   d from each reference to the nearest estimate, σ = 40 ms
//! ```

/// Width of the bell, in seconds.
const SIGMA_S: f64 = 0.04;

/// Score, 0 to 1, of `estimated` against `reference`: rising times in seconds. 0 where either is empty.
#[must_use]
pub fn cemgil(reference: &[f64], estimated: &[f64]) -> f64 {
    if reference.is_empty() || estimated.is_empty() {
        return 0.0;
    }
    let near = |time: &f64| (-nearest_s(estimated, *time).powi(2) / (2.0 * SIGMA_S * SIGMA_S)).exp();
    reference.iter().map(near).sum::<f64>() / (0.5 * (reference.len() + estimated.len()) as f64)
}

/// Distance to the nearest of rising times, which are not empty.
fn nearest_s(times: &[f64], time: f64) -> f64 {
    let after = times.partition_point(|other| *other < time);
    let around = &times[after.saturating_sub(1)..times.len().min(after + 1)];
    around.iter().map(|other| (other - time).abs()).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_worth_more_than_far_and_nothing_nothing() {
        let truth = [1.0, 2.0, 3.0];
        assert_eq!(cemgil(&truth, &truth), 1.0);
        let late = |by: f64| cemgil(&truth, &truth.map(|time| time + by));
        assert!(late(0.01) > late(0.04) && late(0.04) > late(0.2));
        assert!((late(0.04) - (-0.5_f64).exp()).abs() < 1e-12);
        assert_eq!((cemgil(&[], &truth), cemgil(&truth, &[]), cemgil(&[], &[])), (0.0, 0.0, 0.0));
    }
}
