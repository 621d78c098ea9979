// SPDX-License-Identifier: MIT
//! Stopping a session from elsewhere.

use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::sys;

/// The session, or NULL once it is gone. The lock keeps it from going while it
/// is being cancelled; nothing is computed under it.
struct Target(*mut sys::phial_session);

// SAFETY: a session may be cancelled from any thread.
unsafe impl Send for Target {}

/// Cancels the call that runs on a session, from any thread; from
/// [`Session::cancel_handle`](crate::Session::cancel_handle). It does not keep
/// the session alive, and does nothing once that is gone. It takes a lock, so it
/// is not for signal handlers.
#[derive(Clone)]
pub struct CancelHandle(Arc<Mutex<Target>>);

impl CancelHandle {
    pub(crate) fn new(session: *mut sys::phial_session) -> Self {
        CancelHandle(Arc::new(Mutex::new(Target(session))))
    }

    /// Makes the running call on the session, or the next that computes, return
    /// [`Error::Cancelled`](crate::Error::Cancelled) soon, once. The session
    /// remains usable, and goes on to the same text.
    pub fn cancel(&self) {
        let target = self.0.lock().unwrap_or_else(PoisonError::into_inner);

        if !target.0.is_null() {
            // SAFETY: the session is there as long as the lock is held.
            unsafe { sys::phial_session_cancel(target.0) }
        }
    }

    /// The session is about to go.
    pub(crate) fn forget(&self) {
        let mut target = self.0.lock().unwrap_or_else(PoisonError::into_inner);

        target.0 = ptr::null_mut();
    }
}

impl std::fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelHandle").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_outlive_the_session_and_then_do_nothing() {
        // Never looked at: the session is gone before anybody cancels.
        let handle = CancelHandle::new(ptr::NonNull::dangling().as_ptr());
        let other = handle.clone();
        handle.forget();
        drop(handle);
        std::thread::spawn(move || other.cancel()).join().unwrap();
    }
}
