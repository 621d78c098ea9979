// SPDX-License-Identifier: MIT
//! What a model is opened with.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::hooks::{Log, Progress};
use crate::model::Model;
use crate::sys;
use crate::{Isa, LogLevel, Weights};

/// How a model is opened; from [`Model::options`].
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf");
/// use phial::{Isa, Model};
/// let model =
///     Model::options().threads(1).isa(Isa::Portable).open(path)?;
/// assert_eq!(model.info().n_threads, 1);
/// # Ok::<(), phial::Error>(())
/// ```
#[derive(Default)]
pub struct ModelOptions {
    flags: u32,
    threads: u32,
    isa: Isa,
    weights: Weights,
    cache_limit: u64,
    log_level: i32,
    // Not boxes, which must not be moved while the library has their address.
    log: Option<Arc<Log>>,
    progress: Option<Arc<Progress>>,
}

impl ModelOptions {
    /// As [`Model::options`].
    pub fn new() -> Self {
        Self::default()
    }

    /// How many threads compute; 0: one per processor that we may use. Results
    /// do not depend on it.
    pub fn threads(mut self, threads: u32) -> Self {
        self.threads = threads;
        self
    }

    /// Use at most this; for tests and triage.
    pub fn isa(mut self, isa: Isa) -> Self {
        self.isa = isa;
        self
    }

    /// Quantise the weights while they are read.
    pub fn weights(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }

    /// Keep the weights resident.
    pub fn lock(mut self, lock: bool) -> Self {
        self.set_flag(sys::PHIAL_MODEL_LOCK, lock);
        self
    }

    /// Refuse weights that hold NaN or infinity.
    pub fn verify(mut self, verify: bool) -> Self {
        self.set_flag(sys::PHIAL_MODEL_VERIFY, verify);
        self
    }

    /// Bytes of keys and values of all sessions together; 0: no limit.
    pub fn cache_limit(mut self, bytes: u64) -> Self {
        self.cache_limit = bytes;
        self
    }

    /// Called with every line up to a level until the model and all that was
    /// made from it are gone, from any thread. It must not call into this
    /// crate. A panic goes on in the caller after the call.
    ///
    /// It may be called by several threads at once:
    ///
    /// ```compile_fail,E0277
    /// let lines = std::cell::Cell::new(0);
    /// phial::Model::options().log(phial::LogLevel::Info, move |_, _| {
    ///     lines.set(lines.get() + 1)
    /// });
    /// ```
    pub fn log(
        mut self,
        level: LogLevel,
        hook: impl Fn(LogLevel, &str) + Send + Sync + 'static,
    ) -> Self {
        self.log_level = level as i32;
        self.log = Some(Arc::new(Log::new(hook)));
        self
    }

    /// Called while the model is opened, with a fraction that rises to 1.
    /// [`ControlFlow::Break`] gives up, and so does a panic, which goes on in
    /// the caller. It must not call into this crate.
    pub fn progress(
        mut self,
        hook: impl FnMut(f32) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(Progress::new(hook)));
        self
    }

    /// Opens a GGUF file, the first part of a split one, or the folder of a
    /// checkpoint.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Model> {
        Model::open_with(path.as_ref(), self)
    }

    fn set_flag(&mut self, flag: u32, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }

    /// Hooks are in it, and good as long as self is.
    pub(crate) fn to_c(&self) -> sys::phial_model_options {
        let mut c = sys::phial_model_options {
            flags: self.flags,
            n_threads: self.threads,
            isa: self.isa as i32,
            weight_format: self.weights as i32,
            cache_limit: self.cache_limit,
            ..Default::default()
        };
        if let Some(log) = &self.log {
            c.log_level = self.log_level;
            c.log = Some(Log::trampoline);
            c.log_user = log.user();
        }
        if let Some(progress) = &self.progress {
            c.progress = Some(Progress::trampoline);
            c.progress_user = progress.user();
        }
        c
    }

    pub(crate) fn into_log(self) -> Option<Arc<Log>> {
        self.log
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_options_arrive_in_their_fields() {
        let c = ModelOptions::new().to_c();
        assert!(c.flags == 0 && c.log.is_none() && c.progress.is_none());
        let options = ModelOptions::new()
            .threads(3)
            .isa(Isa::Neon)
            .weights(Weights::Q4KM)
            .cache_limit(5)
            .lock(true)
            .verify(true)
            .lock(false)
            .log(LogLevel::Warn, |_, _| ())
            .progress(|_| ControlFlow::Continue(()));
        let c = options.to_c();
        assert_eq!(c.struct_size as usize, std::mem::size_of_val(&c));
        assert_eq!([c.flags, c.n_threads], [2, 3]);
        assert_eq!([c.isa, c.weight_format, c.log_level], [4, 10, 2]);
        assert_eq!(c.cache_limit, 5);
        assert!(c.log.is_some() && !c.log_user.is_null());
        assert!(c.progress.is_some() && !c.progress_user.is_null());
    }
}
