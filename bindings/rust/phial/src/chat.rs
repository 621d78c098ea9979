// SPDX-License-Identifier: MIT
//! Messages and tools.

use std::fmt;
use std::ptr::{self, NonNull};

use crate::convert::{c_text, fill_text};
use crate::error::{check, Result};
use crate::sys;
use crate::{Model, Role};

/// A list of messages, for any model.
///
/// ```
/// # let model = phial::Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/phial-demo.gguf"))?;
/// use phial::{Chat, Role};
/// let mut chat = Chat::new()?;
/// chat.add(Role::System, "Be brief.")?.add(Role::User, "Who are you?")?;
/// let prompt = chat.render(&model, true)?;
/// assert!(prompt.contains("Who are you?"));
/// # Ok::<(), phial::Error>(())
/// ```
///
/// It moves between threads, and serves one at a time:
///
/// ```compile_fail,E0277
/// let chat = phial::Chat::new().unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(|| println!("{:?}", &chat));
/// });
/// ```
pub struct Chat {
    raw: NonNull<sys::phial_chat>,
}

// SAFETY: the library keeps nothing of a chat by thread.
unsafe impl Send for Chat {}

impl Drop for Chat {
    fn drop(&mut self) {
        // SAFETY: nobody else has the handle.
        unsafe { sys::phial_chat_free(self.raw.as_ptr()) }
    }
}

impl Chat {
    /// An empty list.
    pub fn new() -> Result<Chat> {
        let mut raw = ptr::null_mut();
        // SAFETY: where to put the handle.
        check(unsafe { sys::phial_chat_new(&mut raw) })?;
        Ok(Chat { raw: NonNull::new(raw).expect("a chat") })
    }

    pub(crate) fn raw(&self) -> *const sys::phial_chat {
        self.raw.as_ptr()
    }

    /// Appends a message. Control tokens that are spelled in it stay text.
    pub fn add(&mut self, role: Role, text: &str) -> Result<&mut Self> {
        let (data, len) = (c_text(text.as_bytes()), text.len());
        // SAFETY: a chat, and text of its length.
        check(unsafe {
            sys::phial_chat_add(self.raw.as_ptr(), role as i32, data, len)
        })?;
        Ok(self)
    }

    /// Appends a message object as OpenAI has it, or an array of them: all or,
    /// on error, none.
    pub fn add_json(&mut self, json: &str) -> Result<&mut Self> {
        let (data, len) = (c_text(json.as_bytes()), json.len());
        // SAFETY: a chat, and text of its length.
        check(unsafe {
            sys::phial_chat_add_json(self.raw.as_ptr(), data, len)
        })?;
        Ok(self)
    }

    /// An array of tools as OpenAI has it, in place of the one before. `[]`
    /// removes it.
    pub fn set_tools(&mut self, json: &str) -> Result<&mut Self> {
        let (data, len) = (c_text(json.as_bytes()), json.len());
        // SAFETY: a chat, and text of its length.
        check(unsafe {
            sys::phial_chat_set_tools(self.raw.as_ptr(), data, len)
        })?;
        Ok(self)
    }

    /// The exact text of the prompt; with `prompt` it ends where the assistant
    /// starts to speak.
    pub fn render(&self, model: &Model, prompt: bool) -> Result<String> {
        let flags = if prompt { sys::PHIAL_TEXT_PROMPT } else { 0 };
        fill_text(|buf, cap, n| unsafe {
            // SAFETY: a chat, a model, room for cap bytes.
            sys::phial_chat_render(self.raw(), model.raw(), flags, buf, cap, n)
        })
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").finish_non_exhaustive()
    }
}
