//! Corrections as clients write and read them.

use crate::patch::{given, nullable};
use crate::problem::Problem;
use crate::query::check_span;
use crate::text::Checks;
use serde::{Deserialize, Serialize};
use store::corrections::{Correction, Filter, Said};
use time::OffsetDateTime;
use time::serde::rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

/// Most corrections of one request.
const MAX_BATCH: usize = 5_000;

/// Corrections of one gesture.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCorrections)]
pub(crate) struct Batch {
    /// The analysis that was looked at; it must be of this track.
    #[serde(default)]
    pub(crate) analysis_id: Option<Uuid>,
    /// How they were made. Default `other`.
    #[serde(default)]
    pub(crate) source: Source,
    /// In the order of making, 1 to 5,000. Of two that contradict each other within 30 ms the later one holds.
    #[schema(min_items = 1, max_items = 5000)]
    corrections: Vec<NewCorrection>,
}

/// How corrections were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CorrectionSource)]
pub(crate) enum Source {
    /// Tapped along.
    Tap,
    /// A beat was dragged.
    Drag,
    /// By keys.
    Keyboard,
    /// By pointer.
    Click,
    /// From a file.
    Import,
    /// In another way.
    #[default]
    Other,
}

impl Source {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Tap => "tap",
            Self::Drag => "drag",
            Self::Keyboard => "keyboard",
            Self::Click => "click",
            Self::Import => "import",
            Self::Other => "other",
        }
    }
}

/// What a correction says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CorrectionKind)]
pub(crate) enum Kind {
    /// A beat is here; with `moved_from_ms` the one that was there was dragged here.
    Beat,
    /// No beat is here.
    NoBeat,
    /// A bar starts here.
    Downbeat,
    /// No bar starts here.
    NotDownbeat,
    /// The person tapped here.
    Tap,
    /// The tempo is another multiple (`factor`), from here to `end_time_ms` or the end.
    Tempo,
    /// The beats are half a beat early, from here to `end_time_ms` or the end.
    Shift,
    /// Bars of `beats_per_bar` start here, to `end_time_ms` or until bars are said to start elsewhere.
    Meter,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Beat,
        Self::NoBeat,
        Self::Downbeat,
        Self::NotDownbeat,
        Self::Tap,
        Self::Tempo,
        Self::Shift,
        Self::Meter,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Beat => "beat",
            Self::NoBeat => "no_beat",
            Self::Downbeat => "downbeat",
            Self::NotDownbeat => "not_downbeat",
            Self::Tap => "tap",
            Self::Tempo => "tempo",
            Self::Shift => "shift",
            Self::Meter => "meter",
        }
    }

    /// Whether it speaks of a span.
    fn spans(self) -> bool {
        matches!(self, Self::Tempo | Self::Shift | Self::Meter)
    }
}

/// How many times as many beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TempoFactor)]
pub(crate) enum Factor {
    /// Every second beat goes.
    Half,
    /// A beat comes between every two.
    Double,
    /// Every third beat stays.
    Third,
    /// Two beats come between every two.
    Triple,
}

impl Factor {
    fn as_str(self) -> &'static str {
        match self {
            Self::Half => "half",
            Self::Double => "double",
            Self::Third => "third",
            Self::Triple => "triple",
        }
    }
}

/// One correction. Times are within the track.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCorrection {
    /// What it says.
    kind: Kind,
    /// When, or from when on, in ms.
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    time_ms: i64,
    /// Until before this, in ms: of `tempo`, `shift` and `meter` alone.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    end_time_ms: Option<i64>,
    /// Where the beat was that was dragged here, in ms: of `beat` alone.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    moved_from_ms: Option<i64>,
    /// Of `tempo`, which needs it.
    #[serde(default)]
    factor: Option<Factor>,
    /// Beats in a bar, 1 to 32: of `meter`, which needs it.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 32)]
    beats_per_bar: Option<i16>,
}

