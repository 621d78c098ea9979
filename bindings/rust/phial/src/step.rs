// SPDX-License-Identifier: MIT
//! Many sessions at once.

use crate::error::{check, Result};
use crate::sys;
use crate::Session;

/// One step for sessions of one model in a single pass over its weights: each
/// whose turn goes on generates its next token, or reads some of its prompt. What
/// came of it waits in each session for [`Session::next_event`], and so does an
/// error of one of them. False once all turns are over, or have yet to report.
/// Each session gets the text that it would get alone.
///
/// ```
/// # let model = phial::Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf"))?;
/// use phial::{Event, Sampling, Session, SessionOptions, TextFlags};
/// let mut a = model.session(SessionOptions::new())?;
/// a.set_sampling(&Sampling::new().max_tokens(4))?;
/// a.add_text("Once upon a time", TextFlags::NONE)?;
/// let mut b = a.fork()?;
/// let mut texts = [String::new(), String::new()];
/// while phial::step(&mut [&mut a, &mut b])? {
///     for (session, all) in [&mut a, &mut b].into_iter().zip(&mut texts) {
///         while let Some(Event::Text { text, .. }) = session.next_event()? {
///             all.push_str(text);
///         }
///     }
/// }
/// assert_eq!(texts[0], texts[1]);
/// # Ok::<(), phial::Error>(())
/// ```
///
/// A session is in it once:
///
/// ```compile_fail,E0499
/// # let model = phial::Model::open("model.gguf").unwrap();
/// # let mut session = model.session(Default::default()).unwrap();
/// phial::step(&mut [&mut session, &mut session]).unwrap();
/// ```
pub fn step(sessions: &mut [&mut Session]) -> Result<bool> {
    let raw: Vec<_> = sessions.iter().map(|s| s.raw()).collect();
    // SAFETY: as many sessions as it says, each of them borrowed for itself.
    let status = unsafe { sys::phial_step(raw.as_ptr(), raw.len()) };
    Ok(check(status)? != sys::PHIAL_END)
}
