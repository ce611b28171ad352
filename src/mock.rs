//! A back end without an upstream: it answers with samples from the document, or of a relation. Arguments are checked
//! and the request is planned as for a real call, so that what would be refused is refused here too.

use std::collections::BTreeMap;

use base64::Engine;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::catalog::{Catalog, Sample};
use crate::runtime::args::Args;
use crate::runtime::backend::{Backend, Content, Outcome};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Action, Manifest};

mod rows;

const NO_API: &str = "this is a sample; no API was called";
const NO_DATABASE: &str = "this is a sample; no database was asked";

/// Puts a mock before each back end: it previews with the real one and answers itself.
pub fn backends(
    catalogs: &[Catalog],
    manifest: &Manifest,
    real: Vec<Box<dyn Backend>>,
) -> Vec<Box<dyn Backend>> {
    let of_catalog = |catalog: &'_ Catalog| {
        let source = catalog.source.clone();
        let all = catalog.capabilities.iter();
        all.map(|c| {
            let key = (source.clone(), c.method.clone(), c.sent_path().to_owned());
            (key, c.output.sample.clone())
        })
        .collect::<Vec<_>>()
    };
    let samples: BTreeMap<_, Sample> = catalogs.iter().flat_map(of_catalog).collect();
    manifest
        .tools
        .iter()
        .zip(real)
        .map(|(tool, real)| {
            let action = &tool.action;
            let key = (
                tool.source.clone(),
                action.verb().to_owned(),
                action.object().into_owned(),
            );
            let (content, note) = match action {
                Action::Sql(action) => (Content::Json(rows::of(tool, action)), NO_DATABASE),
                Action::Http(_) => {
                    let content = samples.get(&key).map_or(Content::Empty, content);
                    (content, NO_API)
                }
            };
            Box::new(Mock {
                real,
                content,
                note,
            }) as Box<dyn Backend>
        })
        .collect()
}

struct Mock {
    real: Box<dyn Backend>,
    content: Content,
    note: &'static str,
}

impl Backend for Mock {
    fn call<'a>(
        &'a self,
        args: &'a Args,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<Outcome, CallError>> {
        let outcome = self.real.preview(args).map(|_| Outcome {
            note: Some(self.note.to_owned()),
            ..Outcome::new(self.content.clone())
        });
        Box::pin(std::future::ready(outcome))
    }

    fn preview(&self, args: &Args) -> Result<String, CallError> {
        self.real.preview(args)
    }
}

fn content(sample: &Sample) -> Content {
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    match sample {
        Sample::Empty => Content::Empty,
        Sample::Json(value) => Content::Json(value.clone()),
        Sample::Text { text, .. } => Content::Text(text.clone()),
        Sample::Bytes { mime, bytes } if mime.starts_with("image/") => Content::Image {
            mime: mime.clone(),
            base64: encode(bytes),
        },
        Sample::Bytes { mime, bytes } if mime.starts_with("audio/") => Content::Audio {
            mime: mime.clone(),
            base64: encode(bytes),
        },
        Sample::Bytes { mime, bytes } => Content::Blob {
            mime: mime.clone(),
            base64: encode(bytes),
        },
    }
}