impl Batch {
    /// What is said, checked against the length of the track where that is known.
    pub(crate) fn check(&self, length_ms: Option<i32>) -> Result<Vec<Said>, Problem> {
        if self.corrections.is_empty() || self.corrections.len() > MAX_BATCH {
            return Err(Problem::invalid_field(
                "#/corrections",
                format!("must be 1 to {MAX_BATCH} corrections"),
            ));
        }
        let mut checks = Checks::default();
        let all = self.corrections.iter().enumerate();
        let said =
            all.map(|(i, one)| one.check(&format!("#/corrections/{i}"), length_ms, &mut checks)).collect();
        checks.finish().map(|()| said)
    }
}

impl NewCorrection {
    fn check(&self, at: &str, length_ms: Option<i32>, checks: &mut Checks) -> Said {
        let kind = self.kind;
        let only = |given: bool, wanted: bool, field: &str, needed: bool, checks: &mut Checks| {
            if given && !wanted {
                checks.refuse(format!("{at}/{field}"), format!("is not for {}", kind.as_str()));
            } else if needed && wanted && !given {
                checks.refuse(format!("{at}/{field}"), format!("is needed for {}", kind.as_str()));
            }
        };
        only(self.end_time_ms.is_some(), kind.spans(), "end_time_ms", false, checks);
        only(self.moved_from_ms.is_some(), kind == Kind::Beat, "moved_from_ms", false, checks);
        only(self.factor.is_some(), kind == Kind::Tempo, "factor", true, checks);
        only(self.beats_per_bar.is_some(), kind == Kind::Meter, "beats_per_bar", true, checks);
        if self.beats_per_bar.is_some_and(|beats| !(1..=32).contains(&beats)) {
            checks.refuse(format!("{at}/beats_per_bar"), "must be 1 to 32");
        }
        let time_ms = time(self.time_ms, &format!("{at}/time_ms"), length_ms, checks);
        let end = self.end_time_ms.map(|end| time(end, &format!("{at}/end_time_ms"), length_ms, checks));
        if end.is_some_and(|end| end <= time_ms) {
            checks.refuse(format!("{at}/end_time_ms"), "must be after time_ms");
        }
        let from =
            self.moved_from_ms.map(|from| time(from, &format!("{at}/moved_from_ms"), length_ms, checks));
        Said {
            kind: kind.as_str().into(),
            time_ms,
            end_time_ms: end,
            moved_from_ms: from,
            factor: self.factor.map(|factor| factor.as_str().into()),
            beats_per_bar: self.beats_per_bar,
        }
    }
}

/// A time within the track; within 24 days where its length is not known yet.
fn time(ms: i64, pointer: &str, length_ms: Option<i32>, checks: &mut Checks) -> i32 {
    let last = length_ms.unwrap_or(i32::MAX);
    match i32::try_from(ms).ok().filter(|ms| (0..=last).contains(ms)) {
        Some(ms) => ms,
        None => {
            checks.refuse(pointer, format!("must be within the track, 0 to {last} ms"));
            0
        }
    }
}

/// Another time for a correction: what is absent stays, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CorrectionPatch {
    /// When, or from when on, in ms.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 2_147_483_647)]
    time_ms: Option<i64>,
    /// Until before this, in ms: of `tempo`, `shift` and `meter` alone.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 2_147_483_647)]
    end_time_ms: Option<Option<i64>>,
}

impl CorrectionPatch {
    /// The new times of a correction that says `said`.
    pub(crate) fn check(&self, said: &Said, length_ms: Option<i32>) -> Result<(i32, Option<i32>), Problem> {
        let mut checks = Checks::default();
        let time_ms = self.time_ms.map_or(said.time_ms, |ms| time(ms, "#/time_ms", length_ms, &mut checks));
        let end = match self.end_time_ms {
            None => said.end_time_ms,
            Some(end) => end.map(|end| time(end, "#/end_time_ms", length_ms, &mut checks)),
        };
        let spans = Kind::ALL.into_iter().any(|kind| kind.spans() && kind.as_str() == said.kind);
        if end.is_some() && !spans {
            checks.refuse("#/end_time_ms", format!("is not for {}", said.kind));
        } else if end.is_some_and(|end| end <= time_ms) {
            checks.refuse("#/end_time_ms", "must be after time_ms");
        }
        checks.finish().map(|()| (time_ms, end))
    }
}

