// SPDX-License-Identifier: MIT
//! Goes on with a text. usage: complete MODEL TEXT
use std::env;
use std::error::Error;

use phial::{Model, Sampling, SessionOptions, TextFlags};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().ok_or("usage: complete MODEL TEXT")?;
    let text = args.next().ok_or("usage: complete MODEL TEXT")?;

    let model = Model::open(path)?;
    let mut session = model.session(SessionOptions::new())?;
    session.add_text(&text, TextFlags::BOS)?;
    let sampling = Sampling::new().temperature(0.8).seed(1).max_tokens(40);
    let rest: String =
        session.generate(&sampling)?.collect::<phial::Result<_>>()?;
    println!("{text}{rest}");
    Ok(())
}
