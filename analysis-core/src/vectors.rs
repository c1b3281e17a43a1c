//! Kernels compiled for the vectors that this CPU has. The only room that names pulp.
//!
//! A kernel is plain Rust that vectorises by itself. [`widest`] compiles it once for the baseline of the target and
//! once for each newer instruction set (AVX2, AVX-512), and runs the best that the CPU offers. Rust never fuses a
//! product and a sum of its own accord, so all of them give the same bits; kernels that sum up do it in lanes of a fixed
//! number.

/// A slice of plain numbers seen as a slice of others: complex ones as their real and imaginary parts.
pub(crate) use pulp::bytemuck::cast_slice_mut;

/// Runs `kernel` with the widest vectors of this CPU.
///
/// Everything the kernel calls must be inlined into it, or it stays at the baseline: mark the closure and its functions
/// `#[inline(always)]`, and copy what a loop accumulates into local arrays, so that it stays in registers.
pub(crate) fn widest<R>(kernel: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(kernel)
}
