//! Many segments, kept close.

use super::Segment;

/// Segments in a block: 45 kB.
const BLOCK: usize = 1_024;

/// Segments in order of time. They are kept in blocks of their own: a vector that doubles when it is full holds up to
/// three times what is in it while it does, for ten hours of music some 10 MB more.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segments {
    blocks: Vec<Vec<Segment>>,
}

impl Segments {
    /// Adds the next one.
    pub fn push(&mut self, segment: Segment) {
        match self.blocks.last_mut().filter(|block| block.len() < BLOCK) {
            Some(block) => block.push(segment),
            None => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(segment);
                self.blocks.push(block);
            }
        }
    }

    /// Number of segments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The segments, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Segment> + Send {
        self.blocks.iter().flatten()
    }
}

impl Extend<Segment> for Segments {
    fn extend<I: IntoIterator<Item = Segment>>(&mut self, segments: I) {
        segments.into_iter().for_each(|segment| self.push(segment));
    }
}

impl From<Vec<Segment>> for Segments {
    fn from(segments: Vec<Segment>) -> Self {
        let mut list = Self::default();
        list.extend(segments);
        list
    }
}
