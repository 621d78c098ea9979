// SPDX-License-Identifier: MIT
//! What a session holds: looking at it, going back, saving, scoring.

use std::path::Path;
use std::ptr;
use std::slice;

use crate::convert::{c_path, fill};
use crate::error::{check, Result};
use crate::sys;
use crate::{Session, Token};

/// Sums since a session was made.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Tokens of prompts that were read, those read again included.
    pub n_prompt: u64,
    /// Tokens of prompts that were taken from the cache instead.
    pub n_reused: u64,
    /// Tokens that were generated.
    pub n_generated: u64,
    /// Nanoseconds of reading.
    pub prefill_ns: u64,
    /// Nanoseconds of generating.
    pub decode_ns: u64,
    /// Guesses that were computed ahead.
    pub n_drafted: u64,
    /// Those of them that proved right.
    pub n_accepted: u64,
}

impl Session {
    /// Everything that the session holds, whether computed or still queued.
    pub fn tokens(&self) -> Result<Vec<Token>> {
        fill(0, |buf, cap, n| unsafe {
            // SAFETY: a session, and room for cap tokens.
            sys::phial_session_get_tokens(self.raw(), buf, cap, n)
        })
    }

    /// Forgets all but the first n tokens and ends the turn.
    pub fn rewind(&mut self, n: usize) -> Result<()> {
        // SAFETY: a session.
        check(unsafe { sys::phial_session_rewind(self.raw(), n) })?;
        Ok(())
    }

    /// Raw logits for the token that comes next, one for each of the vocabulary.
    /// What is queued is computed first.
    ///
    /// They are the session's own, and gone with the next call:
    ///
    /// ```compile_fail,E0499
    /// # let model = phial::Model::open("model.gguf").unwrap();
    /// # let mut session = model.session(Default::default()).unwrap();
    /// let logits = session.logits().unwrap();
    /// session.add_tokens(&[1]).unwrap();
    /// println!("{}", logits[0]);
    /// ```
    pub fn logits(&mut self) -> Result<&[f32]> {
        let (mut logits, mut n) = (ptr::null(), 0);
        // SAFETY: a session; the floats are there until the next call on it,
        // and the slice borrows it.
        unsafe {
            check(sys::phial_session_get_logits(
                self.raw(),
                &mut logits,
                &mut n,
            ))?;
            Ok(slice::from_raw_parts(logits, n))
        }
    }

    /// The n likeliest candidates with their natural log probabilities, best
    /// first: for the token that was just generated, or else for the one that
    /// comes next.
    pub fn top(&mut self, n: usize) -> Result<Vec<(Token, f32)>> {
        let n = n.min(self.model().info().n_vocab as usize);
        let (mut tokens, mut logprobs) = (vec![0; n], vec![0.0; n]);
        let mut stored = 0;
        // SAFETY: a session, and two arrays of n elements.
        check(unsafe {
            sys::phial_session_get_top(
                self.raw(),
                tokens.as_mut_ptr(),
                logprobs.as_mut_ptr(),
                n,
                &mut stored,
            )
        })?;
        Ok(tokens.into_iter().zip(logprobs).take(stored).collect())
    }

    /// Appends tokens and computes them: ln p of each, given all before it.
    pub fn score(&mut self, tokens: &[Token]) -> Result<Vec<f32>> {
        let mut logprobs = vec![0.0; tokens.len()];
        // SAFETY: a session, and two arrays of the same length.
        check(unsafe {
            sys::phial_session_score(
                self.raw(),
                tokens.as_ptr(),
                tokens.len(),
                logprobs.as_mut_ptr(),
            )
        })?;
        Ok(logprobs)
    }

    /// Raw logits behind `n_tokens` of the tokens that the session holds, from
    /// index `first` on: so many rows of the vocabulary's length, one after the
    /// other.
    pub fn rows(&mut self, first: usize, n_tokens: usize) -> Result<Vec<f32>> {
        // Asking for the count first would be cheap; this is one call.
        let held = self.tokens()?.len().saturating_sub(first);
        let guess = n_tokens.min(held) * self.model().info().n_vocab as usize;
        fill(guess, |buf, cap, n| unsafe {
            // SAFETY: a session, and room for cap floats.
            sys::phial_session_get_rows(
                self.raw(),
                first,
                n_tokens,
                buf,
                cap,
                n,
            )
        })
    }

    /// Saves what the session holds, the turn that is being generated included.
    /// The file is the old one or the new one at any time.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path.as_ref())?;
        // SAFETY: a session, and a path.
        check(unsafe { sys::phial_session_save(self.raw(), path.as_ptr()) })?;
        Ok(())
    }

    /// Replaces what the session holds by what was saved, of the same model.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path.as_ref())?;
        // SAFETY: a session, and a path.
        check(unsafe { sys::phial_session_load(self.raw(), path.as_ptr()) })?;
        Ok(())
    }

    /// The bytes that [`save`](Session::save) would write.
    pub fn save_bytes(&mut self) -> Result<Vec<u8>> {
        fill(0, |buf, cap, n| unsafe {
            // SAFETY: a session, and room for cap bytes.
            sys::phial_session_save_bytes(self.raw(), buf, cap, n)
        })
    }

    /// As [`load`](Session::load).
    pub fn load_bytes(&mut self, data: &[u8]) -> Result<()> {
        // SAFETY: a session, and bytes of their number.
        check(unsafe {
            sys::phial_session_load_bytes(self.raw(), data.as_ptr(), data.len())
        })?;
        Ok(())
    }

    /// Sums since the session was made.
    pub fn stats(&self) -> Result<Stats> {
        let mut c = sys::phial_stats::default();
        // SAFETY: a session, and a struct that says its size.
        check(unsafe { sys::phial_session_get_stats(self.raw(), &mut c) })?;
        Ok(Stats {
            n_prompt: c.n_prompt,
            n_reused: c.n_reused,
            n_generated: c.n_generated,
            prefill_ns: c.prefill_ns,
            decode_ns: c.decode_ns,
            n_drafted: c.n_drafted,
            n_accepted: c.n_accepted,
        })
    }
}
