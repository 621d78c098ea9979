// SPDX-License-Identifier: MIT
//! What a model or a session takes.

use std::path::Path;

use crate::convert::c_path;
use crate::error::{check, Result};
use crate::sys;
use crate::{ModelOptions, SessionOptions};

/// Bytes of a model, or of one session beyond its model.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// File-backed, shared and evictable.
    pub mapped: u64,
    /// Private: tensors of a model and its adapters.
    pub weights: u64,
    /// Keys and values, at their present size.
    pub cache: u64,
    /// The same when the context is full.
    pub cache_max: u64,
    /// Activations and work buffers.
    pub scratch: u64,
}

impl Memory {
    pub(crate) fn from_c(c: &sys::phial_memory) -> Self {
        Memory {
            mapped: c.mapped,
            weights: c.weights,
            cache: c.cache,
            cache_max: c.cache_max,
            scratch: c.scratch,
        }
    }
}

/// What a model opened from path and one session of it would take, from the
/// file's metadata alone.
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf");
/// use phial::{estimate, ModelOptions, SessionOptions};
/// let options = SessionOptions::new().context(256);
/// let memory = estimate(path, &ModelOptions::new(), &options)?;
/// assert!(memory.weights > 0 && memory.cache_max > 0);
/// # Ok::<(), phial::Error>(())
/// ```
pub fn estimate(
    path: impl AsRef<Path>,
    model: &ModelOptions,
    session: &SessionOptions,
) -> Result<Memory> {
    let path = c_path(path.as_ref())?;
    let mut c = sys::phial_memory::default();
    // SAFETY: good pointers; hooks last for the call.
    check(unsafe {
        sys::phial_estimate(
            path.as_ptr(),
            &model.to_c(),
            &session.to_c(),
            &mut c,
        )
    })?;
    Ok(Memory::from_c(&c))
}
