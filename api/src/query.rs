//! Parameters of a query, read so that what does not fit is named.

use crate::json::integers;
use crate::problem::Problem;
use axum::http::Uri;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::{self, Display};
use std::str::FromStr;

/// Reads the parameters of a URI's query.
///
/// # Errors
/// A problem that names the first that does not fit.
pub(crate) fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let pairs: Vec<_> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
    let mut names = HashSet::new();
    for (name, value) in &pairs {
        // Which PostgreSQL's text cannot hold.
        if name.contains('\0') || value.contains('\0') {
            return Err(Problem::invalid_field(name.replace('\0', ""), "must not contain NUL"));
        }
        if !names.insert(name) {
            return Err(Problem::invalid_field(name.as_ref(), "must be given once"));
        }
    }
    let pairs = MapDeserializer::new(pairs.into_iter().map(|(name, value)| (Text(name), Text(value))));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        // What is missing belongs to the whole, whose path is a dot.
        let path = Some(error.path().to_string()).filter(|path| path != ".");
        let Refusal { name, detail } = error.into_inner();
        Problem::invalid_field(path.or(name).unwrap_or_else(|| "query".into()), detail)
    })
}

/// Fails where a span of the query ends before it begins, or where it does.
pub(crate) fn check_span<T: PartialOrd>(from_ms: Option<T>, to_ms: Option<T>) -> Result<(), Problem> {
    match from_ms.zip(to_ms) {
        Some((from_ms, to_ms)) if from_ms >= to_ms => {
            Err(Problem::invalid_field("to_ms", "must be after from_ms"))
        }
        _ => Ok(()),
    }
}

/// A name or a value.
struct Text<'a>(Cow<'a, str>);

/// Why a parameter is refused.
#[derive(Debug)]
struct Refusal {
    /// Which one, where the reader does not know.
    name: Option<String>,
    detail: String,
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Refusal {}

impl serde::de::Error for Refusal {
    fn custom<D: Display>(detail: D) -> Self {
        Self { name: None, detail: detail.to_string() }
    }

    fn missing_field(name: &'static str) -> Self {
        Self { name: Some(name.to_owned()), detail: "is required".to_owned() }
    }
}

impl Text<'_> {
    fn integer<T: FromStr>(&self) -> Option<T> {
        self.0.parse().ok()
    }
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_bool(self.0.parse().map_err(|_| Refusal::custom("must be true or false"))?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.0.into_deserializer().deserialize_enum(name, variants, visitor)
    }

    integers!();

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Refusal> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
