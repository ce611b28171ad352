//! A back end without an upstream: it answers with samples from the document. Arguments are checked
//! and the request is planned as for a real call, so that what would be refused is refused here too.

use std::collections::BTreeMap;

use base64::Engine;
use futures::future::BoxFuture;

use crate::catalog::{Catalog, Sample};
use crate::runtime::args::Args;
use crate::runtime::backend::{Backend, Content, Outcome};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Action, Manifest};

/// Puts a mock before each back end: it previews with the real one and answers itself.
pub fn backends(
    catalog: &Catalog,
    manifest: &Manifest,
    real: Vec<Box<dyn Backend>>,
) -> Vec<Box<dyn Backend>> {
    let samples: BTreeMap<(&str, &str), &Sample> = catalog
        .capabilities
        .iter()
        .map(|c| ((c.method.as_str(), c.sent_path()), &c.output.sample))
        .collect();
    manifest
        .tools
        .iter()
        .zip(real)
        .map(|(tool, real)| {
            let Action::Http(action) = &tool.action;
            let sample = samples.get(&(action.method.as_str(), action.path.as_str()));
            let content = sample.map_or(Content::Empty, |sample| content(sample));
            Box::new(Mock { real, content }) as Box<dyn Backend>
        })
        .collect()
}

struct Mock {
    real: Box<dyn Backend>,
    content: Content,
}

impl Backend for Mock {
    fn call<'a>(&'a self, args: &'a Args) -> BoxFuture<'a, Result<Outcome, CallError>> {
        let outcome = self.real.preview(args).map(|_| Outcome {
            note: Some("this is a sample; no API was called".to_owned()),
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
