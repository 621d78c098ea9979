// SPDX-License-Identifier: MIT
//! A turn as an iterator over its text.

use std::fmt;
use std::ops::Deref;

use crate::error::Result;
use crate::{Event, Sampling, Session, StopReason, Token};

/// A piece of generated text, in whole characters. It is read like a `&str`.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// The last token behind it.
    pub token: Token,
    /// How many tokens are behind it; may be 0.
    pub n_tokens: u32,
    /// Their summed natural log probability, if sampling asked for it.
    pub logprob: f32,
}

impl Deref for Piece {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Pieces make a text: `session.generate(&sampling)?.collect::<Result<_>>()?`.
impl FromIterator<Piece> for String {
    fn from_iter<I: IntoIterator<Item = Piece>>(pieces: I) -> String {
        let mut text = String::new();
        for piece in pieces {
            text.push_str(&piece);
        }
        text
    }
}

/// The text of a turn as it is generated; from [`Session::generate`] and
/// [`Session::pieces`].
///
/// It has the session for itself:
///
/// ```compile_fail,E0499
/// # let model = phial::Model::open("model.gguf").unwrap();
/// # let mut session = model.session(Default::default()).unwrap();
/// for piece in session.pieces() {
///     session.rewind(0).unwrap();
/// }
/// ```
///
/// To drop it stops nothing and loses nothing: the session holds the tokens that
/// were generated, and [`Session::pieces`] goes on with the turn.
///
/// It ends after an error, and where a session that is stepped has given all
/// that there is yet.
#[derive(Debug)]
#[must_use = "nothing is generated until it is iterated over"]
pub struct Pieces<'a> {
    session: &'a mut Session,
    stop: Option<StopReason>,
    done: bool,
}

impl Pieces<'_> {
    /// Why the turn is over, once it is and this iterator saw its end.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.stop
    }

    fn step(&mut self) -> Result<Option<Piece>> {
        match self.session.next_event()? {
            Some(Event::Text { text, token, n_tokens, logprob }) => {
                let text = text.to_owned();
                return Ok(Some(Piece { text, token, n_tokens, logprob }));
            }
            Some(Event::Stop { reason, .. }) => self.stop = Some(reason),
            Some(Event::Pending) | None => {}
        }
        Ok(None)
    }
}

impl Iterator for Pieces<'_> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Result<Piece>> {
        if self.done {
            return None;
        }
        let piece = self.step().transpose();
        self.done = !matches!(piece, Some(Ok(_)));
        piece
    }
}

impl std::iter::FusedIterator for Pieces<'_> {}

impl Session {
    /// Sets sampling and generates a turn.
    ///
    /// ```
    /// # let model = phial::Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf"))?;
    /// # let mut session = model.session(phial::SessionOptions::new())?;
    /// use phial::{Result, Sampling, StopReason, TextFlags};
    /// session.add_text("Once upon a time", TextFlags::NONE)?;
    /// let mut pieces = session.generate(&Sampling::new().max_tokens(8))?;
    /// let text = pieces.by_ref().collect::<Result<String>>()?;
    /// assert_eq!(pieces.stop_reason(), Some(StopReason::Length));
    /// # Ok::<(), phial::Error>(())
    /// ```
    pub fn generate(&mut self, sampling: &Sampling) -> Result<Pieces<'_>> {
        self.set_sampling(sampling)?;
        Ok(self.pieces())
    }

    /// Generates a turn, or what is left of it, with the sampling that is set.
    pub fn pieces(&mut self) -> Pieces<'_> {
        Pieces { session: self, stop: None, done: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> Piece {
        Piece { text: text.into(), token: 1, n_tokens: 1, logprob: 0.0 }
    }

    #[test]
    fn a_piece_is_read_like_a_text() {
        assert_eq!(piece("fox").len(), 3);
        assert_eq!(
            format!("<{}|{:>5}>", piece("fox"), piece("ab")),
            "<fox|   ab>"
        );
    }

    #[test]
    fn pieces_make_a_text_or_the_first_error() {
        let good = [Ok(piece("a ")), Ok(piece("")), Ok(piece("fox"))];
        let text: Result<String> = good.into_iter().collect();
        assert_eq!(text.unwrap(), "a fox");
        let error = crate::Error::State("none".into());
        let bad = [Ok(piece("a ")), Err(error.clone())];
        assert_eq!(bad.into_iter().collect::<Result<String>>(), Err(error));
    }
}
