//! The genres, by name.

use super::recipes::{Recipe, dance, folk, popular, solo};
use std::fmt;

/// What kind of music a song is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Genre {
    /// Guitars, kick on one and three, snare on two and four.
    Rock,
    /// Kick on every beat, hats and bass between.
    House,
    /// Faster, darker house without a tune.
    Techno,
    /// Broken beats around 170.
    DrumAndBass,
    /// Slow, swung sixteenths.
    HipHop,
    /// Syncopated sixteenths.
    Funk,
    /// Chords off the beat, one drop.
    Reggae,
    /// Swung eighths on the ride, a walking bass.
    JazzSwing,
    /// Three to a bar.
    Waltz,
    /// Slow, with piano and rim.
    Ballad,
    /// A clave of eighths over a steady bass.
    BossaNova,
    /// Two to a bar, brass and snare.
    March,
    /// Distorted guitars and double kick.
    Metal,
    /// Five quarters to a bar.
    FiveFour,
    /// Seven eighths to a bar, each a beat.
    SevenEight,
    /// Slow six eighths, two beats to a bar.
    SixEightBallad,
    /// A piano alone.
    SoloPiano,
    /// A guitar alone, picked.
    SoloGuitar,
    /// Bowed strings with slow attacks.
    StringQuartet,
    /// Fast six eighths, two beats to a bar.
    Jig,
    /// Fast sixteenths, two beats to a bar.
    Reel,
}

impl Genre {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Rock,
        Self::House,
        Self::Techno,
        Self::DrumAndBass,
        Self::HipHop,
        Self::Funk,
        Self::Reggae,
        Self::JazzSwing,
        Self::Waltz,
        Self::Ballad,
        Self::BossaNova,
        Self::March,
        Self::Metal,
        Self::FiveFour,
        Self::SevenEight,
        Self::SixEightBallad,
        Self::SoloPiano,
        Self::SoloGuitar,
        Self::StringQuartet,
        Self::Jig,
        Self::Reel,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    pub(super) fn recipe(self) -> &'static Recipe {
        self.entry().1
    }

    fn entry(self) -> (&'static str, &'static Recipe) {
        match self {
            Self::Rock => ("rock", &popular::ROCK),
            Self::House => ("house", &dance::HOUSE),
            Self::Techno => ("techno", &dance::TECHNO),
            Self::DrumAndBass => ("drum and bass", &dance::DRUM_AND_BASS),
            Self::HipHop => ("hip hop", &dance::HIP_HOP),
            Self::Funk => ("funk", &popular::FUNK),
            Self::Reggae => ("reggae", &popular::REGGAE),
            Self::JazzSwing => ("jazz swing", &folk::JAZZ_SWING),
            Self::Waltz => ("waltz", &folk::WALTZ),
            Self::Ballad => ("ballad", &popular::BALLAD),
            Self::BossaNova => ("bossa nova", &folk::BOSSA_NOVA),
            Self::March => ("march", &folk::MARCH),
            Self::Metal => ("metal", &popular::METAL),
            Self::FiveFour => ("5/4", &popular::FIVE_FOUR),
            Self::SevenEight => ("7/8", &popular::SEVEN_EIGHT),
            Self::SixEightBallad => ("6/8 ballad", &popular::SIX_EIGHT_BALLAD),
            Self::SoloPiano => ("solo piano", &solo::PIANO),
            Self::SoloGuitar => ("solo guitar", &solo::GUITAR),
            Self::StringQuartet => ("string quartet", &solo::STRING_QUARTET),
            Self::Jig => ("jig", &folk::JIG),
            Self::Reel => ("reel", &folk::REEL),
        }
    }
}

impl fmt::Display for Genre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
