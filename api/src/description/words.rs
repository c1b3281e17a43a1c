//! Words that stand for themselves, for the description: the fields that hold them are plain text.

#![expect(dead_code, reason = "describes fields that are read and written as text")]

use utoipa::ToSchema;

/// What an analysis computes.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum AnalysisType {
    /// Everything.
    Full,
    /// Frames without chroma; no events.
    Spectral,
    /// Frames of bands, peak and onset strength; tempo, beats, bars, tatums, onsets.
    Rhythm,
    /// Frames of bands and chroma; key and tuning.
    Tonal,
    /// Rhythm and tonal, and sections and segments on top of them.
    Structure,
}

/// How a value of a frame is stored.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SampleType {
    /// Unsigned byte with scale and bias.
    U8,
    /// Signed 16-bit integer with scale and bias, little-endian.
    I16,
    /// IEEE 754 half precision, little-endian.
    F16,
    /// IEEE 754 single precision, little-endian.
    F32,
}

/// How a track is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum TrackStatus {
    /// An analysis waits or runs.
    Processing,
    /// It was analysed.
    Ready,
    /// The last analysis failed.
    Error,
}

/// How an analysis is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum AnalysisStatus {
    /// It waits.
    Pending,
    /// It runs.
    Running,
    /// It is done.
    Completed,
    /// It failed, or somebody stopped it.
    Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    #[track_caller]
    fn check<T: PartialSchema>(expect: impl IntoIterator<Item = String>) {
        let expect: Vec<String> = expect.into_iter().collect();
        let schema = json!(T::schema());
        let words: Vec<&str> = match &schema {
            Value::Object(one) if one.contains_key("enum") => {
                one["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
            }
            other => panic!("{other}"),
        };
        assert_eq!(words, expect);
    }

    #[test]
    fn the_words_are_those_that_are_read_and_written() {
        use analysis_core::{AnalysisType as Type, SampleType as Sample};
        use store::analyses::Status;
        let text = |value: Value| value.as_str().unwrap().to_owned();
        let types = [Type::Full, Type::Spectral, Type::Rhythm, Type::Tonal, Type::Structure];
        check::<AnalysisType>(types.map(|one| text(json!(one))));
        check::<SampleType>([Sample::U8, Sample::I16, Sample::F16, Sample::F32].map(|one| text(json!(one))));
        let statuses = [Status::Pending, Status::Running, Status::Completed, Status::Error];
        check::<AnalysisStatus>(statuses.map(|one| one.as_str().to_owned()));
    }
}
