// SPDX-License-Identifier: MIT
//! Text to the ids of tokens, and back.

use std::fmt;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use crate::convert::{c_path, c_text, fill, fill_text};
use crate::error::{check, Result};
use crate::sys;
use crate::{Model, SpecialToken, TextFlags, Token};

/// Frees its handle before it lets go of the model.
struct Owned {
    raw: *mut sys::phial_tokenizer,
    _model: Option<Model>,
}

// SAFETY: tokenizers are immutable and may be shared by threads.
unsafe impl Send for Owned {}
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: nobody else has the handle; NULL is accepted.
        unsafe { sys::phial_tokenizer_free(self.raw) }
    }
}

/// A vocabulary, immutable; threads may share it, and clones are the same.
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf");
/// use phial::{TextFlags, Tokenizer};
/// let tokenizer = Tokenizer::open(path)?;
/// let tokens = tokenizer.encode("A fox", TextFlags::NONE)?;
/// assert_eq!(tokenizer.decode(&tokens, TextFlags::NONE)?, "A fox");
/// # Ok::<(), phial::Error>(())
/// ```
#[derive(Clone)]
pub struct Tokenizer(Arc<Owned>);

impl Tokenizer {
    /// From the metadata of a GGUF file or the folder of a checkpoint, which
    /// need not hold weights.
    pub fn open(path: impl AsRef<Path>) -> Result<Tokenizer> {
        let path = c_path(path.as_ref())?;
        let mut raw = ptr::null_mut();
        // SAFETY: good pointers.
        check(unsafe { sys::phial_tokenizer_open(path.as_ptr(), &mut raw) })?;
        Ok(Tokenizer(Arc::new(Owned { raw, _model: None })))
    }

    pub(crate) fn of_model(model: &Model) -> Result<Tokenizer> {
        let mut raw = ptr::null_mut();
        // SAFETY: a model, and where to put the handle.
        check(unsafe {
            sys::phial_model_get_tokenizer(model.raw(), &mut raw)
        })?;
        Ok(Tokenizer(Arc::new(Owned { raw, _model: Some(model.clone()) })))
    }

    /// The ids of a text, any bytes.
    pub fn encode(
        &self,
        text: impl AsRef<[u8]>,
        flags: TextFlags,
    ) -> Result<Vec<Token>> {
        let text = text.as_ref();
        // One call is enough for nearly all text.
        fill(text.len() / 2 + 8, |buf, cap, n| unsafe {
            // SAFETY: text of its length, room for cap tokens.
            sys::phial_tokenizer_encode(
                self.0.raw,
                c_text(text),
                text.len(),
                flags.0,
                buf,
                cap,
                n,
            )
        })
    }

    /// The text of ids. Control tokens give none without
    /// [`TextFlags::SPECIAL`]; bytes that do not form a character become
    /// U+FFFD.
    pub fn decode(&self, tokens: &[Token], flags: TextFlags) -> Result<String> {
        fill_text(|buf, cap, n| unsafe {
            // SAFETY: tokens of their number, room for cap bytes.
            sys::phial_tokenizer_decode(
                self.0.raw,
                tokens.as_ptr(),
                tokens.len(),
                flags.0,
                buf,
                cap,
                n,
            )
        })
    }

    /// A token with a meaning of its own, if the vocabulary has it.
    pub fn special(&self, which: SpecialToken) -> Option<Token> {
        // SAFETY: a tokenizer.
        let token =
            unsafe { sys::phial_tokenizer_special(self.0.raw, which as i32) };
        Some(token).filter(|&token| token != sys::PHIAL_NO_TOKEN)
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer").finish_non_exhaustive()
    }
}
