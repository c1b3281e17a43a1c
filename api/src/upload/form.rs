//! What comes beside the audio: fields of a form, or parameters of the query.

use crate::json;
use crate::problem::{Kind, Problem};
use crate::text::{self, Checks};
use crate::views::AnalysisParameters;
use analysis_core::AnalysisType;
use axum::extract::multipart::Field;
use serde::{Deserialize, Serialize};
use store::analyses::{self, Parameters};
use store::tracks::Details;
use utoipa::{IntoParams, ToSchema};

/// Longest text field, in bytes: the longest description in four-byte characters, and some.
const MAX_FIELD_BYTES: usize = 64 << 10;

/// Name of a track whose uploader gave none.
const UNTITLED: &str = "Untitled";

/// Everything that may come beside the audio, as text.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Form {
    /// Name to show, at most 500 characters. Default: the file's name without its extension.
    #[schema(max_length = 500)]
    #[param(max_length = 500)]
    pub(crate) name: Option<String>,
    /// Free text, at most 10,000 characters.
    #[schema(max_length = 10000)]
    #[param(max_length = 10000)]
    pub(crate) description: Option<String>,
    /// Who plays, at most 500 characters.
    #[schema(max_length = 500)]
    #[param(max_length = 500)]
    pub(crate) artist: Option<String>,
    /// Where it appeared, at most 500 characters.
    #[schema(max_length = 500)]
    #[param(max_length = 500)]
    pub(crate) album: Option<String>,
    /// What kind of music it is said to be, at most 500 characters.
    #[schema(max_length = 500)]
    #[param(max_length = 500)]
    pub(crate) genre: Option<String>,
    /// Labels, separated by commas; a form may also repeat the field.
    pub(crate) tags: Option<String>,
    /// What to compute: `full` (the default), `spectral`, `rhythm`, `tonal` or `structure`.
    #[schema(value_type = Option<crate::description::words::AnalysisType>)]
    #[param(value_type = Option<crate::description::words::AnalysisType>)]
    pub(crate) analysis_type: Option<String>,
    /// Parameters of the analysis, as a JSON object.
    pub(crate) parameters: Option<String>,
}

/// What is said about audio, however it came.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) artist: Option<String>,
    pub(crate) album: Option<String>,
    pub(crate) genre: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) analysis_type: Option<String>,
    pub(crate) parameters: Parameters,
}

/// What is said about audio, checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) details: Details,
    pub(crate) analysis_type: AnalysisType,
    pub(crate) parameters: Parameters,
}

impl Said {
    /// Checks every field; their pointers begin with `prefix`. `file_name` is what the client called the file.
    pub(crate) fn check(self, prefix: &str, file_name: Option<&str>, checks: &mut Checks) -> Checked {
        let at = |name: &str| format!("{prefix}{name}");
        let mut optional =
            |name, max, value: Option<String>| value.and_then(|value| checks.optional(&at(name), max, value));
        let name = optional("name", text::NAME, self.name);
        let details = Details {
            description: optional("description", text::DESCRIPTION, self.description),
            artist: optional("artist", text::NAME, self.artist),
            album: optional("album", text::NAME, self.album),
            genre: optional("genre", text::NAME, self.genre),
            tags: checks.tags(&at("tags"), self.tags),
        };
        let analysis_type = analysis_type(&at("analysis_type"), self.analysis_type.as_deref(), checks);
        check_parameters(&at("parameters"), analysis_type, &self.parameters, checks);
        let name = name.or_else(|| file_name.and_then(stem)).unwrap_or_else(|| UNTITLED.into());
        Checked { name, details, analysis_type, parameters: self.parameters }
    }
}

