// SPDX-License-Identifier: MIT
//! Tells a story in parts, one each time that it is run: the session is kept in
//! a file. usage: resume MODEL FILE PROMPT
use std::env;
use std::error::Error;
use std::path::Path;

use phial::{Chat, Model, Role, Sampling, SessionOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [path, file, prompt] = <[String; 3]>::try_from(args)
        .map_err(|_| "usage: resume MODEL FILE PROMPT")?;

    let model = Model::open(path)?;
    let mut session = model.session(SessionOptions::new())?;
    if Path::new(&file).exists() {
        session.load(&file)?;
    } else {
        let mut chat = Chat::new()?;
        chat.add(Role::User, &prompt)?;
        session.set_chat(&chat)?;
    }
    // Leaving a turn keeps it: the next run goes on in the middle of it.
    for piece in session.generate(&Sampling::new())?.take(12) {
        print!("{}", piece?);
    }
    println!();
    session.save(&file)?;
    Ok(())
}
