// SPDX-License-Identifier: MIT
//! What a session is made with.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::hooks::Progress;
use crate::sys;
use crate::{Cache, Rope};

/// How a session is made.
///
/// ```
/// # let model = phial::Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf"))?;
/// use phial::{Cache, SessionOptions};
/// let options = SessionOptions::new().context(512).cache(Cache::Q8);
/// let session = model.session(options)?;
/// # Ok::<(), phial::Error>(())
/// ```
#[derive(Default)]
pub struct SessionOptions {
    flags: u32,
    context: u32,
    cache: Cache,
    prefill: u32,
    rope: Rope,
    progress: Option<Arc<Progress>>,
}

impl SessionOptions {
    /// All by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many tokens it may hold; 0: what the model allows.
    pub fn context(mut self, tokens: u32) -> Self {
        self.context = tokens;
        self
    }

    /// How keys and values are kept.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = cache;
        self
    }

    /// Tokens per step of reading a prompt; 0: tuned for this processor. Does
    /// not change results.
    pub fn prefill(mut self, tokens: u32) -> Self {
        self.prefill = tokens;
        self
    }

    /// Which rotary factors are used.
    pub fn rope(mut self, rope: Rope) -> Self {
        self.rope = rope;
        self
    }

    /// Share nothing computed with other sessions.
    pub fn private(mut self, private: bool) -> Self {
        self.set_flag(sys::PHIAL_SESSION_PRIVATE, private);
        self
    }

    /// Whether tokens may be guessed ahead, which never changes a result; they
    /// are unless told otherwise.
    pub fn drafts(mut self, drafts: bool) -> Self {
        self.set_flag(sys::PHIAL_SESSION_NO_DRAFTS, !drafts);
        self
    }

    /// Called when the session begins to read a prompt and after each step of
    /// that, with a fraction that rises to 1, until the session and its forks
    /// are gone. [`ControlFlow::Break`] gives up, and so does a panic, which
    /// goes on in the caller; what was read by then is kept. It must not call
    /// into this crate, but for [`CancelHandle::cancel`].
    ///
    /// It lives as long as the session, so it borrows nothing:
    ///
    /// ```compile_fail,E0373
    /// let mut told = 0;
    /// phial::SessionOptions::new().progress(|_| {
    ///     told += 1;
    ///     std::ops::ControlFlow::Continue(())
    /// });
    /// ```
    ///
    /// [`CancelHandle::cancel`]: crate::CancelHandle::cancel
    pub fn progress(
        mut self,
        hook: impl FnMut(f32) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(Progress::new(hook)));
        self
    }

    fn set_flag(&mut self, flag: u32, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }

    /// The hook is in it, and good as long as self is.
    pub(crate) fn to_c(&self) -> sys::phial_session_options {
        let mut c = sys::phial_session_options {
            flags: self.flags,
            n_context: self.context,
            cache_format: self.cache as i32,
            n_prefill: self.prefill,
            rope: self.rope as i32,
            ..Default::default()
        };
        if let Some(progress) = &self.progress {
            c.progress = Some(Progress::trampoline);
            c.progress_user = progress.user();
        }
        c
    }

    pub(crate) fn into_progress(self) -> Option<Arc<Progress>> {
        self.progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_options_arrive_in_their_fields() {
        let options = SessionOptions::new()
            .context(1)
            .cache(Cache::Q8)
            .prefill(2)
            .rope(Rope::Long)
            .private(true)
            .drafts(false)
            .progress(|_| ControlFlow::Break(()));
        let c = options.to_c();
        assert_eq!([c.flags, c.n_context, c.n_prefill], [3, 1, 2]);
        assert_eq!([c.cache_format, c.rope], [3, 2]);
        let kept = options.into_progress();
        // SAFETY: the hook has moved from options, and is still there.
        let told = unsafe { c.progress.unwrap()(c.progress_user, 0.5) };
        assert_eq!(told, 1);
        drop(kept);
    }
}
