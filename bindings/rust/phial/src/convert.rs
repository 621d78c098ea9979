// SPDX-License-Identifier: MIT
//! Between Rust's values and C's.

use std::ffi::CString;
use std::os::raw::c_char;
use std::path::{Path, PathBuf};

use crate::error::{check, Error, Result};
use crate::sys;

/// A text as C takes it; name is for the error.
pub(crate) fn c_string(name: &str, text: &str) -> Result<CString> {
    CString::new(text).map_err(|error| {
        Error::Argument(format!(
            "{name}: a NUL at byte {}, where text without one was expected",
            error.nul_position()
        ))
    })
}

/// Paths are UTF-8 on every platform.
pub(crate) fn c_path(path: &Path) -> Result<CString> {
    match path.to_str() {
        Some(text) => c_string("path", text),
        None => Err(Error::Argument(format!(
            "path: {} is not UTF-8, which is what paths have to be",
            path.display()
        ))),
    }
}

pub(crate) fn c_text(text: &[u8]) -> *const c_char {
    text.as_ptr() as *const c_char
}

/// A list of C strings, for as long as it lives.
pub(crate) struct CStrings {
    _owned: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl CStrings {
    pub(crate) fn new(name: &str, texts: &[String]) -> Result<Self> {
        Self::of(texts.iter().map(|text| c_string(name, text)))
    }

    pub(crate) fn of_paths(paths: &[PathBuf]) -> Result<Self> {
        Self::of(paths.iter().map(|path| c_path(path)))
    }

    fn of(texts: impl Iterator<Item = Result<CString>>) -> Result<Self> {
        let owned = texts.collect::<Result<Vec<_>>>()?;
        let pointers = owned.iter().map(|text| text.as_ptr()).collect();
        Ok(CStrings { _owned: owned, pointers })
    }

    pub(crate) fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }

    pub(crate) fn len(&self) -> usize {
        self.pointers.len()
    }
}

/// What a function with the parameters (buf, cap, n) gives: call is made with
/// room for `guess` elements, and again with as many as it says there are. It
/// stores at most cap elements and says in n how many.
pub(crate) fn fill<T: Copy + Default>(
    guess: usize,
    mut call: impl FnMut(*mut T, usize, *mut usize) -> sys::phial_status,
) -> Result<Vec<T>> {
    let mut buf = Vec::new();
    let mut wanted = guess;

    loop {
        buf.try_reserve_exact(wanted - buf.len())
            .map_err(|_| no_room::<T>(wanted))?;
        buf.resize(wanted, T::default());
        let mut n = 0;
        let status = call(buf.as_mut_ptr(), buf.len(), &mut n);
        if status == sys::PHIAL_E_BUFFER && n > wanted {
            wanted = n;
            continue;
        }
        check(status)?;
        buf.truncate(n);
        return Ok(buf);
    }
}

fn no_room<T>(n: usize) -> Error {
    Error::Memory(format!(
        "no memory for {n} elements of {} bytes",
        std::mem::size_of::<T>()
    ))
}

/// The same for text.
pub(crate) fn fill_text(
    mut call: impl FnMut(*mut c_char, usize, *mut usize) -> sys::phial_status,
) -> Result<String> {
    let bytes = fill::<u8>(256, |buf, cap, n| call(buf as *mut _, cap, n))?;
    String::from_utf8(bytes).map_err(|_| not_utf8())
}

pub(crate) fn not_utf8() -> Error {
    Error::Internal("the library gave text that is not UTF-8".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice;

    #[test]
    fn a_nul_is_named_with_its_place() {
        assert_eq!(c_string("stop", "ab").unwrap().as_bytes(), b"ab");
        let error = c_string("stop", "ab\0c").unwrap_err();
        assert_eq!(error.status(), sys::PHIAL_E_ARGUMENT);
        assert!(error.message().starts_with("stop: a NUL at byte 2"));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_utf8_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"a\xff"));
        assert!(matches!(c_path(path), Err(Error::Argument(_))));
        assert_eq!(c_path(Path::new("ä")).unwrap().as_bytes(), "ä".as_bytes());
    }

    #[test]
    fn a_list_of_strings_keeps_them() {
        let list = CStrings::new("stop", &["a".into(), String::new()]).unwrap();
        // SAFETY: as many pointers as it says, each to a C string.
        let texts = unsafe { slice::from_raw_parts(list.as_ptr(), list.len()) }
            .iter()
            .map(|&text| unsafe { std::ffi::CStr::from_ptr(text) });
        assert!(texts.map(|t| t.to_bytes().len()).eq([1, 0]));
        assert!(CStrings::new("stop", &["a\0".into()]).is_err());
    }

    /// What the library does with its buffers.
    fn give(
        all: &[u32],
        buf: *mut u32,
        cap: usize,
        n: *mut usize,
    ) -> sys::phial_status {
        // SAFETY: n is one number, and buf has room for cap elements.
        unsafe {
            *n = all.len();
            if all.len() > cap {
                return sys::PHIAL_E_BUFFER;
            }
            std::ptr::copy_nonoverlapping(all.as_ptr(), buf, all.len());
        }
        sys::PHIAL_OK
    }

    #[test]
    fn a_buffer_grows_to_what_there_is() {
        for (guess, calls_expected) in [(0, 2), (2, 2), (3, 1), (9, 1)] {
            let mut calls = 0;
            let got = fill(guess, |buf, cap, n| {
                calls += 1;
                give(&[7, 8, 9], buf, cap, n)
            });
            assert_eq!(got.unwrap(), [7, 8, 9]);
            assert_eq!(calls, calls_expected);
        }
        assert_eq!(fill(4, |b, c, n| give(&[], b, c, n)).unwrap(), []);
    }

    #[test]
    fn a_count_beyond_memory_is_an_error() {
        let got = fill::<u32>(0, |_, _, n| {
            // SAFETY: n is one number.
            unsafe { *n = usize::MAX / 2 };
            sys::PHIAL_E_BUFFER
        });
        assert!(matches!(got, Err(Error::Memory(_))));
    }

    #[test]
    fn text_that_is_not_utf8_is_an_error() {
        let text = |bytes: &'static [u8]| {
            fill_text(move |buf, _, n| {
                // SAFETY: n is one number, and buf has room for 256 bytes.
                unsafe {
                    *n = bytes.len();
                    bytes.as_ptr().copy_to(buf as *mut u8, bytes.len());
                }
                sys::PHIAL_OK
            })
        };
        assert_eq!(text(b"fox").unwrap(), "fox");
        assert!(matches!(text(b"\xff"), Err(Error::Internal(_))));
    }
}
