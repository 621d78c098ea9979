// SPDX-License-Identifier: MIT
//! What a call may fail with.

use std::ffi::CStr;
use std::fmt;

use crate::hooks;
use crate::sys;

/// The result of a call that may fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed. Each holds the library's sentence, which says what failed,
/// where, and what was expected. After an error everything is as it was before
/// the call, and stays usable.
///
/// ```
/// let error = phial::Model::open("no-such-file.gguf").unwrap_err();
/// assert!(matches!(error, phial::Error::Io(_)));
/// assert!(error.to_string().contains("no-such-file.gguf"));
/// ```
///
/// There may be more of them one day:
///
/// ```compile_fail,E0004
/// fn is_io(error: phial::Error) -> bool {
///     use phial::Error::*;
///     match error {
///         Io(_) => true,
///         Argument(_) | Memory(_) | Format(_) | Unsupported(_) => false,
///         Context(_) | Cancelled(_) | Busy(_) | State(_) => false,
///         Mismatch(_) | Numeric(_) | Internal(_) => false,
///         Other { .. } => false,
///     }
/// }
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// An argument breaks the documented contract.
    Argument(String),
    /// An allocation failed or a limit was hit.
    Memory(String),
    /// The operating system refused.
    Io(String),
    /// A malformed file, JSON or UTF-8.
    Format(String),
    /// Well formed, but not something that this library runs.
    Unsupported(String),
    /// The context window is full.
    Context(String),
    /// By a [`CancelHandle`](crate::CancelHandle) or a hook.
    Cancelled(String),
    /// In use on another thread.
    Busy(String),
    /// The call makes no sense now.
    State(String),
    /// Made for another model or library.
    Mismatch(String),
    /// The weights produced a NaN or an infinity.
    Numeric(String),
    /// A bug in phial; please report the sentence.
    Internal(String),
    /// What this crate does not know yet.
    #[non_exhaustive]
    Other {
        /// The library's `phial_status`.
        status: i32,
        /// Its sentence.
        message: String,
    },
}

impl Error {
    pub(crate) fn new(status: sys::phial_status, message: String) -> Self {
        match status {
            sys::PHIAL_E_ARGUMENT => Error::Argument(message),
            sys::PHIAL_E_MEMORY => Error::Memory(message),
            sys::PHIAL_E_IO => Error::Io(message),
            sys::PHIAL_E_FORMAT => Error::Format(message),
            sys::PHIAL_E_UNSUPPORTED => Error::Unsupported(message),
            sys::PHIAL_E_CONTEXT => Error::Context(message),
            sys::PHIAL_E_CANCELLED => Error::Cancelled(message),
            sys::PHIAL_E_BUSY => Error::Busy(message),
            sys::PHIAL_E_STATE => Error::State(message),
            sys::PHIAL_E_MISMATCH => Error::Mismatch(message),
            sys::PHIAL_E_NUMERIC => Error::Numeric(message),
            sys::PHIAL_E_INTERNAL => Error::Internal(message),
            _ => Error::Other { status, message },
        }
    }

    /// The library's `phial_status`, below zero.
    pub fn status(&self) -> i32 {
        match self {
            Error::Argument(_) => sys::PHIAL_E_ARGUMENT,
            Error::Memory(_) => sys::PHIAL_E_MEMORY,
            Error::Io(_) => sys::PHIAL_E_IO,
            Error::Format(_) => sys::PHIAL_E_FORMAT,
            Error::Unsupported(_) => sys::PHIAL_E_UNSUPPORTED,
            Error::Context(_) => sys::PHIAL_E_CONTEXT,
            Error::Cancelled(_) => sys::PHIAL_E_CANCELLED,
            Error::Busy(_) => sys::PHIAL_E_BUSY,
            Error::State(_) => sys::PHIAL_E_STATE,
            Error::Mismatch(_) => sys::PHIAL_E_MISMATCH,
            Error::Numeric(_) => sys::PHIAL_E_NUMERIC,
            Error::Internal(_) => sys::PHIAL_E_INTERNAL,
            Error::Other { status, .. } => *status,
        }
    }

    /// The status's name in C.
    ///
    /// ```
    /// let error = phial::Model::open("no-such-file.gguf").unwrap_err();
    /// assert_eq!(error.name(), "PHIAL_E_IO");
    /// ```
    pub fn name(&self) -> &'static str {
        // SAFETY: a C string for any number, which stays.
        let name =
            unsafe { CStr::from_ptr(sys::phial_status_name(self.status())) };
        name.to_str().unwrap_or_default()
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        match self {
            Error::Argument(message)
            | Error::Memory(message)
            | Error::Io(message)
            | Error::Format(message)
            | Error::Unsupported(message)
            | Error::Context(message)
            | Error::Cancelled(message)
            | Error::Busy(message)
            | Error::State(message)
            | Error::Mismatch(message)
            | Error::Numeric(message)
            | Error::Internal(message)
            | Error::Other { message, .. } => message,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {}

/// The status of a call that has just returned on this thread: an error with its
/// sentence, or what is not one. A panic of a hook during the call goes on here.
pub(crate) fn check(status: sys::phial_status) -> Result<i32> {
    hooks::resume_panic();
    if status >= 0 {
        return Ok(status);
    }
    // SAFETY: never NULL, and valid until the next failing call on this thread.
    let sentence = unsafe { CStr::from_ptr(sys::phial_last_error()) };
    Err(Error::new(status, sentence.to_string_lossy().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_keeps_its_number_and_its_sentence() {
        for status in (-12..=-1).chain([-99, -57]) {
            let error = Error::new(status, format!("number {status}"));
            assert_eq!(error.status(), status);
            assert_eq!(error.to_string(), format!("number {status}"));
            let other = matches!(error, Error::Other { .. });
            // A buffer that is too small never leaves this crate.
            assert_eq!(other, status == -57 || status == sys::PHIAL_E_BUFFER);
        }
    }

    #[test]
    fn errors_go_where_boxes_of_errors_go() {
        fn fails() -> std::result::Result<(), Box<dyn std::error::Error>> {
            Err(Error::State("nothing held".into()))?;
            Ok(())
        }
        assert_eq!(fails().unwrap_err().to_string(), "nothing held");
    }
}
