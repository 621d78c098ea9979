// SPDX-License-Identifier: MIT
//! Has the model call a tool, and answer with what that gave.
//! usage: tools MODEL QUESTION
use std::env;
use std::error::Error;

use phial::{Chat, Model, Result, Role, Sampling, Session, SessionOptions};

const TOOLS: &str = r#"[{"type": "function", "function": {
    "name": "get_weather", "description": "The weather in a city",
    "parameters": {"type": "object",
        "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]"#;

fn answer(session: &mut Session, chat: &Chat) -> Result<String> {
    session.set_chat(chat)?;
    session.generate(&Sampling::new())?.collect()
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().ok_or("usage: tools MODEL QUESTION")?;
    let question = args.next().ok_or("usage: tools MODEL QUESTION")?;

    let model = Model::open(path)?;
    let mut session = model.session(SessionOptions::new())?;
    let mut chat = Chat::new()?;
    chat.set_tools(TOOLS)?.add(Role::User, &question)?;
    let call = answer(&mut session, &chat)?;
    println!("{call}");
    chat.add(Role::Assistant, &call)?;
    chat.add(Role::Tool, r#"{"sky": "rainy", "temperature": 7}"#)?;
    println!("{}", answer(&mut session, &chat)?);
    Ok(())
}
