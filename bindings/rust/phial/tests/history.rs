// SPDX-License-Identifier: MIT
//! What sessions hold: going back, forking, saving, scoring, many at once.

mod common;

use common::{begun, demo_path, tiny, tiny_path, Folder};
use phial::{
    estimate, Error, Event, ImatrixOptions, Model, ModelOptions,
    QuantizeOptions, Result, Sampling, Session, SessionOptions, TextFlags,
    Weights,
};

fn say(session: &mut Session, n: u64) -> String {
    let sampling = Sampling::new().max_tokens(n).ignore_eos(true);
    session.generate(&sampling).unwrap().collect::<Result<_>>().unwrap()
}

#[test]
fn going_back_gives_the_same_again() {
    let mut session = begun(&tiny());
    let held = session.tokens().unwrap().len();
    let first = say(&mut session, 8);
    assert_eq!(session.tokens().unwrap().len(), held + 8);
    session.rewind(held).unwrap();
    assert_eq!(say(&mut session, 8), first);
    assert!(matches!(session.rewind(1000), Err(Error::Argument(_))));
}

#[test]
fn what_is_saved_goes_on_elsewhere() {
    let folder = Folder::new("saved");
    let path = folder.0.join("session.phial");
    let model = tiny();
    let mut session = begun(&model);
    say(&mut session, 5);
    session.save(&path).unwrap();
    let bytes = session.save_bytes().unwrap();
    let expected = say(&mut session, 6);

    let mut by_path = model.session(SessionOptions::new()).unwrap();
    by_path.load(&path).unwrap();
    assert_eq!(say(&mut by_path, 6), expected);
    let mut by_bytes = model.session(SessionOptions::new()).unwrap();
    by_bytes.load_bytes(&bytes).unwrap();
    assert_eq!(say(&mut by_bytes, 6), expected);

    let held = by_bytes.tokens().unwrap();
    let cut = by_bytes.load_bytes(&bytes[..bytes.len() / 2]);
    assert!(matches!(cut, Err(Error::Format(_))), "{cut:?}");
    assert_eq!(by_bytes.tokens().unwrap(), held);
}

#[test]
fn a_session_of_another_model_is_refused() {
    let bytes = begun(&tiny()).save_bytes().unwrap();
    let other = Model::options().weights(Weights::Q4_0);
    let other = other.open(demo_path()).unwrap();
    let mut session = other.session(SessionOptions::new()).unwrap();
    let mixed = session.load_bytes(&bytes);
    assert!(matches!(mixed, Err(Error::Mismatch(_))), "{mixed:?}");
}

#[test]
fn scores_logits_and_candidates_agree() {
    let model = tiny();
    let n_vocab = model.info().n_vocab as usize;
    let mut session = begun(&model);
    let logits = session.logits().unwrap().to_vec();
    assert_eq!(logits.len(), n_vocab);
    let top = session.top(4).unwrap();
    assert_eq!(top.len(), 4);
    let best = top[0].0;
    assert!(logits.iter().all(|&x| x <= logits[best as usize]));
    assert_eq!(session.top(usize::MAX).unwrap().len(), n_vocab);
    let held = session.tokens().unwrap().len();
    assert_eq!(session.rows(held - 1, 1).unwrap(), logits);
    assert_eq!(session.rows(0, held).unwrap().len(), held * n_vocab);
    assert!(session.rows(0, held + 1).is_err());
    let score = session.score(&[best]).unwrap();
    assert!((score[0] - top[0].1).abs() < 1e-5);
    assert!(session.score(&[]).unwrap().is_empty());
}

