// SPDX-License-Identifier: MIT
//! Threads, cancelling, hooks and what they do when they panic, lifetimes.

mod common;

use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::{begun, tiny, tiny_path};
use phial::{
    Adapter, CancelHandle, Chat, Error, LogLevel, Model, Result, Sampling,
    Session, SessionOptions, TextFlags, Tokenizer,
};

#[test]
fn what_may_cross_threads_does() {
    fn send<T: Send>() {}
    fn share<T: Send + Sync + Clone>() {}
    share::<Model>();
    share::<Tokenizer>();
    share::<Adapter>();
    share::<CancelHandle>();
    share::<Error>();
    share::<Sampling>();
    send::<Session>();
    send::<Chat>();
    send::<SessionOptions>();
    send::<phial::ModelOptions>();
}

#[test]
fn threads_with_sessions_of_one_model_say_the_same() {
    let model = tiny();
    let sampling = Sampling::new().max_tokens(10).ignore_eos(true);
    let texts: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut session = begun(&model);
                    let pieces = session.generate(&sampling).unwrap();
                    pieces.collect::<Result<String>>().unwrap()
                })
            })
            .collect();
        running.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(texts.iter().all(|text| *text == texts[0]));
}

#[test]
fn a_session_moves_in_the_middle_of_a_turn() {
    let model = tiny();
    let sampling = Sampling::new().max_tokens(8).ignore_eos(true);
    let mut session = begun(&model);
    let mut twin = session.fork().unwrap();
    session.generate(&sampling).unwrap().next().unwrap().unwrap();
    drop(model);
    let moved = std::thread::spawn(move || {
        session.pieces().for_each(|piece| drop(piece.unwrap()));
        session.tokens().unwrap()
    });
    twin.generate(&sampling).unwrap().for_each(drop);
    assert_eq!(moved.join().unwrap(), twin.tokens().unwrap());
}

#[test]
fn a_cancelled_session_goes_on_to_the_same_text() {
    let model = tiny();
    let sampling = Sampling::new().max_tokens(40).ignore_eos(true);
    let mut session = begun(&model);
    let mut whole = session.fork().unwrap();
    let whole: String =
        whole.generate(&sampling).unwrap().collect::<Result<_>>().unwrap();
    let handle = session.cancel_handle();
    let mut text = String::new();
    session.set_sampling(&sampling).unwrap();
    let mut cancelled = 0;
    loop {
        std::thread::scope(|scope| scope.spawn(|| handle.cancel()).join())
            .unwrap();
        let mut pieces = session.pieces();
        match pieces.next() {
            Some(Err(Error::Cancelled(_))) => cancelled += 1,
            other => panic!("{other:?}"),
        }
        assert!(pieces.next().is_none());
        match session.pieces().next() {
            Some(piece) => text.push_str(&piece.unwrap()),
            None => break,
        }
    }
    assert_eq!(text, whole);
    assert!(cancelled > 3);
    drop(session);
    handle.cancel();
}

#[test]
fn cancelling_while_sessions_come_and_go_is_sound() {
    let model = tiny();
    let slot: Mutex<Option<CancelHandle>> = Mutex::new(None);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let handle = slot.lock().unwrap().clone();
                if let Some(handle) = handle {
                    handle.cancel();
                }
                std::thread::yield_now();
            }
        });
        for _ in 0..200 {
            let mut session = begun(&model);
            *slot.lock().unwrap() = Some(session.cancel_handle());
            let sampling = Sampling::new().max_tokens(1);
            for piece in session.generate(&sampling).unwrap() {
                if let Err(error) = piece {
                    assert!(matches!(error, Error::Cancelled(_)), "{error}");
                }
            }
        }
        over.store(true, Ordering::Relaxed);
    });
}

fn reading(
    hook: impl FnMut(f32) -> ControlFlow<()> + Send + 'static,
) -> Session {
    let options = SessionOptions::new().prefill(16).progress(hook);
    let mut session = tiny().session(options).unwrap();
    session.add_tokens(&[300; 100]).unwrap();
    session
}

#[test]
fn progress_of_a_prompt_rises_and_may_give_up() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = seen.clone();
    let mut session = reading(move |fraction| {
        heard.lock().unwrap().push(fraction);
        if heard.lock().unwrap().len() == 3 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let error = session.logits().unwrap_err();
    assert!(matches!(error, Error::Cancelled(_)), "{error:?}");
    let logits = session.logits().unwrap().to_vec();
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0], *seen.last().unwrap()), (0.0, 1.0));
    let mut plain = reading(|_| ControlFlow::Continue(()));
    assert_eq!(plain.logits().unwrap(), logits);
}

