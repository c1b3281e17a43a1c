//! What signs deliveries.

use crate::{Error, Result};
use std::fmt;

/// A webhook's secret: 256 random bits, within what Standard Webhooks asks for. It must sign, so it is stored as it is:
/// who can read the database can sign. It is shown once, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Draws a new secret from the system's random source.
    ///
    /// # Errors
    /// [`Error::Io`] when the system gives no randomness.
    pub fn generate() -> Result<Self> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| Error::Io(std::io::Error::other(error)))?;
        Ok(Self(bytes.to_vec()))
    }

    /// The key of the signature.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_long_never_the_same_and_never_shown() {
        let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_eq!(one.bytes().len(), 32);
        assert_ne!(one, other);
        assert_eq!(format!("{one:?}"), "Secret(…)");
    }
}
