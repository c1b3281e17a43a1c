//! A room around a mix: what is heard after the sound itself (Schroeder, "Natural sounding artificial
//! reverberation", JAES 10(3), 1962).

use crate::voices::Mix;

/// Delays of the combs, in seconds, for the left channel; the right ones are 7 % longer.
const COMBS_S: [f64; 4] = [0.0297, 0.0371, 0.0411, 0.0437];

impl Mix {
    /// Adds `wet` of four combs that fall by 60 dB within `decay_s` seconds.
    pub(crate) fn room(&mut self, wet: f32, decay_s: f64) {
        let rate = self.rate;
        for (channel, stretch) in [(&mut self.left, 1.0), (&mut self.right, 1.07)] {
            let mut tail = vec![0.0_f32; channel.len()];
            for delay_s in COMBS_S.map(|delay| delay * stretch) {
                let delay = (delay_s * rate) as usize;
                let feedback = 10.0_f64.powf(-3.0 * delay_s / decay_s) as f32;
                let mut ring = vec![0.0_f32; delay];
                for (i, (out, dry)) in tail.iter_mut().zip(channel.iter()).enumerate() {
                    let heard = ring[i % delay];
                    ring[i % delay] = dry + feedback * heard;
                    *out += heard;
                }
            }
            channel.iter_mut().zip(&tail).for_each(|(dry, tail)| *dry += wet * 0.25 * tail);
        }
    }
}