/// A correction, and where it comes from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Correction)]
pub(crate) struct CorrectionView {
    /// Id.
    id: Uuid,
    /// Of which track.
    track_id: Uuid,
    /// Names the gesture that it was made in.
    batch_id: Uuid,
    /// `beat`, `no_beat`, `downbeat`, `not_downbeat`, `tap`, `tempo`, `shift` or `meter`.
    kind: String,
    /// When, or from when on, in ms.
    time_ms: i32,
    /// Until before this, in ms.
    end_time_ms: Option<i32>,
    /// Where the beat was that was dragged here, in ms.
    moved_from_ms: Option<i32>,
    /// Of `tempo`: `half`, `double`, `third` or `triple`.
    factor: Option<String>,
    /// Of `meter`: beats in a bar.
    beats_per_bar: Option<i16>,
    /// How it was made: `tap`, `drag`, `keyboard`, `click`, `import` or `other`.
    source: String,
    /// The analysis that was looked at, while it exists.
    analysis_id: Option<Uuid>,
    /// Of which run: the `Arsis-Results-Version` of its manifest then.
    results_version: Option<String>,
    /// When it was made.
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// When it was moved last.
    #[serde(with = "rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Correction> for CorrectionView {
    fn from(row: Correction) -> Self {
        let Said { kind, time_ms, end_time_ms, moved_from_ms, factor, beats_per_bar } = row.said;
        Self {
            id: row.id,
            track_id: row.track_id,
            batch_id: row.batch_id,
            kind,
            time_ms,
            end_time_ms,
            moved_from_ms,
            factor,
            beats_per_bar,
            source: row.source,
            analysis_id: row.analysis_id,
            results_version: row.results_version.map(|at| crate::page::time_key(at).to_string()),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Corrections that were made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Corrections)]
pub(crate) struct BatchView {
    /// Names the gesture: removing its corrections undoes it.
    pub(crate) batch_id: Uuid,
    /// In the order of making.
    pub(crate) corrections: Vec<CorrectionView>,
}

/// Filters of a list that were checked.
#[derive(Debug)]
pub(crate) struct Filters {
    kinds: Vec<String>,
    source: Option<String>,
    batch_id: Option<Uuid>,
    from_ms: Option<i32>,
    to_ms: Option<i32>,
}

impl Filters {
    pub(crate) fn of(
        kind: Option<String>,
        source: Option<String>,
        batch_id: Option<Uuid>,
        from_ms: Option<u32>,
        to_ms: Option<u32>,
    ) -> Result<Self, Problem> {
        let mut checks = Checks::default();
        let kinds = kind.unwrap_or_default();
        let kinds = kinds.split(',').map(str::trim).filter(|kind| !kind.is_empty());
        let kinds: Vec<String> = kinds.map(str::to_owned).collect();
        if kinds.iter().any(|kind| !Kind::ALL.into_iter().any(|known| known.as_str() == kind)) {
            checks.refuse("kind", "must be kinds of corrections, separated by commas");
        }
        let sources = ["tap", "drag", "keyboard", "click", "import", "other"];
        if source.as_ref().is_some_and(|source| !sources.contains(&source.as_str())) {
            checks.refuse("source", format!("must be one of {}", sources.join(", ")));
        }
        checks.finish()?;
        check_span(from_ms, to_ms)?;
        // Times are stored as i32: what lies beyond is after everything.
        let stored_ms = |ms: u32| i32::try_from(ms).unwrap_or(i32::MAX);
        let (from_ms, to_ms) = (from_ms.map(stored_ms), to_ms.map(stored_ms));
        Ok(Self { kinds, source, batch_id, from_ms, to_ms })
    }

    pub(crate) fn filter(&self) -> Filter<'_> {
        Filter {
            kinds: &self.kinds,
            source: self.source.as_deref(),
            batch_id: self.batch_id,
            from_ms: self.from_ms,
            to_ms: self.to_ms,
        }
    }
}
