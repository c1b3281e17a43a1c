//! Checks on text that people type: lengths, and characters that cannot be stored or shown.

use crate::problem::{FieldError, Problem};

/// Longest name, artist, album or genre, in characters.
pub(crate) const NAME: usize = 500;

/// Longest description, in characters.
pub(crate) const DESCRIPTION: usize = 10_000;

/// Most tags of a track.
pub(crate) const MAX_TAGS: usize = 50;

/// Longest tag, in characters.
pub(crate) const TAG: usize = 100;

/// Collects everything that is wrong, so that a client hears of it at once.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes an error.
    pub(crate) fn refuse(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.into(), detail: detail.into() });
    }

    /// Notes the errors of a part that lies at `pointer` and was read by itself, with pointers of its own.
    pub(crate) fn refuse_part(&mut self, pointer: &str, problem: Problem) {
        for error in problem.into_errors() {
            self.refuse(format!("{pointer}{}", error.pointer.trim_start_matches('#')), error.detail);
        }
    }

    /// Text that must say something. Space around it is removed.
    pub(crate) fn required(&mut self, pointer: &str, max_chars: usize, value: String) -> String {
        let text = self.optional(pointer, max_chars, value);
        if text.is_none() {
            self.refuse(pointer, "must not be empty");
        }
        text.unwrap_or_default()
    }

    /// Text that may be empty, which is the same as none.
    pub(crate) fn optional(&mut self, pointer: &str, max_chars: usize, value: String) -> Option<String> {
        let text = value.trim();
        if text.chars().count() > max_chars {
            self.refuse(pointer, format!("must be at most {max_chars} characters"));
        }
        // A NUL cannot be stored in PostgreSQL; the other controls turn up where names are shown in terminals.
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.refuse(pointer, "must not contain control characters");
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Labels: empty ones are dropped.
    pub(crate) fn tags(&mut self, pointer: &str, tags: Vec<String>) -> Vec<String> {
        if tags.len() > MAX_TAGS {
            self.refuse(pointer, format!("must be at most {MAX_TAGS} tags"));
            return Vec::new();
        }
        let tags = tags.into_iter().enumerate();
        tags.filter_map(|(i, tag)| self.optional(&format!("{pointer}/{i}"), TAG, tag)).collect()
    }

    /// How many errors were noted.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// All is well, or one problem that names every error.
    ///
    /// # Errors
    /// A problem with every error noted.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}