#[test]
fn a_panic_of_a_progress_hook_goes_on_in_the_caller() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let mut session = reading(move |_| {
        if counted.fetch_add(1, Ordering::Relaxed) == 2 {
            panic!("in the hook");
        }
        ControlFlow::Continue(())
    });
    let mut fork = session.fork().unwrap();
    let panic =
        catch_unwind(AssertUnwindSafe(|| session.prefill(1000))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"in the hook"));
    assert_eq!(session.prefill(1000).unwrap(), 0);
    assert_eq!(fork.logits().unwrap(), session.logits().unwrap());
}

#[test]
fn a_panic_at_the_very_end_goes_on_too() {
    let mut session = reading(|fraction| {
        assert!(fraction < 1.0, "at the end");
        ControlFlow::Continue(())
    });
    assert!(catch_unwind(AssertUnwindSafe(|| {
        let _ = session.logits();
    }))
    .is_err());
    assert!(!session.logits().unwrap().is_empty());
}

#[test]
fn a_panic_during_a_step_is_reported_once() {
    let mut bad = reading(|_| panic!("in the hook"));
    let mut good = bad.model().session(SessionOptions::new()).unwrap();
    good.add_text("A fox", TextFlags::NONE).unwrap();
    good.set_sampling(&Sampling::new().max_tokens(2)).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| {
        phial::step(&mut [&mut bad, &mut good])
    }))
    .is_err());
    assert!(matches!(bad.next_event(), Err(Error::Cancelled(_))));
    while phial::step(&mut [&mut good]).unwrap() {
        while let Some(phial::Event::Text { .. }) = good.next_event().unwrap() {
        }
    }
}

#[test]
fn opening_tells_how_far_it_is() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let options = Model::options().progress(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        ControlFlow::Continue(())
    });
    options.open(tiny_path()).unwrap();
    assert!(count.load(Ordering::Relaxed) > 1);
    assert_eq!(Arc::strong_count(&count), 1);
    let given_up = Model::options().progress(|_| ControlFlow::Break(()));
    let error = given_up.open(tiny_path()).unwrap_err();
    assert!(matches!(error, Error::Cancelled(_)), "{error:?}");
    let options = Model::options().progress(|_| panic!("in the hook"));
    assert!(
        catch_unwind(AssertUnwindSafe(|| options.open(tiny_path()))).is_err()
    );
}

#[test]
fn a_log_hook_lives_as_long_as_what_was_made_from_the_model() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = lines.clone();
    let options = Model::options().log(LogLevel::Info, move |level, line| {
        heard.lock().unwrap().push(format!("{level:?}: {line}"));
    });
    let model = options.open(tiny_path()).unwrap();
    assert!(lines.lock().unwrap()[0].starts_with("Info: "));
    let tokenizer = model.tokenizer().unwrap();
    let session = begun(&model);
    drop(model);
    drop(session);
    assert_eq!(Arc::strong_count(&lines), 2);
    drop(tokenizer);
    assert_eq!(Arc::strong_count(&lines), 1);
}

#[test]
fn a_panic_of_a_log_hook_goes_on_in_the_caller() {
    let options = Model::options().log(LogLevel::Debug, |_, _| panic!("log"));
    assert!(
        catch_unwind(AssertUnwindSafe(|| options.open(tiny_path()))).is_err()
    );
}

#[test]
fn a_hook_goes_with_the_last_fork() {
    let mark = Arc::new(());
    let kept = mark.clone();
    let session = reading(move |_| {
        let _ = &kept;
        ControlFlow::Continue(())
    });
    let fork = session.fork().unwrap();
    drop(session);
    assert_eq!(Arc::strong_count(&mark), 2);
    drop(fork);
    assert_eq!(Arc::strong_count(&mark), 1);
}

#[test]
fn adapters_are_kept_by_sessions() {
    let path = match std::env::var_os("PHIAL_ADAPTER") {
        Some(path) => path,
        None => return, // made by the build around this crate
    };
    let model = tiny();
    let adapter = model.adapter(path).unwrap();
    let mut plain = begun(&model);
    let mut with = model.session(SessionOptions::new()).unwrap();
    with.set_adapters(&[(&adapter, 4.0)]).unwrap();
    let mut other = tiny().session(SessionOptions::new()).unwrap();
    assert!(other.set_adapters(&[(&adapter, 4.0)]).is_err());
    drop((model, adapter));
    with.add_text("Once upon a time", TextFlags::NONE).unwrap();
    assert_ne!(with.logits().unwrap(), plain.logits().unwrap());
    assert!(matches!(with.set_adapters(&[]), Err(Error::State(_))));
}
