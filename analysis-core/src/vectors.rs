//! Kernels compiled for the vectors that this CPU has. The only room that names pulp.
//!
//! A kernel is plain Rust that vectorises by itself, or one written over vectors of any length ([`WithSimd`]), where
//! the compiler does not see what is meant. [`widest`] compiles it once for the baseline of the target and
//! once for each newer instruction set (AVX2, AVX-512), and runs the best that the CPU offers. Rust never fuses a
//! product and a sum of its own accord, so all of them give the same bits; kernels that sum up do it in lanes of a fixed
//! number.

/// A slice of plain numbers seen as a slice of others: complex ones as their real and imaginary parts.
pub(crate) use pulp::bytemuck::cast_slice_mut;
pub(crate) use pulp::{Simd, WithSimd};

/// Runs `kernel`, a closure of plain Rust, with the widest vectors of this CPU.
///
/// Everything the kernel calls must be inlined into it, or it stays at the baseline: mark the closure and its functions
/// `#[inline(always)]`, write loops instead of `map` and `from_fn` of arrays, and copy what a loop accumulates into local
/// arrays, so that it stays in registers.
pub(crate) fn widest<R>(kernel: impl FnMut() -> R) -> R {
    widest_of(Plain(kernel))
}

/// Runs a kernel that is written over vectors of any length with the widest of this CPU.
pub(crate) fn widest_of<K: WithSimd>(kernel: K) -> K::Output {
    match pulp::Arch::new() {
        // Arrays of eight, which the compiler lays out in the baseline's vectors.
        pulp::Arch::Scalar => kernel.with_simd(pulp::Scalar256b),
        arch => arch.dispatch(kernel),
    }
}

/// A kernel that leaves the vectors to the compiler.
struct Plain<F>(F);

impl<R, F: FnMut() -> R> WithSimd for Plain<F> {
    type Output = R;

    // Not `FnOnce`: that calls the closure through a function of its own, which would stay at the baseline.
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}