#[test]
fn many_at_once_say_what_each_says_alone() {
    let model = tiny();
    let prompts = ["One", "Two foxes", "Three"];
    let sampling = Sampling::new().max_tokens(9).ignore_eos(true);
    let mut sessions = Vec::new();
    let mut alone = Vec::new();
    for prompt in prompts {
        let mut session = model.session(SessionOptions::new()).unwrap();
        session.add_text(prompt, TextFlags::NONE).unwrap();
        session.set_sampling(&sampling).unwrap();
        alone.push(say(&mut session.fork().unwrap(), 9));
        sessions.push(session);
    }
    let mut together = vec![String::new(); prompts.len()];
    let mut all: Vec<_> = sessions.iter_mut().collect();
    let mut steps = 0;
    while phial::step(&mut all).unwrap() {
        steps += 1;
        for (session, text) in all.iter_mut().zip(&mut together) {
            loop {
                match session.next_event().unwrap() {
                    Some(Event::Text { text: t, .. }) => text.push_str(t),
                    Some(Event::Stop { .. }) => {}
                    _ => break,
                }
            }
        }
    }
    assert_eq!(together, alone);
    assert!((9..20).contains(&steps), "{steps}");
}

#[test]
fn sessions_of_two_models_do_not_step_together() {
    let (mut a, mut b) = (begun(&tiny()), begun(&tiny()));
    let mixed = phial::step(&mut [&mut a, &mut b]);
    assert!(matches!(mixed, Err(Error::Argument(_))), "{mixed:?}");
}

#[test]
fn statistics_and_memory_count() {
    let model = tiny();
    let mut session = begun(&model);
    let queued = session.tokens().unwrap().len() as u64;
    say(&mut session, 5);
    let stats = session.stats().unwrap();
    assert_eq!((stats.n_prompt, stats.n_generated), (queued, 5));
    assert!(session.memory().unwrap().cache > 0);
    let guess =
        estimate(tiny_path(), &ModelOptions::new(), &SessionOptions::new());
    assert_eq!(guess.unwrap().weights, model.memory().unwrap().weights);
    assert!(model.describe().unwrap().contains("phi3"));
}

#[test]
fn a_file_heeds_an_importance_matrix_and_adapters() {
    let folder = Folder::new("importance");
    let (path, matrix) = (folder.0.join("q4.gguf"), folder.0.join("m.gguf"));
    let about = ImatrixOptions::new().dataset("numbers").windows(1);
    let model = tiny();
    model.imatrix("one two three four five", &matrix, &about).unwrap();
    assert!(matches!(
        model.imatrix("", &matrix, &about),
        Err(Error::Argument(_))
    ));
    let written = |options: QuantizeOptions| {
        phial::quantize(tiny_path(), &path, &options.threads(1))?;
        Ok::<_, Error>(std::fs::read(&path).unwrap())
    };
    let plain = || QuantizeOptions::new(Weights::Q4_0);
    let before = written(plain()).unwrap();
    assert_ne!(written(plain().imatrix(&matrix)).unwrap(), before);
    let absent = folder.0.join("absent");
    let refused = written(plain().imatrix(&absent));
    assert!(matches!(refused, Err(Error::Io(_))), "{refused:?}");
    let refused = written(plain().with_adapter(&absent, 1.0));
    assert!(matches!(refused, Err(Error::Io(_))), "{refused:?}");
    if let Some(adapter) = std::env::var_os("PHIAL_ADAPTER") {
        let none = written(plain().with_adapter(&adapter, 0.0)).unwrap();
        assert_eq!(none, before);
        let full = written(plain().with_adapter(&adapter, 1.0)).unwrap();
        assert_ne!(full, before);
    }
}

#[test]
fn a_file_of_other_types_opens() {
    let folder = Folder::new("quantised");
    let path = folder.0.join("q8.gguf");
    let options = QuantizeOptions::new(Weights::Q8_0)
        .threads(1)
        .with_override("*.ffn_down.weight=F16");
    phial::quantize(demo_path(), &path, &options).unwrap();
    let text = Model::open(&path).unwrap().describe().unwrap();
    assert!(text.contains("F16"), "{text}");
    let useless = QuantizeOptions::new(Weights::Q8_0).with_override("x=Q8_0");
    let refused = phial::quantize(demo_path(), &path, &useless);
    assert!(matches!(refused, Err(Error::Argument(_))), "{refused:?}");
}
