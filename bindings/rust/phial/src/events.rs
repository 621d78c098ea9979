// SPDX-License-Identifier: MIT
//! What a session generates, event by event.

use std::os::raw::c_char;
use std::slice;
use std::str;

use crate::convert::not_utf8;
use crate::error::{check, Result};
use crate::sys;
use crate::{Session, StopReason, Token};

/// What [`Session::next_event`] gives. There may be more kinds one day; those
/// that this crate does not know are passed over.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// Text, in whole characters.
    #[non_exhaustive]
    Text {
        /// The text, borrowed from the session.
        text: &'a str,
        /// The last token behind it.
        token: Token,
        /// How many tokens are behind it; may be 0.
        n_tokens: u32,
        /// Their summed natural log probability, if sampling asked for it.
        logprob: f32,
    },
    /// The turn is over.
    #[non_exhaustive]
    Stop {
        /// Why.
        reason: StopReason,
        /// The last token of the turn.
        token: Token,
        /// Tokens that gave no text.
        n_tokens: u32,
        /// Their summed natural log probability, if sampling asked for it.
        logprob: f32,
    },
    /// Nothing yet: [`step`](crate::step) goes on with it.
    Pending,
}

impl Session {
    /// The next event, computing as little as it must; [`None`] once the turn is
    /// over. What a loop over [`generate`](Session::generate) does, without
    /// copying texts.
    ///
    /// ```
    /// # let model = phial::Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf"))?;
    /// # let mut session = model.session(phial::SessionOptions::new())?;
    /// use phial::{Event, Sampling, TextFlags};
    /// session.set_sampling(&Sampling::new().max_tokens(4))?;
    /// session.add_text("One day", TextFlags::NONE)?;
    /// while let Some(event) = session.next_event()? {
    ///     match event {
    ///         Event::Text { text, .. } => print!("{text}"),
    ///         Event::Stop { reason, .. } => println!(" ({reason:?})"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok::<(), phial::Error>(())
    /// ```
    ///
    /// A text is gone with the next call:
    ///
    /// ```compile_fail,E0499
    /// # let model = phial::Model::open("model.gguf").unwrap();
    /// # let mut session = model.session(Default::default()).unwrap();
    /// let first = session.next_event();
    /// let second = session.next_event();
    /// println!("{first:?} {second:?}");
    /// ```
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>> {
        let mut c = sys::phial_event::default();
        loop {
            // SAFETY: a session, and a struct that says its size.
            let status =
                check(unsafe { sys::phial_session_next(self.raw(), &mut c) })?;
            match (status, c.kind) {
                (sys::PHIAL_END, _) => return Ok(None),
                (sys::PHIAL_PENDING, _) => return Ok(Some(Event::Pending)),
                (sys::PHIAL_OK, sys::PHIAL_EVENT_TEXT) => break,
                (sys::PHIAL_OK, sys::PHIAL_EVENT_STOP) => {
                    return Ok(Some(stop_event(&c)))
                }
                _ => {}
            }
        }
        // SAFETY: the text is there until the next call on the session, which
        // the event borrows.
        let text = unsafe { text_of(c.text, c.text_len) };
        Ok(Some(Event::Text {
            text: str::from_utf8(text).map_err(|_| not_utf8())?,
            token: c.token,
            n_tokens: c.n_tokens,
            logprob: c.logprob,
        }))
    }
}

fn stop_event(c: &sys::phial_event) -> Event<'static> {
    Event::Stop {
        reason: StopReason::from_code(c.reason),
        token: c.token,
        n_tokens: c.n_tokens,
        logprob: c.logprob,
    }
}

/// Bytes that live as long as the caller says; NULL is empty.
unsafe fn text_of<'a>(text: *const c_char, len: usize) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: as this function.
    unsafe { slice::from_raw_parts(text as *const u8, len) }
}
