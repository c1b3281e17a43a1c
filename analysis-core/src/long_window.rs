//! Power spectra over a long window, for stages that need fine frequency rather than fine time.

use crate::units::frame_center_sample;
use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};
use std::sync::Arc;

/// A short-time Fourier transform whose window length is free of its hop.
pub(crate) struct Stft {
    rate_hz: u32,
    hop_ms: u32,
    plan: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    scale: f32,
    /// The samples still needed; `buffer[0]` is sample `start` of the signal, `window.len()/2` zeros before 0.
    buffer: Vec<f32>,
    start: i64,
    total: u64,
    next: u64,
    scratch: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    power: Vec<f32>,
    work: Vec<Complex<f32>>,
}

impl Stft {
    pub(crate) fn with_window(rate_hz: u32, hop_ms: u32, window_len: usize) -> Self {
        let fft_len = smooth_even(window_len);
        let plan = RealFftPlanner::new().plan_fft_forward(fft_len);
        let window: Vec<f32> = (0..window_len).map(|n| hann(n, window_len)).collect();
        let scale = 2.0 / window.iter().sum::<f32>();
        Self {
            rate_hz,
            hop_ms,
            scratch: plan.make_input_vec(),
            spectrum: plan.make_output_vec(),
            work: plan.make_scratch_vec(),
            power: vec![0.0; fft_len / 2 + 1],
            buffer: vec![0.0; window_len / 2],
            start: -(window_len as i64 / 2),
            total: 0,
            next: 0,
            plan,
            window,
            scale: scale * scale,
        }
    }

    pub(crate) fn bins(&self) -> usize {
        self.power.len()
    }

    pub(crate) fn bin_hz(&self) -> f32 {
        self.rate_hz as f32 / self.scratch.len() as f32
    }

    pub(crate) fn push(&mut self, mono: &[f32], on_frame: &mut impl FnMut(&[f32])) {
        for part in mono.chunks(self.window.len()) {
            self.buffer.extend_from_slice(part);
            self.total += part.len() as u64;
            self.drain(on_frame);
        }
    }

    pub(crate) fn finish(&mut self, on_frame: &mut impl FnMut(&[f32])) {
        let frames = crate::units::frame_count(self.total, self.hop_ms, self.rate_hz);
        while self.next < frames {
            self.buffer.resize(self.buffer.len() + self.window.len(), 0.0);
            self.drain_until(frames, on_frame);
        }
    }

    fn drain(&mut self, on_frame: &mut impl FnMut(&[f32])) {
        self.drain_until(u64::MAX, on_frame);
    }

    fn drain_until(&mut self, frames: u64, on_frame: &mut impl FnMut(&[f32])) {
        while self.next < frames {
            let center = frame_center_sample(self.next, self.hop_ms, self.rate_hz) as i64;
            let offset = (center - self.window.len() as i64 / 2 - self.start) as usize;
            if offset + self.window.len() > self.buffer.len() {
                let done = offset.min(self.buffer.len());
                self.buffer.drain(..done);
                self.start += done as i64;
                return;
            }
            self.transform(offset);
            self.next += 1;
            on_frame(&self.power);
        }
    }

    fn transform(&mut self, offset: usize) {
        let samples = &self.buffer[offset..offset + self.window.len()];
        for ((out, x), w) in self.scratch.iter_mut().zip(samples).zip(&self.window) {
            *out = x * w;
        }
        self.scratch[self.window.len()..].fill(0.0);
        let _ = self.plan.process_with_scratch(&mut self.scratch, &mut self.spectrum, &mut self.work);
        for (p, x) in self.power.iter_mut().zip(&self.spectrum) {
            *p = x.norm_sqr() * self.scale;
        }
    }
}

fn hann(n: usize, len: usize) -> f32 {
    let phase = 2.0 * std::f64::consts::PI * n as f64 / len as f64;
    (0.5 - 0.5 * phase.cos()) as f32
}

fn smooth_even(at_least: usize) -> usize {
    (at_least..).find(|&n| n % 2 == 0 && smooth(n)).unwrap_or(at_least)
}

fn smooth(mut n: usize) -> bool {
    while n % 2 == 0 {
        n /= 2;
    }
    while n % 3 == 0 {
        n /= 3;
    }
    n == 1
}
