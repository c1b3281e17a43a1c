//! The learned beat and downbeat activation: a temporal convolutional network.
//!
//! Thirty-eight thousand weights, trained on music that a script makes (`training/` in the repository), after
//! Davies & Böck, "Temporal convolutional networks for musical audio beat tracking", EUSIPCO 2019. Plain loops,
//! streaming, the same bytes on every run.

pub mod input;
mod layers;
mod weights;

use input::Input;
use layers::{Dilated, Front, Row};
use weights::Weights;

/// Filters that the network hears: those of the rhythm stage up to 13 kHz.
pub const BANDS: usize = 76;
/// Rows of 10 ms that make a frame of the network.
pub const ROWS_PER_FRAME: usize = 2;
/// Channels of every layer but the first.
const CHANNELS: usize = 24;
/// Distances of the taps of the dilated layers, in frames.
const DILATIONS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/// Frames that go through a layer at a time, so that its weights stay in cache; a multiple of those that it handles side
/// by side.
const BLOCK: usize = 15;

/// What the network says of a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Belief {
    /// Log-odds of a beat, in nats.
    pub beat: f32,
    /// Log-odds of a downbeat, in nats.
    pub downbeat: f32,
}

/// Listens to the amplitudes of the rhythm stage's filters, one row each 10 ms; believes something each 20 ms.
///
/// ```text
/// x  (2T × 76)   levelled log bands                                      crate::beat_net::input
/// h  (T × 216)   5 rows × 8 bands → 12 channels, stride 2 rows × 4 bands
/// h  (T × 144)   3 frames × 3 windows × 12 → 24 channels, stride 3 windows
/// h  (T × 24)    dense
/// h += M·leaky(C_d * h)     9 times, C_d: 5 taps at a distance of d = 1, 2, 4 … 256 frames, M: 24 × 24
/// y  (T × 2)     dense on leaky(h)                                       leaky(v) = max(v, v/10)
/// ```
///
/// What lies before and after the track is silence to the first layer and zero to the others. A belief comes 24.8 s
/// after its moment at most. Memory: 1 MB.
#[derive(Debug, Clone)]
pub struct BeatNet {
    input: Input,
    front: Front,
    dilated: Vec<Dilated>,
    out: layers::Dense<CHANNELS, 2>,
    /// Frames on their way from one layer to the next.
    rows: Vec<Row>,
    next: Vec<Row>,
}

impl Default for BeatNet {
    fn default() -> Self {
        Self::new()
    }
}

impl BeatNet {
    /// A network that has heard nothing, with the weights that come with this engine.
    #[must_use]
    pub fn new() -> Self {
        let mut weights = Weights::standard();
        let front = Front::new(&mut weights);
        let dilated = DILATIONS.map(|dilation| Dilated::new(&mut weights, dilation)).into();
        let out = layers::Dense::new(&mut weights);
        Self { input: Input::new(), front, dilated, out, rows: Vec::new(), next: Vec::new() }
    }

    /// Takes the filters' amplitudes of the next 10 ms, as [`crate::onset::OnsetStrength::amplitudes`] gives them (those
    /// beyond [`BANDS`] are passed over, missing ones are silence); gives beliefs, in order, one for every two rows.
    pub fn push(&mut self, amplitudes: &[f32], out: &mut impl FnMut(Belief)) {
        if let Some(row) = self.input.push(amplitudes) {
            self.front.push(row, &mut self.rows);
        }
        if self.rows.len() >= BLOCK {
            self.believe(false, out);
        }
    }

    /// Ends the track and gives what is left: in all, half as many beliefs as rows, rounded up.
    pub fn finish(&mut self, out: &mut impl FnMut(Belief)) {
        let (front, rows) = (&mut self.front, &mut self.rows);
        self.input.finish(&mut |row| front.push(row, rows));
        self.front.finish(&mut self.rows);
        self.believe(true, out);
    }

    fn believe(&mut self, last: bool, out: &mut impl FnMut(Belief)) {
        for layer in &mut self.dilated {
            self.next.clear();
            layer.process(&self.rows, &mut self.next);
            if last {
                layer.finish(&mut self.next);
            }
            std::mem::swap(&mut self.rows, &mut self.next);
        }
        for row in self.rows.drain(..) {
            let [beat, downbeat] = self.out.apply(&row.map(layers::leaky));
            out(Belief { beat, downbeat });
        }
    }
}

#[cfg(test)]
mod tests;
