// SPDX-License-Identifier: MIT
//! One model for several threads, and a prompt that is read once for all of
//! them. usage: threads MODEL
use std::error::Error;
use std::thread;

use phial::{Model, Result, Sampling, SessionOptions, TextFlags};

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: threads MODEL")?;
    let model = Model::open(path)?;
    let mut first = model.session(SessionOptions::new())?;
    first.add_text("Once upon a time", TextFlags::BOS)?;
    first.prefill(usize::MAX)?;

    let mut running = Vec::new();
    for seed in 0..3 {
        // A copy that shares what is computed, for the thread to keep.
        let mut session = first.fork()?;
        running.push(thread::spawn(move || -> Result<String> {
            let sampling =
                Sampling::new().temperature(1.0).seed(seed).max_tokens(12);
            session.generate(&sampling)?.collect()
        }));
    }
    for thread in running {
        println!("Once upon a time{}", thread.join().unwrap()?);
    }
    Ok(())
}
