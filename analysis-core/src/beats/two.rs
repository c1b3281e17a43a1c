//! Vectors of scores, and the codes that go with them.
//!
//! Methods rather than closures: what the standard library calls for us is not compiled for the vectors of this CPU.

use super::lanes::LANES;
use crate::vectors::Simd;

/// Two vectors of scores, and the codes that go with them.
#[derive(Clone, Copy)]
pub(super) struct Two<S: Simd> {
    scores: [S::f32s; 2],
    codes: [S::u32s; 2],
}

impl<S: Simd> Two<S> {
    /// How many of them make a row.
    pub(super) const PARTS: usize = LANES / (2 * S::F32_LANES);

    /// One score for all, and no codes.
    #[inline(always)]
    pub(super) fn all(simd: S, score: f32) -> Self {
        Self { scores: [simd.splat_f32s(score); 2], codes: [simd.splat_u32s(0); 2] }
    }

    #[inline(always)]
    pub(super) fn read(_: S, part: usize, scores: &[f32], codes: &[u32]) -> Self {
        let (scores, codes) = (S::as_simd_f32s(scores).0, S::as_simd_u32s(codes).0);
        let at = 2 * part;
        Self { scores: [scores[at], scores[at + 1]], codes: [codes[at], codes[at + 1]] }
    }

    #[inline(always)]
    pub(super) fn write(self, part: usize, scores: &mut [f32], codes: &mut [u32]) {
        let (scores, codes) = (S::as_mut_simd_f32s(scores).0, S::as_mut_simd_u32s(codes).0);
        let at = 2 * part;
        scores[at..at + 2].copy_from_slice(&self.scores);
        codes[at..at + 2].copy_from_slice(&self.codes);
    }

    /// What is better of the two; of equals this.
    #[inline(always)]
    pub(super) fn or(self, simd: S, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.scores, other.scores);
        let (first, second) = (simd.less_than_f32s(a, c), simd.less_than_f32s(b, d));
        Self {
            // The maximum alone, which need not wait for the comparison.
            scores: [simd.max_f32s(c, a), simd.max_f32s(d, b)],
            codes: [
                simd.select_u32s(first, other.codes[0], self.codes[0]),
                simd.select_u32s(second, other.codes[1], self.codes[1]),
            ],
        }
    }

    /// With one code for all.
    #[inline(always)]
    pub(super) fn coded(self, simd: S, code: u32) -> Self {
        Self { codes: [simd.splat_u32s(code); 2], ..self }
    }

    /// With the codes of others.
    #[inline(always)]
    pub(super) fn coded_as(self, others: Self) -> Self {
        Self { codes: others.codes, ..self }
    }

    #[inline(always)]
    pub(super) fn highest(self, simd: S) -> f32 {
        simd.reduce_max_f32s(simd.max_f32s(self.scores[0], self.scores[1]))
    }

    #[inline(always)]
    pub(super) fn plus(self, simd: S, nats: f32) -> Self {
        self.sum(simd, Self::all(simd, nats))
    }

    #[inline(always)]
    pub(super) fn sum(self, simd: S, other: Self) -> Self {
        let [a, b] = self.scores;
        let scores = [simd.add_f32s(a, other.scores[0]), simd.add_f32s(b, other.scores[1])];
        Self { scores, ..self }
    }
}
