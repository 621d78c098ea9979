// SPDX-License-Identifier: MIT
//! Chats, text and what is generated of them.

mod common;

use common::{begun, demo_path, tiny, tiny_path};
use phial::{
    Cache, Chat, Error, Event, Isa, Model, Pool, Result, Role, Sampling,
    SessionOptions, SpecialToken, StopReason, TextFlags, Tokenizer,
};

fn answer(model: &Model, question: &str) -> String {
    let mut chat = Chat::new().unwrap();
    chat.add(Role::User, question).unwrap();
    let mut session = model.session(SessionOptions::new()).unwrap();
    session.set_chat(&chat).unwrap();
    let mut pieces = session.generate(&Sampling::new()).unwrap();
    let text = pieces.by_ref().collect::<Result<String>>().unwrap();
    assert_eq!(pieces.stop_reason(), Some(StopReason::Eos));
    text
}

#[test]
fn the_demo_model_answers() {
    let model = Model::open(demo_path()).unwrap();
    assert_eq!(answer(&model, "What is 17 + 25?"), "17 + 25 = 42.");
}

#[test]
fn tools_and_messages_in_json_reach_the_prompt() {
    let model = Model::open(demo_path()).unwrap();
    let mut chat = Chat::new().unwrap();
    chat.set_tools(
        r#"[{"type": "function", "function": {"name": "get_weather",
             "description": "d", "parameters": {"type": "object",
             "properties": {"city": {"type": "string"}}}}}]"#,
    )
    .unwrap();
    chat.add(Role::System, "You are helpful.").unwrap();
    chat.add_json(r#"{"role": "user", "content": "Weather in Oslo?"}"#)
        .unwrap();
    let prompt = chat.render(&model, true).unwrap();
    assert!(prompt.contains("get_weather"), "{prompt}");
    assert!(prompt.ends_with("<|assistant|>"), "{prompt}");
    assert!(!chat.render(&model, false).unwrap().ends_with("<|assistant|>"));
    assert!(matches!(chat.add_json("{"), Err(Error::Format(_))));
    assert_eq!(chat.render(&model, true).unwrap(), prompt);
}

#[test]
fn a_seed_gives_the_same_text_on_any_threads_and_instructions() {
    let sampling = Sampling::new().temperature(1.0).seed(7).max_tokens(20);
    let mut texts = Vec::new();
    for (threads, isa) in [(1, Isa::Best), (2, Isa::Best), (1, Isa::Portable)] {
        let options = Model::options().threads(threads).isa(isa);
        let model = options.open(tiny_path()).unwrap();
        assert_eq!(model.info().n_threads, threads);
        let mut session = begun(&model);
        let pieces = session.generate(&sampling).unwrap();
        texts.push(pieces.collect::<Result<String>>().unwrap());
    }
    assert!(!texts[0].is_empty());
    assert!(texts.iter().all(|text| *text == texts[0]));
}

#[test]
fn events_and_pieces_are_the_same_stream() {
    let model = tiny();
    let sampling =
        Sampling::new().max_tokens(12).ignore_eos(true).logprobs(true);
    let mut session = begun(&model);
    let mut twin = session.fork().unwrap();
    let (mut text, mut tokens, mut logprob) = (String::new(), 0, 0.0);
    session.set_sampling(&sampling).unwrap();
    while let Some(event) = session.next_event().unwrap() {
        match event {
            Event::Text { text: t, n_tokens, logprob: l, .. } => {
                text.push_str(t);
                tokens += n_tokens;
                logprob += l;
            }
            Event::Stop { reason, n_tokens, logprob: l, .. } => {
                assert_eq!(reason, StopReason::Length);
                tokens += n_tokens;
                logprob += l;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(tokens, 12);
    assert!(logprob < 0.0);
    let pieces = twin.generate(&sampling).unwrap();
    assert_eq!(pieces.collect::<Result<String>>().unwrap(), text);
    assert_eq!(twin.tokens().unwrap(), session.tokens().unwrap());
}

#[test]
fn a_turn_that_was_left_goes_on() {
    let model = tiny();
    let sampling = Sampling::new().max_tokens(10).ignore_eos(true);
    let mut session = begun(&model);
    let mut whole = session.fork().unwrap();
    let whole: String =
        whole.generate(&sampling).unwrap().collect::<Result<_>>().unwrap();
    let first = session.generate(&sampling).unwrap().next().unwrap().unwrap();
    let rest: String = session.pieces().collect::<Result<_>>().unwrap();
    assert_eq!(first.text + &rest, whole);
    assert!(session.pieces().next().is_none());
}

#[test]
fn stop_texts_and_biases_count() {
    let model = tiny();
    let mut session = begun(&model);
    let tokenizer = model.tokenizer().unwrap();
    let token = tokenizer.encode("a", TextFlags::NONE).unwrap()[0];
    let forced = Sampling::new().bias(token, 1000.0).max_tokens(3);
    session.generate(&forced).unwrap().for_each(drop);
    let tokens = session.tokens().unwrap();
    assert_eq!(tokens[tokens.len() - 3..], [token; 3]);
    let mut session = begun(&model);
    let stopped = Sampling::new().bias(token, 1000.0).stop("a");
    let mut pieces = session.generate(&stopped).unwrap();
    assert!(pieces.by_ref().all(|piece| piece.unwrap().is_empty()));
    assert_eq!(pieces.stop_reason(), Some(StopReason::Text));
}

#[test]
fn a_tokenizer_needs_no_model() {
    let tokenizer = Tokenizer::open(demo_path()).unwrap();
    let text = "Grüße, 世界! <|end|>";
    let plain = tokenizer.encode(text, TextFlags::NONE).unwrap();
    let special = tokenizer.encode(text, TextFlags::SPECIAL).unwrap();
    assert!(special.len() < plain.len());
    assert_eq!(tokenizer.decode(&plain, TextFlags::NONE).unwrap(), text);
    let end = tokenizer.special(SpecialToken::EndOfTurn).unwrap();
    assert_eq!(special.last(), Some(&end));
    let bytes = tokenizer.encode(b"\xff", TextFlags::NONE).unwrap();
    let back = tokenizer.decode(&bytes, TextFlags::NONE).unwrap();
    assert_eq!(back, "\u{fffd}");
    let bad = tokenizer.decode(&[-1], TextFlags::NONE);
    assert!(matches!(bad, Err(Error::Argument(_))));
}

#[test]
fn embeddings_have_the_models_length() {
    let model = Model::open(demo_path()).unwrap();
    let fox = model.embed("a fox", Pool::Mean).unwrap();
    assert_eq!(fox.len(), model.info().n_embedding as usize);
    assert_ne!(fox, model.embed("a fox", Pool::Last).unwrap());
    assert!(matches!(model.embed("", Pool::Mean), Err(Error::Argument(_))));
}

#[test]
fn options_of_a_session_arrive() {
    let model = tiny();
    let options = SessionOptions::new().context(8).cache(Cache::F32);
    let mut small = model.session(options).unwrap();
    let full = small.add_tokens(&[1; 9]);
    assert!(matches!(full, Err(Error::Context(_))), "{full:?}");
    small.add_tokens(&[1; 8]).unwrap();
    assert_eq!(small.prefill(3).unwrap(), 5);
    let context = model.info().n_context + 1;
    let options = SessionOptions::new().context(context);
    assert!(matches!(model.session(options), Err(Error::Argument(_))));
    let half = SessionOptions::new().context(8).cache(Cache::Q8);
    let half = model.session(half).unwrap();
    assert!(
        half.memory().unwrap().cache_max < small.memory().unwrap().cache_max
    );
}
