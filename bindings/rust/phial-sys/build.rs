// SPDX-License-Identifier: MIT
//! Finds the C library, or compiles it: the folder PHIAL_LIB_DIR goes first, then
//! the feature `vendored`, then pkg-config. With PHIAL_STATIC set the static
//! library is taken.

use std::env;
use std::path::Path;

#[cfg(feature = "vendored")]
#[path = "build_vendored.rs"]
mod vendored;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=PHIAL_LIB_DIR");
    println!("cargo:rerun-if-env-changed=PHIAL_STATIC");
    if env::var_os("DOCS_RS").is_some() {
        return; // documentation needs no library, and has none
    }
    match env::var_os("PHIAL_LIB_DIR") {
        Some(folder) if !folder.is_empty() => {
            return link_from(Path::new(&folder));
        }
        _ => {}
    }
    #[cfg(feature = "vendored")]
    vendored::compile();
    #[cfg(not(feature = "vendored"))]
    link_installed();
}

/// A folder that holds libphial: the shared one, if it is there.
fn link_from(folder: &Path) {
    let names = ["libphial.so", "libphial.dylib", "phial.lib"];
    let shared = names.iter().any(|name| folder.join(name).exists());
    if !shared && !folder.join("libphial.a").exists() {
        panic!("PHIAL_LIB_DIR: there is no libphial in {}", folder.display());
    }
    println!("cargo:rustc-link-search=native={}", folder.display());
    if shared && env::var_os("PHIAL_STATIC").is_none() {
        println!("cargo:rustc-link-lib=dylib=phial");
    } else {
        println!("cargo:rustc-link-lib=static=phial");
        link_needed();
    }
}

#[cfg(not(feature = "vendored"))]
fn link_installed() {
    // Until 1.0 each minor version is an ABI of its own.
    let found =
        pkg_config::Config::new().range_version("0.1".."0.2").probe("phial");
    if let Err(error) = found {
        panic!(
            "{error}\nInstall phial, set PHIAL_LIB_DIR to the folder of \
             libphial, or turn on the feature `vendored`."
        );
    }
}

/// What the library itself links.
fn link_needed() {
    if let Err(error) = pkg_config::probe_library("jansson") {
        panic!("{error}\nphial needs the library jansson.");
    }
    for name in ["m", "pthread"] {
        println!("cargo:rustc-link-lib=dylib={name}");
    }
}
