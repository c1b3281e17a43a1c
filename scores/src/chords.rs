//! Chords: for how much of the time the right triad is named. Chord symbol recall over major and minor triads and
//! no chord (C. Harte, "Towards automatic extraction of harmony information from music signals", 2010; J. Pauwels,
//! G. Peeters, "Evaluating automatically estimated chord sequences", ICASSP 2013; as `mir_eval.chord.majmin` weighted
//! by duration).
//!
//! ```text
//! recall = time in which estimate and reference agree / time in which the reference is a triad or no chord
//! ```

use serde::{Deserialize, Serialize};

/// A stretch of time with a chord's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// As a lead sheet has it, `C`, `Bbm`, or `N` for no chord.
    pub name: String,
}

/// What a name means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chord {
    /// No chord.
    None,
    /// A major triad, perhaps with more notes over it, on this pitch class.
    Major(u8),
    /// A minor triad, perhaps with more notes over it, on this pitch class.
    Minor(u8),
    /// Any other, which is not scored where it is the reference.
    Other,
}

impl Chord {
    /// Reads a lead sheet's name: `N`, `C`, `F#m`, `Bdim`.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        let mut letters = name.chars();
        let natural = match letters.next() {
            Some('N') => return Self::None,
            Some('C') => 0,
            Some('D') => 2,
            Some('E') => 4,
            Some('F') => 5,
            Some('G') => 7,
            Some('A') => 9,
            Some('B') => 11,
            _ => return Self::Other,
        };
        let rest = letters.as_str();
        let flats = rest.len() - rest.trim_start_matches('b').len();
        let sharps = rest.len() - rest.trim_start_matches('#').len();
        let root = u8::try_from((natural + 11 * flats + sharps) % 12).unwrap_or(0);
        match &rest[flats.max(sharps)..] {
            "" | "7" | "maj7" | "6" => Self::Major(root),
            "m" | "m7" | "m6" => Self::Minor(root),
            _ => Self::Other,
        }
    }
}

/// Chords given by where they begin, in seconds and rising: each lasts until the next, the last until `end_s`.
#[must_use]
pub fn until_the_next(starts: &[(f64, String)], end_s: f64) -> Vec<Span> {
    let ends = starts.iter().skip(1).map(|(time, _)| *time).chain([end_s]);
    let span = |((start, name), end): (&(f64, String), f64)| Span { start: *start, end, name: name.clone() };
    starts.iter().zip(ends).map(span).collect()
}

/// Share of the time, 0 to 1; `None` where the reference holds nothing that is scored. Time that no estimate covers is
/// taken as no chord. Both in order of time, without overlap.
#[must_use]
pub fn symbol_recall(reference: &[Span], estimated: &[Span]) -> Option<f64> {
    let (mut agreed, mut scored) = (0.0, 0.0);
    for truth in reference {
        let chord = Chord::parse(&truth.name);
        if chord == Chord::Other || truth.end <= truth.start {
            continue;
        }
        scored += truth.end - truth.start;
        let first = estimated.partition_point(|said| said.end <= truth.start);
        let here = estimated[first..].iter().take_while(|said| said.start < truth.end);
        let mut uncovered = truth.end - truth.start;
        for said in here {
            let shared = said.end.min(truth.end) - said.start.max(truth.start);
            uncovered -= shared;
            agreed += if Chord::parse(&said.name) == chord { shared } else { 0.0 };
        }
        agreed += if chord == Chord::None { uncovered } else { 0.0 };
    }
    (scored > 0.0).then(|| agreed / scored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(list: &[(f64, f64, &str)]) -> Vec<Span> {
        list.iter().map(|&(start, end, name)| Span { start, end, name: name.to_owned() }).collect()
    }

    #[test]
    fn names_mean_triads() {
        let read = ["C", "Bbm", "F#m7", "Cb", "Bdim", "N", "", "H"].map(Chord::parse);
        use Chord::{Major, Minor, Other};
        assert_eq!(read, [Major(0), Minor(10), Minor(6), Major(11), Other, Chord::None, Other, Other]);
    }

    #[test]
    fn recall_is_a_share_of_the_time_that_is_scored() {
        let truth = spans(&[(0.0, 2.0, "C"), (2.0, 3.0, "Bdim"), (3.0, 4.0, "N"), (4.0, 6.0, "Am")]);
        assert_eq!(symbol_recall(&truth, &truth), Some(1.0));
        assert_eq!(symbol_recall(&truth, &[]), Some(0.2));
        let said = spans(&[(0.0, 1.0, "C"), (1.0, 3.5, "F"), (4.5, 9.0, "Am")]);
        assert_eq!(symbol_recall(&truth, &said), Some((1.0 + 0.5 + 1.5) / 5.0));
        assert_eq!(symbol_recall(&spans(&[(0.0, 1.0, "Bdim")]), &said), None);
    }
}
