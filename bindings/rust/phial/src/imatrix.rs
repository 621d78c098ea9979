// SPDX-License-Identifier: MIT
//! Measuring which columns of its matrices a model uses.

use std::ops::ControlFlow;
use std::path::Path;

use crate::convert::{c_path, c_string, c_text};
use crate::error::{check, Result};
use crate::hooks::Progress;
use crate::sys;
use crate::Model;

/// How [`Model::imatrix`] goes about it.
#[derive(Default)]
pub struct ImatrixOptions {
    context: u32,
    windows: u32,
    special: bool,
    dataset: String,
    progress: Option<Progress>,
}

impl ImatrixOptions {
    /// All of the text, in windows of 512 tokens.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tokens of a window.
    pub fn context(mut self, tokens: u32) -> Self {
        self.context = tokens;
        self
    }

    /// Reads at most so many windows; 0: all.
    pub fn windows(mut self, n: u32) -> Self {
        self.windows = n;
        self
    }

    /// Recognises control tokens that are spelled in the text.
    pub fn special(mut self, on: bool) -> Self {
        self.special = on;
        self
    }

    /// What the file says of the text.
    pub fn dataset(mut self, name: impl Into<String>) -> Self {
        self.dataset = name.into();
        self
    }

    /// Called with a fraction that rises from 0 to 1. [`ControlFlow::Break`]
    /// gives up, and so does a panic, which goes on in the caller. It must not
    /// call into this crate.
    pub fn progress(
        mut self,
        hook: impl FnMut(f32) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        self.progress = Some(Progress::new(hook));
        self
    }
}

impl Model {
    /// Reads a text and writes to a GGUF file how much the columns of each
    /// matrix are used, for [`QuantizeOptions::imatrix`].
    ///
    /// [`QuantizeOptions::imatrix`]: crate::QuantizeOptions::imatrix
    pub fn imatrix(
        &self,
        text: impl AsRef<[u8]>,
        to: impl AsRef<Path>,
        options: &ImatrixOptions,
    ) -> Result<()> {
        let (text, to) = (text.as_ref(), c_path(to.as_ref())?);
        let dataset = c_string("dataset", &options.dataset)?;
        let mut c = sys::phial_imatrix_options {
            flags: if options.special { sys::PHIAL_TEXT_SPECIAL } else { 0 },
            n_context: options.context,
            max_windows: options.windows,
            dataset: dataset.as_ptr(),
            ..Default::default()
        };
        if let Some(progress) = &options.progress {
            c.progress = Some(Progress::trampoline);
            c.progress_user = progress.user();
        }
        // SAFETY: a model, text of its length, and pointers that last for the
        // call.
        check(unsafe {
            sys::phial_model_imatrix(
                self.raw(),
                c_text(text),
                text.len(),
                to.as_ptr(),
                &c,
            )
        })?;
        Ok(())
    }
}
