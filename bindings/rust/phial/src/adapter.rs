// SPDX-License-Identifier: MIT
//! LoRA adapters.

use std::fmt;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use crate::convert::c_path;
use crate::error::{check, Result};
use crate::sys;
use crate::Model;

/// Frees its handle before it lets go of the model.
struct Owned {
    raw: *mut sys::phial_adapter,
    _model: Model,
}

// SAFETY: adapters are immutable and may be shared by threads.
unsafe impl Send for Owned {}
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: nobody else has the handle, sessions count on their own.
        unsafe { sys::phial_adapter_free(self.raw) }
    }
}

/// A LoRA adapter of a model, from [`Model::adapter`]; for
/// [`Session::set_adapters`](crate::Session::set_adapters). Threads may share
/// it, and clones are the same.
#[derive(Clone)]
pub struct Adapter(Arc<Owned>);

impl Adapter {
    pub(crate) fn open(model: &Model, path: &Path) -> Result<Adapter> {
        let path = c_path(path)?;
        let mut raw = ptr::null_mut();
        // SAFETY: a model, and good pointers.
        check(unsafe {
            sys::phial_adapter_open(model.raw(), path.as_ptr(), &mut raw)
        })?;
        Ok(Adapter(Arc::new(Owned { raw, _model: model.clone() })))
    }

    pub(crate) fn raw(&self) -> *const sys::phial_adapter {
        self.0.raw
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter").finish_non_exhaustive()
    }
}
