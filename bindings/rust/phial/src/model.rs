// SPDX-License-Identifier: MIT
//! Weights and tokenizer.

use std::fmt;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use crate::convert::{c_path, c_text, fill, fill_text};
use crate::error::{check, Result};
use crate::hooks::Log;
use crate::sys;
use crate::{
    Adapter, Memory, ModelOptions, Pool, Session, SessionOptions, Tokenizer,
};

/// The handle, and the hook that the library calls until it is gone: whoever
/// holds a handle made from the model holds this too, and frees its own first.
struct Owned {
    raw: *mut sys::phial_model,
    info: ModelInfo,
    _log: Option<Arc<Log>>,
}

// SAFETY: models are immutable and may be shared by threads; the hook is Sync.
unsafe impl Send for Owned {}
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the caller's one reference; NULL is accepted.
        unsafe { sys::phial_model_free(self.raw) }
    }
}

/// A model: weights and tokenizer, immutable. Clones are the same model, and
/// threads may share it. Sessions, tokenizers and adapters keep it alive.
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf");
/// let model = phial::Model::open(path)?;
/// let mut session = model.session(phial::SessionOptions::new())?;
/// drop(model); // the session has it
/// session.add_text("Once upon a time", phial::TextFlags::NONE)?;
/// # Ok::<(), phial::Error>(())
/// ```
#[derive(Clone)]
pub struct Model(Arc<Owned>);

/// A model's sizes.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelInfo {
    /// Tokens of the vocabulary.
    pub n_vocab: u32,
    /// The longest context that the model was trained for.
    pub n_context: u32,
    /// Layers.
    pub n_layers: u32,
    /// The length of what [`Model::embed`] gives.
    pub n_embedding: u32,
    /// How many threads compute.
    pub n_threads: u32,
    /// Weights.
    pub n_parameters: u64,
}

impl Model {
    /// Opens a GGUF file, the first part of a split one, or the folder of a
    /// checkpoint, with all options by default.
    pub fn open(path: impl AsRef<Path>) -> Result<Model> {
        Model::options().open(path)
    }

    /// Options, whose [`open`](ModelOptions::open) opens a model.
    pub fn options() -> ModelOptions {
        ModelOptions::new()
    }

    pub(crate) fn open_with(
        path: &Path,
        options: ModelOptions,
    ) -> Result<Model> {
        let path = c_path(path)?;
        let mut raw = ptr::null_mut();
        // SAFETY: good pointers; hooks last for the call, and the log hook
        // until the handle is freed.
        let status = unsafe {
            sys::phial_model_open(path.as_ptr(), &options.to_c(), &mut raw)
        };
        let mut owned =
            Owned { raw, info: ModelInfo::default(), _log: options.into_log() };
        check(status)?;
        owned.info = info_of(raw)?;
        Ok(Model(Arc::new(owned)))
    }

    pub(crate) fn raw(&self) -> *mut sys::phial_model {
        self.0.raw
    }

    /// An empty session.
    pub fn session(&self, options: SessionOptions) -> Result<Session> {
        Session::new(self, options)
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        Tokenizer::of_model(self)
    }

    /// Opens LoRA adapters for this model: a GGUF file, or a folder of PEFT.
    pub fn adapter(&self, path: impl AsRef<Path>) -> Result<Adapter> {
        Adapter::open(self, path.as_ref())
    }

    /// Its sizes.
    pub fn info(&self) -> ModelInfo {
        self.0.info
    }

    /// Everything else worth knowing, as a JSON object.
    pub fn describe(&self) -> Result<String> {
        fill_text(|buf, cap, n| unsafe {
            // SAFETY: room for cap bytes.
            sys::phial_model_describe(self.raw(), buf, cap, n)
        })
    }

    /// What the model takes.
    pub fn memory(&self) -> Result<Memory> {
        let mut c = sys::phial_memory::default();
        // SAFETY: a model, and a struct that says its size.
        check(unsafe { sys::phial_model_get_memory(self.raw(), &mut c) })?;
        Ok(Memory::from_c(&c))
    }

    /// A text as a vector of length 1.
    ///
    /// ```
    /// # let model = phial::Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf"))?;
    /// let vector = model.embed("a fox", phial::Pool::Mean)?;
    /// let square: f32 = vector.iter().map(|x| x * x).sum();
    /// assert!((square - 1.0).abs() < 1e-3);
    /// # Ok::<(), phial::Error>(())
    /// ```
    pub fn embed(&self, text: &str, pool: Pool) -> Result<Vec<f32>> {
        let guess = self.info().n_embedding as usize;
        fill(guess, |buf, cap, n| unsafe {
            // SAFETY: text of its length, room for cap floats.
            sys::phial_model_embed(
                self.raw(),
                c_text(text.as_bytes()),
                text.len(),
                pool as i32,
                buf,
                cap,
                n,
            )
        })
    }
}

fn info_of(model: *const sys::phial_model) -> Result<ModelInfo> {
    let mut c = sys::phial_model_info::default();
    // SAFETY: a model, and a struct that says its size.
    check(unsafe { sys::phial_model_get_info(model, &mut c) })?;
    Ok(ModelInfo {
        n_vocab: c.n_vocab,
        n_context: c.n_context,
        n_layers: c.n_layers,
        n_embedding: c.n_embedding,
        n_threads: c.n_threads,
        n_parameters: c.n_parameters,
    })
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Model").field(&self.info()).finish()
    }
}
