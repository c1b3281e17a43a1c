//! The players: drums, bass, chords and tune, each reading its line of the groove.

use super::band::Bar;
use super::recipes::{Drum, Voice};
use super::song::{Part, Song};
use crate::Rng;
use crate::voices::Mix;

/// A note of a pitched line: from which step, for how many, and its character.
struct Note {
    step: usize,
    steps: usize,
    what: char,
}

/// All players of a song.
pub(super) struct Player<'a> {
    song: &'a Song,
    mix: Mix,
    rng: Rng,
}

impl<'a> Player<'a> {
    pub(super) fn new(song: &'a Song, seconds: f64, rng: Rng) -> Self {
        Self { song, mix: Mix::new(seconds, song.sample_rate_hz), rng }
    }

    /// Left and right, with the room around them.
    pub(super) fn finish(mut self) -> (Vec<f32>, Vec<f32>) {
        let sound = &self.song.sound;
        if sound.wet > 0.03 {
            self.mix.room(sound.wet as f32, sound.decay_s);
        }
        self.mix.normalise(sound.peak as f32);
        (self.mix.left, self.mix.right)
    }

    /// Plays a bar of a part.
    pub(super) fn play(&mut self, part: &Part, bar: &Bar<'_>) {
        if part.drums {
            self.drums(bar);
        }
        if part.bass {
            self.bass(bar);
        }
        if part.comp {
            self.comp(bar);
        }
        if part.lead {
            self.lead(part, bar);
        }
    }

    /// When a step is played: swung, and as loose as the player is.
    fn time(&mut self, bar: &Bar<'_>, step: usize) -> f64 {
        let beat = step / bar.groove.div - bar.skip;
        let place = (step % bar.groove.div) as f64 / bar.groove.div as f64;
        let place = self.song.swing.map_or(place, |swing| swing.bend(place));
        let (from, to) = (bar.times[beat], bar.times[beat + 1]);
        from + place * (to - from) + self.song.sound.loose_s * f64::from(self.rng.noise())
    }

    fn drums(&mut self, bar: &Bar<'_>) {
        let gain = self.song.sound.gains[0];
        let drums = bar.groove.drums;
        for (drum, line) in drums {
            for (step, level) in line_of(line, bar) {
                let level = match level {
                    'X' => 1.0,
                    'x' => 0.7,
                    'o' => 0.35,
                    _ => continue,
                };
                if level > 0.5 || self.rng.unit() > 0.08 {
                    let uneven = 1.0 + 0.12 * f64::from(self.rng.noise());
                    let at = self.time(bar, step);
                    self.strike(*drum, at, gain * level * uneven);
                }
            }
        }
        if bar.index == 0 && bar.skip == 0 && !drums.is_empty() {
            self.mix.crash(bar.times[0], 0.8 * gain, &mut self.rng);
        }
        if bar.last && drums.len() > 1 && self.rng.unit() < 0.6 {
            self.fill(bar, gain);
        }
    }

    /// Four hits that fall over the toms in the last beat.
    fn fill(&mut self, bar: &Bar<'_>, gain: f64) {
        let [.., from, to] = bar.times else { return };
        for (hit, hz) in [0.0, 0.25, 0.5, 0.75].into_iter().zip([210.0, 170.0, 130.0, 95.0]) {
            self.mix.tom(from + hit * (to - from), 0.6 * gain, hz);
        }
    }

    fn bass(&mut self, bar: &Bar<'_>) {
        let voice = self.song.genre.recipe().bass;
        let gain = 0.3 * self.song.sound.gains[1];
        for note in notes(bar.groove.bass, bar) {
            let hz = self.pitch(bar, &note, 2);
            let (at, seconds) = self.span(bar, &note);
            self.sound(voice, at, seconds, hz, gain, 0.0);
        }
    }

    fn comp(&mut self, bar: &Bar<'_>) {
        let recipe = self.song.genre.recipe();
        let gain = 0.1 * self.song.sound.gains[2];
        for note in notes(bar.groove.comp, bar) {
            let (at, seconds) = self.span(bar, &note);
            if note.what != 'x' {
                let hz = self.pitch(bar, &note, 3);
                self.sound(recipe.comp, at, seconds, hz, 1.4 * gain, -0.3);
                continue;
            }
            if recipe.comp == Voice::Distorted {
                let hz = self.song.tonality.tone_hz(bar.chord, 0, 2);
                self.sound(recipe.comp, at, seconds, hz, 1.6 * gain, -0.5);
                self.sound(recipe.comp, at, seconds, 2.0 * hz, gain, 0.5);
                continue;
            }
            let strum_s = if recipe.comp == Voice::Guitar { 0.006 } else { 0.0 };
            for tone in 0..if recipe.sevenths { 4 } else { 3 } {
                let hz = self.song.tonality.tone_hz(bar.chord, tone, 4);
                let pan = 0.2 * tone as f64 - 0.3;
                self.sound(recipe.comp, at + strum_s * tone as f64, seconds, hz, gain, pan);
            }
        }
    }

