// SPDX-License-Identifier: MIT
//! Runs Microsoft's Phi language models on the CPU.
//!
//! ```
//! use phial::{Chat, Model, Role, Sampling, SessionOptions};
//!
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf");
//! let model = Model::open(path)?;
//! let mut chat = Chat::new()?;
//! chat.add(Role::User, "What is 17 + 25?")?;
//! let mut session = model.session(SessionOptions::new())?;
//! session.set_chat(&chat)?;
//! for piece in session.generate(&Sampling::new())? {
//!     print!("{}", piece?);
//! }
//! # Ok::<(), phial::Error>(())
//! ```
//!
//! A [`Model`] is immutable and shared by threads; a [`Session`] is a sequence
//! of its own, moves between threads, and serves one at a time. What is borrowed
//! from a session (its text, its logits) borrows it. Everything that may fail
//! returns an [`Error`] with the library's sentence, and leaves everything as it
//! was.
//!
//! The library is found as the crate `phial-sys` says; with the feature
//! `vendored` it is compiled from source. Rust 1.63 is enough.

#![deny(missing_docs, unsafe_op_in_unsafe_fn)]

use std::ffi::CStr;

use phial_sys as sys;

mod adapter;
mod cancel;
mod chat;
mod convert;
mod error;
mod events;
mod history;
mod hooks;
mod imatrix;
mod memory;
mod model;
mod model_options;
mod pieces;
mod quantize;
mod sampling;
mod session;
mod session_options;
mod step;
mod tokenizer;
mod values;

pub use adapter::Adapter;
pub use cancel::CancelHandle;
pub use chat::Chat;
pub use error::{Error, Result};
pub use events::Event;
pub use history::Stats;
pub use imatrix::ImatrixOptions;
pub use memory::{estimate, Memory};
pub use model::{Model, ModelInfo};
pub use model_options::ModelOptions;
pub use pieces::{Piece, Pieces};
pub use quantize::{quantize, QuantizeOptions};
pub use sampling::Sampling;
pub use session::Session;
pub use session_options::SessionOptions;
pub use step::step;
pub use tokenizer::Tokenizer;
pub use values::{
    Cache, Isa, LogLevel, Pool, Role, Rope, SpecialToken, StopReason,
    TextFlags, Weights,
};

/// An id in a vocabulary.
pub type Token = sys::phial_token;

/// The version of the running library: major, minor, patch.
///
/// ```
/// assert!(phial::version() >= (0, 1, 0));
/// ```
pub fn version() -> (u8, u8, u8) {
    // SAFETY: takes nothing and returns a number.
    let [_, major, minor, patch] =
        unsafe { sys::phial_version() }.to_be_bytes();
    (major, minor, patch)
}

/// One line of JSON about the library and this machine, for bug reports.
pub fn build_info() -> String {
    // SAFETY: a C string that stays.
    unsafe { CStr::from_ptr(sys::phial_build_info()) }
        .to_string_lossy()
        .into_owned()
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
