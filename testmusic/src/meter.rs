//! Metres, and which of their notes is the beat.

use std::fmt;

/// A time signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter {
    /// Upper number.
    pub count: u32,
    /// Lower number: 4 or 8.
    pub unit: u32,
}

impl Meter {
    /// `count/unit`.
    #[must_use]
    pub const fn new(count: u32, unit: u32) -> Self {
        Self { count, unit }
    }

    /// Beats in a bar, as one taps them: the upper number; but 6/8, 9/8 and 12/8 are two, three and four groups of
    /// three.
    #[must_use]
    pub const fn beats(self) -> u32 {
        if self.is_compound() { self.count / 3 } else { self.count }
    }

    /// Whether each beat is three eighths.
    #[must_use]
    pub const fn is_compound(self) -> bool {
        self.unit == 8 && self.count > 3 && self.count.is_multiple_of(3)
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_what_one_taps() {
        let beats = |count, unit| Meter::new(count, unit).beats();
        assert_eq!([beats(4, 4), beats(3, 4), beats(5, 4), beats(7, 8)], [4, 3, 5, 7]);
        assert_eq!([beats(6, 8), beats(9, 8), beats(12, 8), beats(3, 8)], [2, 3, 4, 3]);
        assert_eq!(Meter::new(6, 8).to_string(), "6/8");
    }
}
