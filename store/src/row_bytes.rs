//! Bytes of a row, shared with the buffer that the connection received them in rather than copied out of it.

use bytes::Bytes;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValue, PgValueFormat, PgValueRef};
use sqlx::{Decode, Postgres, Type, Value as _, ValueRef};

/// A `bytea` or `text` column of a prepared query. Holds on to the memory of its row.
#[derive(Debug)]
pub(crate) struct RowBytes(Bytes);

impl From<RowBytes> for Bytes {
    fn from(row: RowBytes) -> Self {
        row.0
    }
}

impl Type<Postgres> for RowBytes {
    fn type_info() -> PgTypeInfo {
        <[u8] as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for RowBytes {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.format() != PgValueFormat::Binary {
            return Err("bytes are shared with binary rows only: use a prepared query".into());
        }
        Ok(Self(Bytes::from_owner(Received(ValueRef::to_owned(&value)))))
    }
}

/// A value that has its part in the row's memory.
struct Received(PgValue);

impl AsRef<[u8]> for Received {
    fn as_ref(&self) -> &[u8] {
        // A NULL is never decoded; it would have no bytes.
        self.0.as_ref().as_bytes().unwrap_or_default()
    }
}
