// SPDX-License-Identifier: MIT
//! What the tests share. Models come from the build around this crate, or are
//! the demo model of this repository.

#![allow(dead_code)] // each test uses some of it

use std::path::PathBuf;

use phial::{Model, Session, SessionOptions, TextFlags};

pub fn demo_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../examples/demo/phial-demo.gguf")
}

/// A random model that answers quickly: PHIAL_TINY, if it is given.
pub fn tiny_path() -> PathBuf {
    std::env::var_os("PHIAL_TINY").map_or_else(demo_path, PathBuf::from)
}

pub fn tiny() -> Model {
    Model::options().threads(1).open(tiny_path()).unwrap()
}

/// A session that has read a short prompt.
pub fn begun(model: &Model) -> Session {
    let mut session = model.session(SessionOptions::new()).unwrap();
    session.add_text("Once upon a time", TextFlags::NONE).unwrap();
    session
}

/// A folder of its own, gone when it is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir()
            .join(format!("phial-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Numbers that are the same in every run (splitmix64).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}
