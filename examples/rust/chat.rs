// SPDX-License-Identifier: MIT
//! A conversation: a question a line. usage: chat MODEL
use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};

use phial::{Chat, Model, Role, Sampling, SessionOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: chat MODEL")?;
    let model = Model::open(path)?;
    let mut session = model.session(SessionOptions::new())?;
    let mut chat = Chat::new()?;
    chat.add(Role::System, "You are a helpful assistant.")?;
    for line in io::stdin().lock().lines() {
        chat.add(Role::User, &line?)?;
        // Only what is new since the last turn is computed.
        session.set_chat(&chat)?;
        let mut answer = String::new();
        for piece in session.generate(&Sampling::new())? {
            let piece = piece?;
            print!("{piece}");
            io::stdout().flush()?;
            answer.push_str(&piece);
        }
        println!();
        chat.add(Role::Assistant, &answer)?;
    }
    Ok(())
}
