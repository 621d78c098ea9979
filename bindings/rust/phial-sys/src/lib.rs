// SPDX-License-Identifier: MIT
//! The declarations of `phial.h`, as they are: see that header for what the
//! functions do, and the crate `phial` for a safe interface.
//!
//! `ffi.rs` is generated from the header and committed, so that no libclang is
//! needed. The library is found by the build script: in the folder
//! `PHIAL_LIB_DIR`, compiled from source with the feature `vendored`, or by
//! pkg-config.
//!
//! ```
//! // SAFETY: takes nothing and returns a number.
//! assert_ne!(unsafe { phial_sys::phial_version() }, 0);
//! ```

#[rustfmt::skip] // as the generator writes it
mod ffi;
pub use ffi::*;

/// In place of a token's id: there is none.
pub const PHIAL_NO_TOKEN: phial_token = -1;

/// As the length of a text: it ends at its first NUL.
pub const PHIAL_NUL_TERMINATED: usize = usize::MAX;
