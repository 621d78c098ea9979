// SPDX-License-Identifier: MIT
//! A sequence of tokens with its cache: setting up and input.

use std::fmt;
use std::os::raw::c_char;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::cancel::CancelHandle;
use crate::convert::c_text;
use crate::error::{check, Result};
use crate::hooks::Progress;
use crate::sys;
use crate::{
    Adapter, Chat, Memory, Model, Sampling, SessionOptions, TextFlags, Token,
};

/// A sequence of its own: its input, what is generated, and the keys and values
/// of both. From [`Model::session`]; any number of them share a model.
///
/// ```
/// # let model = phial::Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf"))?;
/// use phial::{Chat, Role, Sampling, SessionOptions};
/// let mut chat = Chat::new()?;
/// chat.add(Role::User, "What is 17 + 25?")?;
/// let mut session = model.session(SessionOptions::new())?;
/// session.set_chat(&chat)?;
/// for piece in session.generate(&Sampling::new())? {
///     print!("{}", piece?);
/// }
/// # Ok::<(), phial::Error>(())
/// ```
///
/// It may move to another thread, and serves one at a time:
///
/// ```compile_fail,E0277
/// # use phial::{Model, SessionOptions};
/// let model = Model::open("model.gguf").unwrap();
/// let session = model.session(SessionOptions::new()).unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(|| session.tokens());
/// });
/// ```
///
/// After an error it is as it was behind the last token that was computed, and
/// goes on from there to the same text. A panic in its progress hook gives up
/// like an error, and goes on in the caller.
pub struct Session {
    raw: NonNull<sys::phial_session>,
    cancel: CancelHandle,
    // Dropped after the handle is freed: the library calls and uses them.
    progress: Option<Arc<Progress>>,
    model: Model,
}

// SAFETY: the library keeps nothing of a session by thread.
unsafe impl Send for Session {}

impl Drop for Session {
    fn drop(&mut self) {
        self.cancel.forget();
        // SAFETY: nobody else has the handle any more.
        unsafe { sys::phial_session_free(self.raw.as_ptr()) }
    }
}

impl Session {
    pub(crate) fn new(model: &Model, options: SessionOptions) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: a model; the hook is kept until the session is freed.
        let status = unsafe {
            sys::phial_session_new(model.raw(), &options.to_c(), &mut raw)
        };
        let progress = options.into_progress();
        check(status)?;
        Ok(Session::from_raw(raw, progress, model.clone()))
    }

    fn from_raw(
        raw: *mut sys::phial_session,
        progress: Option<Arc<Progress>>,
        model: Model,
    ) -> Self {
        Session {
            raw: NonNull::new(raw).expect("a session"),
            cancel: CancelHandle::new(raw),
            progress,
            model,
        }
    }

    pub(crate) fn raw(&self) -> *mut sys::phial_session {
        self.raw.as_ptr()
    }

    /// The model that it is a session of.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What stops it from elsewhere.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// A copy in every respect, the turn that is being generated included. It
    /// shares what is computed until either side changes it.
    pub fn fork(&self) -> Result<Session> {
        let mut raw = ptr::null_mut();
        // SAFETY: a session; its hook is shared by the copy.
        check(unsafe { sys::phial_session_fork(self.raw(), &mut raw) })?;
        Ok(Session::from_raw(raw, self.progress.clone(), self.model.clone()))
    }

    /// How tokens are chosen from here on.
    pub fn set_sampling(&mut self, sampling: &Sampling) -> Result<()> {
        // SAFETY: a session, and a struct that is copied.
        let set = sampling.with_c(|c| unsafe {
            sys::phial_session_set_sampling(self.raw(), c)
        });
        check(set?)?;
        Ok(())
    }

    /// The adapters of this session with their scales, instead of those before;
    /// only while it is empty. All of them are of the session's model.
    pub fn set_adapters(&mut self, set: &[(&Adapter, f32)]) -> Result<()> {
        let (adapters, scales): (Vec<_>, Vec<_>) =
            set.iter().map(|(adapter, scale)| (adapter.raw(), *scale)).unzip();
        // SAFETY: a session, and two arrays of the same length. The session
        // counts its adapters on its own.
        check(unsafe {
            sys::phial_session_set_adapters(
                self.raw(),
                adapters.as_ptr(),
                scales.as_ptr(),
                adapters.len(),
            )
        })?;
        Ok(())
    }

    /// Queues text behind what the session holds. Any input ends the turn that
    /// was being generated.
    pub fn add_text(
        &mut self,
        text: impl AsRef<[u8]>,
        flags: TextFlags,
    ) -> Result<()> {
        let text = text.as_ref();
        let (data, len): (*const c_char, _) = (c_text(text), text.len());
        // SAFETY: a session, and text of its length.
        check(unsafe {
            sys::phial_session_add_text(self.raw(), data, len, flags.0)
        })?;
        Ok(())
    }

    /// Queues tokens behind what the session holds.
    pub fn add_tokens(&mut self, tokens: &[Token]) -> Result<()> {
        // SAFETY: a session, and tokens of their number.
        check(unsafe {
            sys::phial_session_add_tokens(
                self.raw(),
                tokens.as_ptr(),
                tokens.len(),
            )
        })?;
        Ok(())
    }

    /// Makes the session hold exactly this chat, up to where the assistant
    /// starts to speak: what is computed of it is kept, the rest is queued.
    pub fn set_chat(&mut self, chat: &Chat) -> Result<()> {
        // SAFETY: a session and a chat.
        check(unsafe { sys::phial_session_set_chat(self.raw(), chat.raw()) })?;
        Ok(())
    }

    /// Reads at most so many of the tokens that are queued; how many are left.
    pub fn prefill(&mut self, max_tokens: usize) -> Result<usize> {
        let mut left = 0;
        // SAFETY: a session, and where to put a number.
        check(unsafe {
            sys::phial_session_prefill(self.raw(), max_tokens, &mut left)
        })?;
        Ok(left)
    }

    /// What it takes beyond its model.
    pub fn memory(&self) -> Result<Memory> {
        let mut c = sys::phial_memory::default();
        // SAFETY: a session, and a struct that says its size.
        check(unsafe { sys::phial_session_get_memory(self.raw(), &mut c) })?;
        Ok(Memory::from_c(&c))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
