// SPDX-License-Identifier: MIT
//! Random calls on a few models, sessions and chats, with what sessions must
//! hold kept beside them. PHIAL_RANDOM_CALLS says how many, PHIAL_RANDOM_SEED
//! which ones.

mod common;

use std::env;
use std::ops::ControlFlow;

use common::{tiny_path, Numbers};
use phial::{
    Adapter, Cache, Chat, Error, Event, Model, Pool, Result, Role, Sampling,
    Session, SessionOptions, TextFlags, Token, Tokenizer,
};

const CALLS: usize = 20_000;
const SESSIONS: usize = 6;
const TEXTS: [&str; 6] =
    ["", "a", "Once upon a time", "<|end|><|user|>", "Grüße 世界 🦊", "\n\n  "];

const JSON: [&str; 5] = [
    r#"{"role": "user", "content": "hello"}"#,
    r#"[{"role": "assistant", "content": "hello"}]"#,
    r#"[{"type": "function", "function": {"name": "f", "parameters": {}}}]"#,
    "[]",
    "{",
];

struct Held {
    session: Session,
    tokens: Vec<Token>,
}

struct World {
    numbers: Numbers,
    models: Vec<Model>,
    tokenizer: Tokenizer,
    adapter: Option<Adapter>,
    chat: Chat,
    held: Vec<Held>,
    saved: Vec<u8>,
    refused: usize,
}

fn number(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |n| n.parse().unwrap())
}

fn open() -> Model {
    Model::options()
        .threads(1)
        .cache_limit(8 << 20)
        .progress(|_| ControlFlow::Continue(()))
        .open(tiny_path())
        .unwrap()
}

impl World {
    fn new(seed: u64) -> World {
        let models = vec![open(), open()];
        World {
            numbers: Numbers(seed),
            tokenizer: models[0].tokenizer().unwrap(),
            adapter: env::var_os("PHIAL_ADAPTER")
                .map(|path| models[0].adapter(path).unwrap()),
            models,
            chat: Chat::new().unwrap(),
            held: Vec::new(),
            saved: Vec::new(),
            refused: 0,
        }
    }

    fn below(&mut self, n: usize) -> usize {
        self.numbers.below(n)
    }

