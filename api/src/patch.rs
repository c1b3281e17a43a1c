//! JSON merge patches (RFC 7396): what is absent stays, `null` empties what may be empty.

use serde::{Deserialize, Deserializer};

/// A field that cannot be emptied: `null` is refused.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A field that can be emptied: `null` (`Some(None)`) is not an absent field (`None`).
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
