// SPDX-License-Identifier: MIT
//! Answers questions side by side. usage: many MODEL QUESTION...
use std::env;
use std::error::Error;

use phial::{Chat, Event, Model, Role, SessionOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let model =
        Model::open(args.next().ok_or("usage: many MODEL QUESTION...")?)?;
    let questions: Vec<String> = args.collect();

    let mut sessions = Vec::new();
    for question in &questions {
        let mut chat = Chat::new()?;
        chat.add(Role::User, question)?;
        let mut session = model.session(SessionOptions::new())?;
        session.set_chat(&chat)?;
        sessions.push(session);
    }
    let mut answers = vec![String::new(); questions.len()];
    let mut all: Vec<_> = sessions.iter_mut().collect();
    while phial::step(&mut all)? {
        for (session, answer) in all.iter_mut().zip(&mut answers) {
            while let Some(Event::Text { text, .. }) = session.next_event()? {
                answer.push_str(text);
            }
        }
    }
    for (question, answer) in questions.iter().zip(&answers) {
        println!("{question} {answer}");
    }
    Ok(())
}