    /// The tune of two bars, each note lasting to the next, at most a beat.
    fn lead(&mut self, part: &Part, bar: &Bar<'_>) {
        let recipe = self.song.genre.recipe();
        let gain = 0.13 * self.song.sound.gains[3];
        let div = bar.groove.div;
        let steps = div * (bar.times.len() - 1 + bar.skip);
        let written =
            |step: usize| part.tune[(step + (bar.index % 2) * part.tune.len() / 2) % part.tune.len()];
        for step in div * bar.skip..steps {
            let Some(pitch) = written(step) else { continue };
            let next = (step + 1..steps).find(|&next| written(next).is_some()).unwrap_or(steps);
            let note = Note { step, steps: (next - step).min(div.max(2)), what: ' ' };
            let (at, seconds) = self.span(bar, &note);
            let octave = if recipe.lead == Voice::Brass { 4 } else { 5 };
            let hz =
                self.song.tonality.hz(bar.chord, bar.chord % 7 + pitch, octave - i32::from(bar.chord >= 4));
            let accent = if step.is_multiple_of(div) { 1.1 } else { 0.9 };
            self.sound(recipe.lead, at, seconds, hz, accent * gain, 0.25);
        }
    }

    /// Start and length of a note, in seconds.
    fn span(&mut self, bar: &Bar<'_>, note: &Note) -> (f64, f64) {
        let at = self.time(bar, note.step);
        let beats = note.steps as f64 / bar.groove.div as f64;
        let beat_s = (bar.times[bar.times.len() - 1] - bar.times[0]) / (bar.times.len() - 1) as f64;
        (at, (0.92 * beats * beat_s).max(0.06))
    }

    fn pitch(&mut self, bar: &Bar<'_>, note: &Note, octave: i32) -> f64 {
        let tonality = self.song.tonality;
        match note.what {
            '3' => tonality.tone_hz(bar.chord, 1, octave),
            '5' => tonality.tone_hz(bar.chord, 2, octave),
            '7' => tonality.tone_hz(bar.chord, 3, octave),
            '8' => tonality.tone_hz(bar.chord, 0, octave + 1),
            'w' if note.step > 0 => {
                let step = *self.rng.pick(&[0, 1, 2, 4, 4, 6]);
                tonality.hz(bar.chord, bar.chord + step, octave - i32::from(bar.chord >= 4))
            }
            _ => tonality.tone_hz(bar.chord, 0, octave),
        }
    }

    fn strike(&mut self, drum: Drum, at: f64, gain: f64) {
        let (mix, rng) = (&mut self.mix, &mut self.rng);
        match drum {
            Drum::Kick => mix.kick(at, 0.9 * gain),
            Drum::Snare => mix.snare(at, 0.7 * gain, rng),
            Drum::Rim => mix.rim(at, gain),
            Drum::Clap => mix.clap(at, gain, rng),
            Drum::Hat => mix.hat(at, 0.6 * gain, false, rng),
            Drum::OpenHat => mix.hat(at, 0.6 * gain, true, rng),
            Drum::Ride => mix.ride(at, gain, rng),
            Drum::Tom => mix.tom(at, 0.8 * gain, 88.0),
            Drum::Shaker => mix.shaker(at, gain, rng),
        }
    }

    fn sound(&mut self, voice: Voice, at: f64, seconds: f64, hz: f64, gain: f64, pan: f64) {
        let bow_s = self.song.sound.bow_s;
        let mix = &mut self.mix;
        match voice {
            Voice::Bass => mix.bass(at, seconds, hz, gain),
            Voice::SynthBass => mix.synth_bass(at, seconds, hz, gain),
            Voice::LowBowed => mix.bowed(at, seconds, hz, 0.7 * gain, 0.4, bow_s),
            Voice::Piano => mix.piano(at, seconds, hz, gain, pan),
            Voice::Guitar => mix.pluck(at, seconds, hz, gain, pan),
            Voice::Distorted => mix.distorted(at, seconds, hz, gain, pan),
            Voice::Organ => mix.organ(at, seconds, hz, gain, pan),
            Voice::Pad => mix.pad(at, seconds, hz, gain, pan),
            Voice::Bowed => mix.bowed(at, seconds, hz, gain, pan, bow_s),
            Voice::Fiddle => mix.bowed(at, seconds, hz, gain, pan, 0.02),
            Voice::Lead => mix.lead(at, seconds, hz, gain, pan),
            Voice::Brass => mix.brass(at, seconds, hz, gain, pan),
            Voice::Flute => mix.flute(at, seconds, hz, gain, pan, &mut self.rng),
        }
    }
}

/// The steps of a bar that sound, and the line's character at each; the line is cut or repeated.
fn line_of<'l>(line: &'l str, bar: &Bar<'_>) -> impl Iterator<Item = (usize, char)> + use<'l> {
    let beats = bar.times.len() - 1 + bar.skip;
    let from = bar.groove.div * bar.skip;
    line.chars().cycle().take(bar.groove.div * beats).enumerate().skip(from)
}

fn notes(line: &str, bar: &Bar<'_>) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for (step, what) in line_of(line, bar) {
        match (what, notes.last_mut()) {
            ('.', _) | ('-', None) => {}
            ('-', Some(note)) => note.steps = step + 1 - note.step,
            _ => notes.push(Note { step, steps: 1, what }),
        }
    }
    notes
}
