// SPDX-License-Identifier: MIT
//! Closures that the library calls. A panic must not unwind through C: it is
//! caught here, gives up what is going on, and goes on in the caller once the
//! library has returned.

use std::any::Any;
use std::cell::Cell;
use std::ffi::CStr;
use std::ops::ControlFlow;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use crate::LogLevel;

type Panic = Box<dyn Any + Send>;
type ProgressFn = dyn FnMut(f32) -> ControlFlow<()> + Send;
type LogFn = dyn Fn(LogLevel, &str) + Send + Sync;

thread_local! {
    static PANIC: Cell<Option<Panic>> = const { Cell::new(None) };
}

/// The first panic counts. To drop another one might panic again, and what comes
/// of that is forgotten.
fn keep_panic(panic: Panic) {
    let mut panic = Some(panic);
    let _ = PANIC.try_with(|kept| {
        let first = kept.take().or_else(|| panic.take());
        kept.set(first);
    });
    if let Err(worse) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(worse);
    }
}

/// Goes on with the panic of a hook that was called on this thread.
pub(crate) fn resume_panic() {
    if let Some(panic) = PANIC.with(Cell::take) {
        resume_unwind(panic);
    }
}

/// A progress hook. Forks of a session share it, and may compute at the same
/// time.
pub(crate) struct Progress(Mutex<Box<ProgressFn>>);

impl Progress {
    pub(crate) fn new(
        hook: impl FnMut(f32) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Progress(Mutex::new(Box::new(hook)))
    }

    pub(crate) fn user(&self) -> *mut c_void {
        self as *const Self as *mut c_void
    }

    fn call(&self, fraction: f32) -> ControlFlow<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)(fraction)
    }

    /// A `phial_progress_fn`. user is what `user()` gave, of a hook that is
    /// still there.
    pub(crate) unsafe extern "C" fn trampoline(
        user: *mut c_void,
        fraction: f32,
    ) -> i32 {
        // SAFETY: see above.
        let hook = unsafe { &*(user as *const Self) };
        match catch_unwind(AssertUnwindSafe(|| hook.call(fraction))) {
            Ok(ControlFlow::Continue(())) => 0,
            Ok(ControlFlow::Break(())) => 1,
            Err(panic) => {
                keep_panic(panic);
                1
            }
        }
    }
}

/// A log hook. It may be called by several threads at once.
pub(crate) struct Log(Box<LogFn>);

impl Log {
    pub(crate) fn new(
        hook: impl Fn(LogLevel, &str) + Send + Sync + 'static,
    ) -> Self {
        Log(Box::new(hook))
    }

    pub(crate) fn user(&self) -> *mut c_void {
        self as *const Self as *mut c_void
    }

    /// A `phial_log_fn`. user is what `user()` gave, of a hook that is still
    /// there; line is a C string.
    pub(crate) unsafe extern "C" fn trampoline(
        user: *mut c_void,
        level: i32,
        line: *const c_char,
    ) {
        // SAFETY: see above.
        let (hook, line) =
            unsafe { (&*(user as *const Self), CStr::from_ptr(line)) };
        let line = line.to_string_lossy();
        let call = || (hook.0)(LogLevel::from_code(level), &line);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
            keep_panic(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn tell(hook: &Progress, fraction: f32) -> i32 {
        // SAFETY: the hook is there.
        unsafe { Progress::trampoline(hook.user(), fraction) }
    }

    #[test]
    fn a_progress_hook_hears_fractions_and_may_give_up() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let heard = seen.clone();
        let hook = Progress::new(move |fraction| {
            heard.lock().unwrap().push(fraction);
            if fraction < 0.5 {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        assert_eq!(tell(&hook, 0.25), 0);
        assert_eq!(tell(&hook, 0.5), 1);
        assert_eq!(*seen.lock().unwrap(), [0.25, 0.5]);
    }

    #[test]
    fn a_panic_gives_up_and_goes_on_after_the_call() {
        let hook = Progress::new(|fraction| {
            if fraction > 0.0 {
                panic!("at {fraction}");
            }
            ControlFlow::Continue(())
        });
        assert_eq!(tell(&hook, 1.0), 1);
        assert_eq!(tell(&hook, 2.0), 1);
        let panic = catch_unwind(resume_panic).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "at 1");
        resume_panic();
        assert_eq!(tell(&hook, 0.0), 0);
    }

    #[test]
    fn a_log_hook_hears_lines_on_any_thread() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let heard = seen.clone();
        let hook = Log::new(move |level, line| {
            heard.lock().unwrap().push((level, line.to_owned()));
        });
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let line = b"caf\xe9\0".as_ptr() as *const c_char;
                // SAFETY: the hook is there, and the line ends in NUL.
                unsafe { Log::trampoline(hook.user(), 2, line) };
            });
        });
        let expected = [(LogLevel::Warn, "caf\u{fffd}".to_owned())];
        assert_eq!(*seen.lock().unwrap(), expected);
    }
}
