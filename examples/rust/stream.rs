// SPDX-License-Identifier: MIT
//! Streams an answer until a line comes in. usage: stream MODEL QUESTION
use std::env;
use std::io::{self, Write};
use std::thread;

use phial::{Chat, Error, Model, Role, Sampling, SessionOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().ok_or("usage: stream MODEL QUESTION")?;
    let question = args.next().ok_or("usage: stream MODEL QUESTION")?;

    let model = Model::open(path)?;
    let mut chat = Chat::new()?;
    chat.add(Role::User, &question)?;
    let mut session = model.session(SessionOptions::new())?;
    session.set_chat(&chat)?;

    let handle = session.cancel_handle();
    thread::spawn(move || {
        if matches!(io::stdin().read_line(&mut String::new()), Ok(1..)) {
            handle.cancel();
        }
    });
    for piece in session.generate(&Sampling::new())? {
        match piece {
            Ok(piece) => print!("{piece}"),
            Err(Error::Cancelled(_)) => print!(" [stopped]"),
            Err(error) => return Err(error.into()),
        }
        io::stdout().flush()?;
    }
    println!();
    Ok(())
}
