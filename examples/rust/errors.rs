// SPDX-License-Identifier: MIT
//! What to do about errors. usage: errors MODEL
use phial::{Error, Model, SessionOptions, TextFlags};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: errors MODEL")?;

    match Model::open("no-such-model.gguf") {
        Err(Error::Io(sentence)) => println!("cannot be read: {sentence}"),
        Err(Error::Format(sentence)) => println!("damaged: {sentence}"),
        other => println!("{other:?}"),
    }
    let model = Model::open(path)?;
    let mut session = model.session(SessionOptions::new().context(8))?;
    session.add_text("Once", TextFlags::NONE)?;
    let long = "upon a time ".repeat(50);
    if let Err(Error::Context(_)) = session.add_text(long, TextFlags::NONE) {
        // Nothing of it was queued, and the session is as it was.
        session.add_text(" upon", TextFlags::NONE)?;
    }
    println!("{} tokens", session.tokens()?.len());
    Ok(())
}
