//! The weighted key score of MIREX (music-ir.org, "Audio Key Detection"; as `mir_eval.key.weighted_score`):
//!
//! | estimate | score |
//! |---|---|
//! | the same key | 1 |
//! | a perfect fifth above, same mode | 0.5 |
//! | relative major or minor | 0.3 |
//! | parallel major or minor | 0.2 |
//! | another | 0 |

/// A key as annotations name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Music without a key: `X`.
    None,
    /// Pitch class of the tonic, C = 0, and the mode.
    Tonic(u8, Mode),
}

/// What follows the tonic's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Major.
    Major,
    /// Minor.
    Minor,
    /// Another scale: `other`.
    Other,
}

const NAMES: [(&str, u8); 17] = [
    ("c", 0),
    ("c#", 1),
    ("db", 1),
    ("d", 2),
    ("d#", 3),
    ("eb", 3),
    ("e", 4),
    ("f", 5),
    ("f#", 6),
    ("gb", 6),
    ("g", 7),
    ("g#", 8),
    ("ab", 8),
    ("a", 9),
    ("a#", 10),
    ("bb", 10),
    ("b", 11),
];

impl Key {
    /// Reads `C# minor`, `eb Major` or `X`; `None` where it is no key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split_whitespace().collect();
        match words[..] {
            ["x"] => Some(Self::None),
            [tonic, mode] => {
                let (_, pitch_class) = NAMES.iter().find(|(name, _)| *name == tonic)?;
                let mode = match mode {
                    "major" => Mode::Major,
                    "minor" => Mode::Minor,
                    "other" => Mode::Other,
                    _ => return None,
                };
                Some(Self::Tonic(*pitch_class, mode))
            }
            _ => None,
        }
    }
}

/// Score of an estimated key, 0 to 1.
#[must_use]
pub fn weighted_score(reference: Key, estimate: Key) -> f64 {
    if reference == estimate {
        return 1.0;
    }
    let (Key::Tonic(truth, truth_mode), Key::Tonic(said, said_mode)) = (reference, estimate) else {
        return 0.0;
    };
    let above = (12 + said - truth) % 12;
    match (truth_mode, above) {
        (_, 7) if said_mode == truth_mode => 0.5,
        _ if said_mode == truth_mode => 0.0,
        (Mode::Major, 9) | (Mode::Minor, 3) => 0.3,
        (_, 0) => 0.2,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reference: &str, estimate: &str, want: f64) {
        let score = weighted_score(Key::parse(reference).unwrap(), Key::parse(estimate).unwrap());
        assert_eq!(score, want, "{reference} {estimate}");
    }

    #[test]
    fn related_keys_score_a_part() {
        check("C major", "C major", 1.0);
        check("Db minor", "C# minor", 1.0);
        check("C major", "G major", 0.5);
        check("C major", "F major", 0.0);
        check("C major", "A minor", 0.3);
        check("A minor", "C major", 0.3);
        check("C major", "C minor", 0.2);
        check("X", "x", 1.0);
        check("X", "C major", 0.0);
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in ["", "C", "H minor", "C dorian", "Cb major", "C # major"] {
            assert_eq!(Key::parse(text), None, "{text:?}");
        }
    }
}
