//! JSON bodies, read strictly: what is described as an object must be one.

use crate::problem::Problem;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::{de::DeserializeOwned, forward_to_deserialize_any};
use serde_json::{Error, Value};
use serde_path_to_error::{Path, Segment};

/// Reads `value` as a `T`.
///
/// # Errors
/// A problem whose pointer leads to the first value that does not fit.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Strict(value)).map_err(|error| {
        let pointer = pointer(error.path());
        Problem::invalid_field(pointer, error.into_inner().to_string())
    })
}

/// A path as a JSON pointer in a URI fragment (RFC 6901, section 6).
fn pointer(path: &Path) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    std::iter::once("#".to_owned()).chain(path.iter().map(segment)).collect()
}

/// A value that is read as a structure only where it is an object. serde's derived code would take the values of an array
/// as its fields, in order.
struct Strict(Value);

/// How a deserializer reads integers: by its `integer`, and told in the words of those who write them.
macro_rules! integers {
    () => {
        crate::json::integers! {
            deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
            deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
            deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
        }
    };
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            let expected = || format!("must be an integer from {} to {}", <$type>::MIN, <$type>::MAX);
            visitor.$visit(self.integer::<$type>().ok_or_else(|| Self::Error::custom(expected()))?)
        }
    )*};
}
pub(crate) use integers;

/// What can only be read from one kind of value, told in the words of JSON.
macro_rules! of_one_kind {
    ($($method:ident $is:ident $words:literal),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if self.0.$is() { self.deserialize_any(visitor) } else { Err(Error::custom(concat!("must be ", $words))) }
        }
    )*};
}

impl Strict {
    /// JSON Schema's integers are numbers without a fraction, `74.0` among them.
    fn integer<T: TryFrom<i128>>(&self) -> Option<T> {
        let Self(value) = self;
        let integer = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
        T::try_from(integer.or_else(|| exact(value.as_f64()?))?).ok()
    }
}

/// The integer that a floating-point number is, where it is exactly one.
fn exact(number: f64) -> Option<i128> {
    let exact = number.fract() == 0.0 && number.abs() <= LARGEST_EXACT;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and lies within the bounds")]
    exact.then_some(number as i128)
}

/// 2^53: beyond it, neighbouring integers are the same floating-point number.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

impl<'de> Deserializer<'de> for Strict {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Self))),
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, Self(value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    integers!();

    of_one_kind! {
        deserialize_bool is_boolean "true or false", deserialize_f32 is_number "a number",
        deserialize_f64 is_number "a number", deserialize_str is_string "a string",
        deserialize_string is_string "a string", deserialize_seq is_array "an array",
        deserialize_map is_object "an object"
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Strict {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        list: Vec<Option<f64>>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        text: Option<String>,
        inner: Inner,
        any: Value,
    }

    #[track_caller]
    fn refused(value: Value, pointer: &str) {
        let problem = read::<Outer>(value).unwrap_err();
        assert_eq!(problem.pointers(), [pointer]);
    }

    #[test]
    fn an_array_is_no_object_and_the_pointer_leads_to_it() {
        refused(json!([null, { "list": [] }, 1]), "#");
        refused(json!({ "text": null, "inner": [[]], "any": 1 }), "#/inner");
        refused(json!({ "text": 1, "inner": { "list": [] }, "any": 1 }), "#/text");
        refused(json!({ "inner": { "list": [1, "2"] }, "any": 1 }), "#/inner/list/1");
        refused(json!({ "inner": { "list": [] }, "any": 1, "more": 1 }), "#/more");
    }

    #[test]
    fn a_number_without_a_fraction_is_whole() {
        assert_eq!(read::<Vec<i16>>(json!([74.0, -0.0, 1e2])).unwrap(), [74, 0, 100]);
        assert!(read::<u8>(json!(256.0)).is_err() && read::<u8>(json!(1.5)).is_err());
        assert!(read::<u64>(json!(1e300)).is_err());
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(text: Option<String>, list: Vec<Option<f64>>, any: Vec<(String, bool)>) {
            let list = list.into_iter().map(|one| one.filter(|number| number.is_finite())).collect();
            let given = Outer { text, inner: Inner { list }, any: json!(any) };
            prop_assert_eq!(read::<Outer>(serde_json::to_value(&given).unwrap()).unwrap(), given);
        }
    }
}
