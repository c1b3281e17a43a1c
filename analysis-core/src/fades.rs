//! Fades: where the music has come up from silence, and where it begins to go down to it.

mod ramp;

/// Length of a level, in steps of 10 ms: levels are kept every 100 ms, a byte each.
const STEPS_PER_LEVEL: u32 = 10;
/// … which is this many ms.
const LEVEL_MS: u64 = 100;
/// A level is kept in half dB above this floor.
const FLOOR_DB: f32 = -100.0;
/// Quieter than this, in dB of RMS relative to full scale, nothing sounds.
const SILENCE_DB: f32 = -70.0;
/// … and this far below the level that a tenth of the sound exceeds, in dB.
const RANGE_DB: f32 = 45.0;

/// Where a track is at its own level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fades {
    /// Where the fade-in ends, in ms; where sound begins (in steps of 100 ms) when there is none, so 0 for music that
    /// starts at once.
    pub in_end_ms: u64,
    /// Where the fade-out starts, in ms; the length of the track when there is none.
    pub out_start_ms: u64,
}

/// Keeps the level of a track every 100 ms, 10 bytes a second, and finds its fades at the end.
///
/// The end of a track is a fade-out of length `T`, 2 to 60 s and at most half of what sounds, if
///
/// ```text
/// L(t) ≈ B + 20·p·log10((E − t)/T)    p = ½, 1, 3/2, 2, 3       (linear, square, cube … in amplitude)
/// or     B − D·(t − E + T)/T          D = 15, 20, 30, 45 dB     (linear in dB)
/// ```
///
/// from `E − T` to the last sound `E`, with `L` the level over 1.5 s and `B` its median over the 10 s before, and
///
/// - the mean distance `|L − model|` from `E − T − 10 s` to `E` is smallest for this `T` and shape, and under 0.7 of
///   that of the best step from one level to another: a quiet coda is no fade;
/// - the last 0.7 s are 15 dB or more under `B`: a hard stop is no fade;
/// - levels still rise by at least a third as much as in the music before: what only falls is a last note that rings on.
///
/// Leading and trailing silence (under -70 dB, or 45 dB under the loud parts) is left out of that. A fade-in is the same
/// backwards, and silence before it counts to it.
#[derive(Debug, Clone, Default)]
pub struct FadeTracker {
    levels: Vec<u8>,
    power: f32,
    steps: u32,
}

impl FadeTracker {
    /// Takes the deviation of the samples over the next 10 ms, as [`crate::envelope::Envelope`] makes it.
    pub fn push(&mut self, deviation: f32) {
        self.power += deviation * deviation;
        self.steps += 1;
        if self.steps == STEPS_PER_LEVEL {
            self.close();
        }
    }

    fn close(&mut self) {
        let power = self.power / self.steps.max(1) as f32;
        self.levels.push(to_byte(crate::units::power_to_db(power)));
        (self.power, self.steps) = (0.0, 0);
    }

    /// The fades of a track of this length; `None` for silence.
    #[must_use]
    pub fn finish(mut self, duration_ms: u64) -> Option<Fades> {
        if self.steps > 0 {
            self.close();
        }
        let least = to_byte(self.loud_db()? - RANGE_DB).max(to_byte(SILENCE_DB));
        let first = self.levels.iter().position(|&level| level >= least)?;
        let end = self.levels.iter().rposition(|&level| level >= least)? + 1;
        let sounding = &self.levels[first..end];
        let levels = sounding.len();
        let fade_in = ramp::length(sounding.iter().map(|&level| to_db(level)), levels);
        let fade_out = ramp::length(sounding.iter().rev().map(|&level| to_db(level)), levels);
        let at_ms = |level: usize| (level as u64 * LEVEL_MS).min(duration_ms);
        Some(Fades {
            in_end_ms: at_ms(first + fade_in.unwrap_or(0)),
            out_start_ms: fade_out.map_or(duration_ms, |length| at_ms(end - length)),
        })
    }

    /// The level that a tenth of the sound exceeds, in dB; `None` where nothing sounds.
    fn loud_db(&self) -> Option<f32> {
        let mut counts = [0_usize; 256];
        let sounding = self.levels.iter().filter(|&&level| level >= to_byte(SILENCE_DB));
        sounding.for_each(|&level| counts[usize::from(level)] += 1);
        let tenth = counts.iter().sum::<usize>().div_ceil(10);
        let mut louder = 0;
        let loud = (0..=u8::MAX).rev().find(|&level| {
            louder += counts[usize::from(level)];
            louder >= tenth
        });
        loud.filter(|_| tenth > 0).map(to_db)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn to_byte(db: f32) -> u8 {
    (2.0 * (db - FLOOR_DB)).round() as u8
}

fn to_db(byte: u8) -> f32 {
    f32::from(byte) / 2.0 + FLOOR_DB
}
