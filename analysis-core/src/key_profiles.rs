//! How well a pitch-class profile fits each of the 24 keys.

use crate::chroma::PitchClasses;
use crate::summary::Mode;

/// Number of keys: 12 major, then 12 minor, each from C to B.
pub(crate) const KEYS: usize = 24;
/// A value for every key.
pub(crate) type KeyScores = [f32; KEYS];

/// One published pair of profiles, tonic first: how often or how fittingly each degree is heard in a key.
struct Profile {
    major: PitchClasses,
    minor: PitchClasses,
}

/// Profiles made from different music err on different music, so their correlations are averaged. On development
/// music the mean of these three beat each alone, and beat means that held Krumhansl's too.
const PROFILES: [Profile; 3] = [
    // Electronic dance music: Á. Faraldo, E. Gómez, S. Jordà, P. Herrera, "Key estimation in electronic dance
    // music", ECIR 2016 (EDMA).
    Profile {
        major: [
            0.1652, 0.0475, 0.0829, 0.0669, 0.0999, 0.0927, 0.0529, 0.1316, 0.0522, 0.0744, 0.0694, 0.0643,
        ],
        minor: [
            0.1724, 0.0534, 0.0761, 0.1004, 0.0562, 0.0853, 0.0498, 0.1345, 0.0746, 0.0500, 0.0919, 0.0555,
        ],
    },
    // Popular music: I. Shaath, "Estimation of key in digital music recordings", 2011, after C. Krumhansl's
    // probe-tone ratings ("Cognitive foundations of musical pitch", 1990).
    Profile {
        major: [6.6, 2.0, 3.5, 2.3, 4.6, 4.0, 2.5, 5.2, 2.4, 3.7, 2.3, 3.4],
        minor: [6.5, 2.7, 3.5, 5.4, 2.6, 3.5, 2.5, 5.2, 4.0, 2.7, 4.3, 3.2],
    },
    // Common-practice music: D. Temperley, "Music and probability", 2007, from the Kostka–Payne corpus.
    Profile {
        major: [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400],
        minor: [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330],
    },
];

/// Mean over the profiles of Pearson's correlation with the profile of every key, -1 to 1; all zeros for a flat or
/// empty profile.
#[must_use]
pub(crate) fn correlate(heard: &PitchClasses) -> KeyScores {
    let heard = standardised(heard).unwrap_or_default();
    let mut scores = [0.0; KEYS];
    for profile in &PROFILES {
        for (mode, degrees) in [&profile.major, &profile.minor].into_iter().enumerate() {
            let degrees = standardised(degrees).unwrap_or_default();
            for tonic in 0..12 {
                let fit: f32 = (0..12).map(|degree| degrees[degree] * heard[(tonic + degree) % 12]).sum();
                scores[12 * mode + tonic] += fit / PROFILES.len() as f32;
            }
        }
    }
    scores
}

/// How well the bass supports every key, -1 to 1: it dwells on the tonic, less on the dominant and subdominant.
#[must_use]
pub(crate) fn bass_support(bass: &PitchClasses) -> KeyScores {
    let length = bass.iter().map(|b| b * b).sum::<f32>().sqrt();
    if length <= 0.0 {
        return [0.0; KEYS];
    }
    let mean = bass.iter().sum::<f32>() / 12.0 * 2.0;
    std::array::from_fn(|key| {
        let degree = |steps: usize| bass[(key + steps) % 12];
        (degree(0) + 0.6 * degree(7) + 0.4 * degree(5) - mean) / length
    })
}

/// How much of a profile is the tonic triad of every key, 0 to 1: the cosine with the triad.
#[must_use]
pub(crate) fn triad_support(heard: &PitchClasses) -> KeyScores {
    let length = (3.0 * heard.iter().map(|c| c * c).sum::<f32>()).sqrt();
    if length <= 0.0 {
        return [0.0; KEYS];
    }
    std::array::from_fn(|key| {
        let third = if key < 12 { 4 } else { 3 };
        [0, third, 7].iter().map(|steps| heard[(key + steps) % 12]).sum::<f32>() / length
    })
}

/// Mean taken off, length one; `None` where there is no shape.
pub(crate) fn standardised(classes: &PitchClasses) -> Option<PitchClasses> {
    let mean = classes.iter().sum::<f32>() / 12.0;
    let length = classes.iter().map(|c| (c - mean) * (c - mean)).sum::<f32>().sqrt();
    (length > mean.abs() * 1e-4).then(|| classes.map(|c| (c - mean) / length))
}

/// The best key and the second best.
#[must_use]
pub(crate) fn best_two(scores: &KeyScores) -> (usize, usize) {
    let better = |a: usize, b: usize| scores[a] > scores[b];
    let (mut first, mut second) = (0, 1);
    if better(second, first) {
        (first, second) = (second, first);
    }
    for key in 2..KEYS {
        if better(key, first) {
            (first, second) = (key, first);
        } else if better(key, second) {
            second = key;
        }
    }
    (first, second)
}

/// Names of the pitch classes.
pub(crate) const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// Mode of a key.
#[must_use]
pub(crate) fn mode(key: usize) -> Mode {
    if key < 12 { Mode::Major } else { Mode::Minor }
}

/// For example `A minor`.
#[must_use]
pub(crate) fn name(key: usize) -> String {
    let mode = if key < 12 { "major" } else { "minor" };
    format!("{} {mode}", NAMES[key % 12])
}