    fn text(&mut self) -> &'static str {
        TEXTS[self.below(TEXTS.len())]
    }

    fn flags(&mut self) -> TextFlags {
        let all = [TextFlags::NONE, TextFlags::SPECIAL, TextFlags::BOS];
        all[self.below(3)] | all[self.below(3)]
    }

    fn sampling(&mut self) -> Sampling {
        let wild = self.below(20) == 0;
        let mut sampling = Sampling::new()
            .temperature(if wild { -1.0 } else { self.below(3) as f32 })
            .top_k(self.below(50) as u32)
            .top_p(self.below(11) as f32 / 10.0)
            .repeat_penalty(1.0 + self.below(3) as f32 / 10.0)
            .max_tokens(self.below(12) as u64)
            .ignore_eos(self.below(2) == 0)
            .logprobs(self.below(2) == 0)
            .bias(self.below(200) as Token, 2.0);
        if self.below(2) == 0 {
            sampling = sampling.seed(self.numbers.next());
        }
        if self.below(3) == 0 {
            sampling = sampling.stop(self.text());
        }
        sampling
    }

    fn some_tokens(&mut self) -> Vec<Token> {
        let n = self.below(9);
        let wild = self.below(20) == 0;
        (0..n).map(|_| self.below(200) as Token - Token::from(wild)).collect()
    }

    /// A refusal must be one that the contract knows, and change nothing.
    fn note<T>(&mut self, result: Result<T>) -> bool {
        match result {
            Ok(_) => true,
            Err(Error::Internal(sentence)) => panic!("{sentence}"),
            Err(error) => {
                assert!(error.message().len() > 8, "{error:?}");
                self.refused += 1;
                false
            }
        }
    }

    fn new_session(&mut self) {
        let caches = [Cache::Auto, Cache::F32, Cache::Q8];
        let options = SessionOptions::new()
            .context([0, 0, 40, 257][self.below(4)])
            .cache(caches[self.below(3)])
            .prefill(self.below(40) as u32)
            .private(self.below(4) == 0)
            .drafts(self.below(4) != 0)
            .progress(|_| ControlFlow::Continue(()));
        let which = self.below(2);
        let model = self.models[which].clone();
        match model.session(options) {
            Ok(session) if self.held.len() < SESSIONS => {
                self.held.push(Held { session, tokens: Vec::new() });
            }
            other => {
                self.note(other);
            }
        }
    }

    /// Calls that belong to no session.
    fn call_outside(&mut self) {
        let (text, flags) = (self.text(), self.flags());
        match self.below(8) {
            0..=2 => self.new_session(),
            3 => {
                let tokens = self.tokenizer.encode(text, flags).unwrap();
                let back = self.tokenizer.decode(&tokens, TextFlags::SPECIAL);
                assert!(back.unwrap().ends_with(text));
            }
            4 => {
                let tokens = self.some_tokens();
                let result = self.tokenizer.decode(&tokens, TextFlags::NONE);
                assert_eq!(tokens.contains(&-1), result.is_err());
            }
            5 => {
                let role = [Role::System, Role::User, Role::Assistant];
                let role = role[self.below(3)];
                let json = JSON[self.below(JSON.len())];
                let result = match self.below(4) {
                    0 => self.chat.add_json(json).map(drop),
                    1 => self.chat.set_tools(json).map(drop),
                    _ => self.chat.add(role, text).map(drop),
                };
                self.note(result);
                let prompt = self.chat.render(&self.models[1], true);
                self.note(prompt);
                if self.below(4) == 0 {
                    self.chat = Chat::new().unwrap();
                }
            }
            6 => {
                let result = self.models[0].embed(text, Pool::Mean);
                assert_eq!(text.is_empty(), result.is_err());
            }
            _ => self.step(),
        }
    }

    fn step(&mut self) {
        if self.below(10) == 0 {
            for held in &self.held {
                held.session.cancel_handle().cancel();
            }
        }
        let mut all: Vec<_> =
            self.held.iter_mut().map(|held| &mut held.session).collect();
        let result = phial::step(&mut all);
        for held in &mut self.held {
            held.tokens = held.session.tokens().unwrap();
        }
        self.note(result);
    }

    /// A call on one of the sessions, and what it holds behind it.
    fn call(&mut self, i: usize) {
        let before = self.held[i].tokens.len();
        let result = match self.below(5) {
            0 | 1 => self.put_in(i),
            2 | 3 => self.compute(i),
            _ => self.look(i),
        };
        let done = self.note(result);
        let held = &mut self.held[i];
        held.tokens = held.session.tokens().unwrap();
        if !done && held.tokens.len() < before {
            panic!("a call that was refused dropped tokens");
        }
        if self.below(40) == 0 || self.held.len() == SESSIONS {
            let gone = self.below(self.held.len());
            self.held.swap_remove(gone);
        }
    }

    fn put_in(&mut self, i: usize) -> Result<()> {
        let (text, flags) = (self.text(), self.flags());
        let (sampling, tokens) = (self.sampling(), self.some_tokens());
        let (n, which) = (self.below(60), self.below(7));
        let Held { session, tokens: held } = &mut self.held[i];
        match which {
            0 => session.set_sampling(&sampling),
            1 => session.add_text(text, flags),
            2 => session.add_tokens(&tokens),
            3 => session.set_chat(&self.chat),
            4 => session.rewind(if n < 20 { n } else { held.len() / 2 }),
            5 => {
                let len = self.saved.len();
                let cut = if n < 20 { len / 2 } else { len };
                session.load_bytes(&self.saved[..cut])
            }
            _ => {
                let set: Vec<_> =
                    self.adapter.iter().map(|a| (a, n as f32)).collect();
                session.set_adapters(&set)
            }
        }
    }

    fn compute(&mut self, i: usize) -> Result<()> {
        let (sampling, tokens) = (self.sampling(), self.some_tokens());
        let (n, which) = (self.below(60), self.below(8));
        let session = &mut self.held[i].session;
        match which {
            0 => session.prefill(n).map(drop),
            1 | 2 => session.next_event().map(drop),
            3 => take_some(session, &sampling, n % 8),
            4 => session.logits().map(|logits| {
                assert!(logits.iter().all(|x| x.is_finite()));
            }),
            5 => session.top(n).map(|top| {
                assert!(top.windows(2).all(|w| w[0].1 >= w[1].1));
            }),
            6 => session.score(&tokens).map(|scores| {
                assert!(scores.iter().all(|&x| x <= 0.0));
            }),
            _ => session.rows(n, 3).map(drop),
        }
    }

    fn look(&mut self, i: usize) -> Result<()> {
        let which = self.below(4);
        let Held { session, tokens } = &mut self.held[i];
        match which {
            0 => self.saved = session.save_bytes()?,
            1 => {
                let session = session.fork()?;
                assert_eq!(session.tokens().unwrap(), *tokens);
                let tokens = tokens.clone();
                if self.held.len() < SESSIONS {
                    self.held.push(Held { session, tokens });
                }
            }
            2 => session.cancel_handle().cancel(),
            _ => {
                session.stats()?;
                session.memory()?;
            }
        }
        Ok(())
    }
}

/// Some pieces of a turn, which is then left as it is.
fn take_some(
    session: &mut Session,
    sampling: &Sampling,
    n: usize,
) -> Result<()> {
    for piece in session.generate(sampling)?.take(n) {
        piece?;
    }
    if let Some(Event::Text { text, .. }) = session.next_event()? {
        assert!(!text.is_empty());
    }
    Ok(())
}

#[test]
fn random_calls_break_nothing() {
    let calls = number("PHIAL_RANDOM_CALLS", CALLS);
    let mut world = World::new(number("PHIAL_RANDOM_SEED", 1) as u64);
    for _ in 0..calls {
        if world.held.is_empty() || world.below(6) == 0 {
            world.call_outside();
        } else {
            let i = world.below(world.held.len());
            world.call(i);
        }
    }
    println!("{calls} calls, {} refused", world.refused);
    assert!(world.refused > 0 && world.refused < calls / 2);
}
