//! Where a track begins and ends to sound.

/// Steps of level that are told apart, 3 dB each, from full scale down.
const LEVELS: usize = 32;
/// A frame this many steps (45 dB) below the loudest is before the music or after it.
const RANGE: usize = 15;

/// First and last frame of each level.
#[derive(Debug, Clone)]
pub(crate) struct Sounding {
    /// `[level]`: first and last frame that was at least so loud.
    spans: [Option<(usize, usize)>; LEVELS],
    frame: usize,
}

impl Sounding {
    pub(crate) fn new() -> Self {
        Self { spans: [None; LEVELS], frame: 0 }
    }

    /// Takes a frame's amplitudes, relative to a full-scale sine.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "levels are positive and small; `as` saturates"
    )]
    pub(crate) fn push(&mut self, amplitudes: &[f32]) {
        let energy: f32 = amplitudes.iter().map(|a| a * a).sum();
        let level = (-energy.log2()).max(0.0) as usize;
        for span in self.spans.iter_mut().skip(level) {
            span.get_or_insert((self.frame, self.frame)).1 = self.frame;
        }
        self.frame += 1;
    }

    /// First and last frame of the music; `None` where nothing sounded.
    pub(crate) fn span(&self) -> Option<(usize, usize)> {
        let loudest = self.spans.iter().position(Option::is_some)?;
        self.spans[(loudest + RANGE).min(LEVELS - 1)]
    }
}
