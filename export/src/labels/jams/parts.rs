//! The parts of a document that are looked at, each still as the text that it was sent as.

use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::ops::ControlFlow;

/// The document.
#[derive(Debug, Deserialize)]
pub(super) struct Document<'a> {
    #[serde(borrow)]
    pub(super) annotations: Option<&'a RawValue>,
}

/// One of its annotations.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Annotation<'a> {
    #[serde(borrow)]
    pub(super) namespace: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) sandbox: Option<&'a RawValue>,
}

/// What programs keep of their own in an annotation: ours.
#[derive(Debug, Deserialize)]
pub(super) struct Sandbox<'a> {
    #[serde(borrow)]
    pub(super) arsis: Option<&'a RawValue>,
}

/// An observation.
#[derive(Debug, Deserialize)]
pub(super) struct Observation<'a> {
    #[serde(borrow)]
    pub(super) time: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) duration: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) value: Option<&'a RawValue>,
}

/// The fields of an object; `None` for what is none, or names one of them twice.
pub(super) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    // Arrays would be taken for their fields in order.
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
}

pub(super) fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

pub(super) fn number(raw: &RawValue) -> Option<f64> {
    serde_json::from_str(raw.get()).ok()
}

/// Calls for each item of an array until it says to stop. `false` for what is no array.
pub(super) fn each<'a>(
    array: &'a RawValue,
    visit: impl FnMut(usize, &'a RawValue) -> ControlFlow<()>,
) -> bool {
    serde_json::Deserializer::from_str(array.get()).deserialize_seq(Each(visit)).is_ok()
}

struct Each<F>(F);

impl<'a, F: FnMut(usize, &'a RawValue) -> ControlFlow<()>> Visitor<'a> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut i = 0;
        while let Some(item) = items.next_element()? {
            if (self.0)(i, item).is_break() {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(());
            }
            i += 1;
        }
        Ok(())
    }
}
