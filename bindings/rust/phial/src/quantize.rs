// SPDX-License-Identifier: MIT
//! Writing a model with other types of weights.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::ptr;

use crate::convert::{c_path, CStrings};
use crate::error::{check, Result};
use crate::hooks::Progress;
use crate::sys;
use crate::Weights;

/// How [`quantize`] goes about it.
#[derive(Default)]
pub struct QuantizeOptions {
    weights: Weights,
    threads: u32,
    overrides: Vec<String>,
    adapters: Vec<PathBuf>,
    scales: Vec<f32>,
    reencode: bool,
    imatrix: Option<PathBuf>,
    progress: Option<Progress>,
}

impl QuantizeOptions {
    /// The type of matrices.
    pub fn new(weights: Weights) -> Self {
        QuantizeOptions { weights, ..Default::default() }
    }

    /// How many threads work; 0: one per processor that we may use.
    pub fn threads(mut self, threads: u32) -> Self {
        self.threads = threads;
        self
    }

    /// The type of matrices whose name matches, as `PATTERN=TYPE`; the first
    /// that matches counts.
    pub fn with_override(mut self, rule: impl Into<String>) -> Self {
        self.overrides.push(rule.into());
        self
    }

    /// Adds LoRA adapters, a GGUF file or a folder of PEFT, to the weights.
    pub fn with_adapter(
        mut self,
        path: impl Into<PathBuf>,
        scale: f32,
    ) -> Self {
        self.adapters.push(path.into());
        self.scales.push(scale);
        self
    }

    /// Adapters also change quantised matrices that keep their type: these are
    /// quantised again, at a further loss.
    pub fn reencode(mut self, on: bool) -> Self {
        self.reencode = on;
        self
    }

    /// An importance matrix, of [`Model::imatrix`](crate::Model::imatrix).
    pub fn imatrix(mut self, path: impl Into<PathBuf>) -> Self {
        self.imatrix = Some(path.into());
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

/// Writes a model, a GGUF file or the folder of a checkpoint, to a GGUF file with
/// its matrices in another type. The new file is what it was, or whole, at any
/// time; it may be the old one.
pub fn quantize(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    options: &QuantizeOptions,
) -> Result<()> {
    let (from, to) = (c_path(from.as_ref())?, c_path(to.as_ref())?);
    let overrides = CStrings::new("overrides", &options.overrides)?;
    let adapters = CStrings::of_paths(&options.adapters)?;
    let imatrix = options.imatrix.as_deref().map(c_path).transpose()?;
    let mut c = sys::phial_quantize_options {
        r#type: options.weights as i32,
        n_threads: options.threads,
        overrides: overrides.as_ptr(),
        n_overrides: overrides.len(),
        flags: if options.reencode { sys::PHIAL_QUANTIZE_REENCODE } else { 0 },
        adapters: adapters.as_ptr(),
        adapter_scales: options.scales.as_ptr(),
        n_adapters: adapters.len(),
        imatrix: imatrix.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
        ..Default::default()
    };
    if let Some(progress) = &options.progress {
        c.progress = Some(Progress::trampoline);
        c.progress_user = progress.user();
    }
    // SAFETY: good pointers, which last for the call.
    check(unsafe { sys::phial_quantize(from.as_ptr(), to.as_ptr(), &c) })?;
    Ok(())
}
