// SPDX-License-Identifier: MIT
//! In a process that was forked from the one that opened the model.

#![cfg(unix)]

mod common;

use common::{begun, tiny};
use phial::{Error, TextFlags};

extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

#[test]
fn a_forked_process_can_only_drop_a_model() {
    let model = tiny();
    let mut session = begun(&model);
    let tokenizer = model.tokenizer().unwrap();
    let refused =
        |error: Result<(), Error>| matches!(error, Err(Error::State(_)));
    // SAFETY: the child calls nothing that other threads could have locked.
    let child = unsafe { fork() };
    assert!(child >= 0);
    if child == 0 {
        let good = refused(session.logits().map(drop))
            && refused(model.describe().map(drop))
            && model.info().n_vocab > 0
            && tokenizer.encode("a fox", TextFlags::NONE).is_ok();
        drop((session, model, tokenizer));
        // SAFETY: ends the child, and nothing of it runs behind.
        unsafe { _exit(i32::from(!good)) }
    }
    let mut status = -1;
    // SAFETY: a child of this process, and where to put a number.
    assert_eq!(unsafe { waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
    assert!(session.logits().is_ok());
}