impl Form {
    /// Takes in a text field of a multipart form. One that the form does not have is not read.
    pub(crate) async fn take(&mut self, name: &str, field: Field<'_>) -> Result<(), Fielded> {
        let slot = self.slot(name);
        let slot = slot.ok_or_else(|| Problem::invalid_field(name, "is not a field of this form"))?;
        let text = read_text(name, field).await?;
        match slot {
            None => *slot = Some(text),
            Some(tags) if name == "tags" => {
                if tags.len() + text.len() > MAX_FIELD_BYTES {
                    return Err(too_long(name).into());
                }
                if !tags.is_empty() {
                    tags.push(',');
                }
                tags.push_str(&text);
            }
            Some(_) => return Err(Problem::invalid_field(name, "must be given once").into()),
        }
        Ok(())
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "name" => &mut self.name,
            "description" => &mut self.description,
            "artist" => &mut self.artist,
            "album" => &mut self.album,
            "genre" => &mut self.genre,
            "tags" => &mut self.tags,
            "analysis_type" => &mut self.analysis_type,
            "parameters" => &mut self.parameters,
            _ => return None,
        })
    }

    /// Checks every field. `file_name` is what the client called the file.
    pub(crate) fn check(self, file_name: Option<&str>) -> Result<Checked, Problem> {
        let mut checks = Checks::default();
        let said = Said {
            name: self.name,
            description: self.description,
            artist: self.artist,
            album: self.album,
            genre: self.genre,
            tags: self.tags.unwrap_or_default().split(',').map(str::to_owned).collect(),
            analysis_type: self.analysis_type,
            parameters: parse_parameters(self.parameters.as_deref(), &mut checks),
        };
        let checked = said.check("", file_name, &mut checks);
        checks.finish().map(|()| checked)
    }
}

/// A field could not be read (the stream broke, or the form is malformed), or not be used.
pub(crate) enum Fielded {
    Stream(axum::extract::multipart::MultipartError),
    Refused(Problem),
}

impl From<Problem> for Fielded {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

async fn read_text(name: &str, mut field: Field<'_>) -> Result<String, Fielded> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(Fielded::Stream)? {
        if bytes.len() + piece.len() > MAX_FIELD_BYTES {
            return Err(too_long(name).into());
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Problem::invalid_field(name, "must be UTF-8").into())
}

fn too_long(name: &str) -> Problem {
    Problem::detailed(Kind::TooLarge, format!("the field {name} is longer than {MAX_FIELD_BYTES} bytes"))
}

fn parse_parameters(text: Option<&str>, checks: &mut Checks) -> Parameters {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Parameters::default() };
    let value = serde_json::from_str(text);
    let value = value.map_err(|error| Problem::invalid_field("#", format!("is not JSON: {error}")));
    value.and_then(json::read::<AnalysisParameters>).map(Into::into).unwrap_or_else(|problem| {
        checks.refuse_part("parameters", problem);
        Parameters::default()
    })
}

/// Reads the type of an analysis; absent means everything.
pub(crate) fn analysis_type(pointer: &str, name: Option<&str>, checks: &mut Checks) -> AnalysisType {
    let Some(name) = name else { return AnalysisType::default() };
    analyses::type_from_name(name).unwrap_or_else(|| {
        checks.refuse(pointer, "must be full, spectral, rhythm, tonal or structure");
        AnalysisType::default()
    })
}

/// Checks the parameters of an analysis as the engine itself would.
pub(crate) fn check_parameters(pointer: &str, of: AnalysisType, given: &Parameters, checks: &mut Checks) {
    match given.config(of).validate() {
        Ok(()) => {}
        Err(analysis_core::Error::InvalidConfig { field, allowed, .. }) => {
            checks.refuse(format!("{pointer}/{field}"), format!("must be {allowed}"));
        }
        Err(error) => checks.refuse(pointer, error.to_string()),
    }
}

/// A file's name without folders and extension, as far as it can serve as a track's name.
fn stem(file_name: &str) -> Option<String> {
    let base = file_name.rsplit(['/', '\\']).next()?;
    let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
    let plain: String = stem.chars().filter(|c| !c.is_control()).take(text::NAME).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_name_becomes_a_track_name() {
        assert_eq!(stem("song.flac").as_deref(), Some("song"));
        assert_eq!(stem("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(stem("C:\\music\\a.b.mp3").as_deref(), Some("a.b"));
        assert_eq!(stem("a\0b\n.mp3").as_deref(), Some("ab"));
        assert_eq!(stem(".mp3"), None);
        assert_eq!(stem("/"), None);
    }

    #[test]
    fn every_error_of_a_form_is_named() {
        let form = Form {
            artist: Some("x".repeat(501)),
            analysis_type: Some("deep".into()),
            parameters: Some("{\"hop_ms\": 0}".into()),
            ..Form::default()
        };
        let problem = format!("{:?}", form.check(None).unwrap_err());
        for field in ["\"artist\"", "\"analysis_type\"", "\"parameters/hop_ms\""] {
            assert!(problem.contains(field), "{field} in {problem}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_never_a_path_and_never_holds_controls(file_name in ".*") {
            if let Some(name) = stem(&file_name) {
                prop_assert!(!name.contains(['/', '\\', '\0', '\n']) && name.chars().count() <= text::NAME);
            }
        }
    }
}
