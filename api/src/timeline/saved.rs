//! Files of labels that clients save: written page by page, so that the longest list takes no more memory than a page.

use super::import::LabelForm;
use crate::disposition;
use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use export::labels::{Label, audacity, jams};
use futures::stream;
use store::tracks::Track;
use uuid::Uuid;

/// Labels on a page, and most observations in an annotation of JAMS.
pub(crate) const PAGE: i64 = 1000;

/// Labels with their authors, and where to go on: `None` after the last page.
pub(crate) type Labelled<C> = (Vec<(Uuid, Label)>, Option<C>);

/// What a file is about.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    pub(crate) form: LabelForm,
    pub(crate) track: Track,
    /// Length of the track in ms, or as far as its labels reach.
    pub(crate) length_ms: i32,
    /// Namespace of the annotations of JAMS.
    pub(crate) namespace: &'static str,
    /// What comes between the track's name and the extension.
    pub(crate) kind: &'static str,
}

/// How far the writing is.
enum Step<C> {
    Begin,
    Page { after: Option<C>, is_first: bool },
    End,
}

impl Saved {
    /// The file as an answer; `page` gives the labels after a place. Should that fail on the way, the answer breaks off.
    pub(crate) fn answer<C, F, Fut>(self, page: F) -> Response
    where
        C: Send + 'static,
        F: Fn(Option<C>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Labelled<C>, Problem>> + Send,
    {
        let (content_type, extension) = match self.form {
            LabelForm::Jams => ("application/json", "jams"),
            LabelForm::Audacity => ("text/plain; charset=utf-8", "txt"),
        };
        let name = format!("{} {}", self.track.name, self.kind);
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (header::CONTENT_DISPOSITION, disposition::attachment(&name, extension)),
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        ];
        let pieces = stream::try_unfold((self, page, Step::Begin), async |(saved, page, step)| {
            let (text, next) = match step {
                Step::Begin => (saved.begin(), Step::Page { after: None, is_first: true }),
                Step::Page { after, is_first } => {
                    let (labels, after) = page(after).await.map_err(broken_off)?;
                    let text = saved.page(&labels, is_first, after.is_none());
                    let is_first = is_first && labels.is_empty();
                    (text, after.map_or(Step::End, |after| Step::Page { after: Some(after), is_first }))
                }
                Step::End => return Ok(None),
            };
            Ok::<_, std::io::Error>(Some((text, (saved, page, next))))
        });
        (headers, Body::from_stream(pieces)).into_response()
    }

    fn about(&self) -> jams::Labelled<'_> {
        jams::Labelled {
            title: &self.track.name,
            artist: self.track.artist.as_deref(),
            duration_ms: u64::try_from(self.length_ms).unwrap_or_default(),
        }
    }

    fn begin(&self) -> String {
        match self.form {
            LabelForm::Jams => self.about().begin(),
            LabelForm::Audacity => String::new(),
        }
    }

    fn page(&self, labels: &[(Uuid, Label)], is_first: bool, is_last: bool) -> String {
        match self.form {
            LabelForm::Jams => self.annotations(labels, is_first, is_last),
            LabelForm::Audacity => {
                let labels: Vec<Label> = labels.iter().map(|(_, label)| label.clone()).collect();
                let mut text = Vec::new();
                // Writing to memory cannot fail.
                let _ = audacity::write(&labels, &mut text);
                String::from_utf8(text).unwrap_or_default()
            }
        }
    }

    /// An annotation for each author on the page.
    fn annotations(&self, labels: &[(Uuid, Label)], is_first: bool, is_last: bool) -> String {
        let mut by_author: Vec<(Uuid, Vec<Label>)> = Vec::new();
        for (author, label) in labels {
            match by_author.iter_mut().find(|(of, _)| of == author) {
                Some((_, labels)) => labels.push(label.clone()),
                None => by_author.push((*author, vec![label.clone()])),
            }
        }
        let written = by_author
            .iter()
            .map(|(author, labels)| self.about().annotation(self.namespace, &author.to_string(), labels));
        let mut text = written.collect::<Vec<_>>().join(",");
        if !is_first && !text.is_empty() {
            text.insert(0, ',');
        }
        if is_last {
            text.push_str(jams::END);
        }
        text
    }
}

fn broken_off(problem: Problem) -> std::io::Error {
    tracing::warn!(cause = problem.detail(), "a file broke off while it was sent");
    std::io::Error::other(problem.detail().to_owned())
}
