// SPDX-License-Identifier: MIT
//! Compiles every source below c/lib: there is no list of files to keep. A name
//! that ends in that of an instruction set is compiled with its flags, as
//! lib/kernels/meson.build has them, and only for its architecture.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

struct Tier {
    suffix: &'static str,
    arch: &'static str,
    flags: &'static [&'static str],
}

/// The first whose suffix fits counts.
const TIERS: [Tier; 5] = [
    Tier {
        suffix: "_avx512",
        arch: "x86_64",
        flags: &[
            "-mavx2",
            "-mfma",
            "-mf16c",
            "-mavx512f",
            "-mavx512bw",
            "-mavx512vl",
            "-mavx512dq",
            "-mavx512vnni",
            "-mprefer-vector-width=512",
        ],
    },
    Tier {
        suffix: "_avx2",
        arch: "x86_64",
        flags: &["-mavx2", "-mfma", "-mf16c"],
    },
    Tier {
        suffix: "_neon_dotprod",
        arch: "aarch64",
        flags: &["-march=armv8.2-a+dotprod"],
    },
    Tier {
        suffix: "_neon_i8mm",
        arch: "aarch64",
        flags: &["-march=armv8.2-a+i8mm"],
    },
    Tier { suffix: "_neon", arch: "aarch64", flags: &[] },
];

/// A source and the flags that it needs beside those of all.
struct Part {
    source: PathBuf,
    flags: &'static [&'static str],
}

pub fn compile() {
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("c");
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap();
    let parts: Vec<Part> = sources(&root.join("lib"))
        .into_iter()
        .filter_map(|source| part_of(source, &arch))
        .collect();

    build(&root).objects(compile_parts(&root, parts)).compile("phial");
    super::link_needed();
    println!("cargo:rerun-if-changed=build_vendored.rs");
    println!("cargo:rerun-if-changed={}", root.join("lib").display());
    println!("cargo:rerun-if-changed={}", root.join("include").display());
    println!("cargo:include={}", root.join("include").display());
}

/// None if the source is for another architecture.
fn part_of(source: PathBuf, arch: &str) -> Option<Part> {
    let stem = source.file_stem()?.to_str()?;
    let tier = TIERS.iter().find(|tier| stem.ends_with(tier.suffix));
    let flags = match tier {
        Some(tier) if tier.arch == arch => tier.flags,
        Some(_) => return None,
        None => &[],
    };
    Some(Part { source, flags })
}

/// The objects, in order of their names. The crate cc does this by itself with
/// its feature `parallel`, which would be three more crates.
fn compile_parts(root: &Path, parts: Vec<Part>) -> Vec<PathBuf> {
    let jobs = env::var("NUM_JOBS").map_or(1, |n| n.parse().unwrap());
    let queue = Mutex::new(parts.into_iter());
    let objects = Mutex::new(Vec::new());
    let next = || queue.lock().unwrap().next();

    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(part) = next() {
                    let mut build = build(root);
                    for flag in part.flags {
                        build.flag(flag);
                    }
                    let made = build.file(part.source).compile_intermediates();
                    objects.lock().unwrap().extend(made);
                }
            });
        }
    });
    let mut objects = objects.into_inner().unwrap();
    objects.sort();
    objects
}

/// The flags on which bits and speed depend are those of meson.build, whatever
/// profile the Rust around them is built with.
fn build(root: &Path) -> cc::Build {
    let mut build = cc::Build::new();

    build
        .std("c11")
        .opt_level(3)
        .debug(false)
        .warnings(false)
        .pic(true)
        .flag("-ffp-contract=off")
        .flag("-fno-math-errno")
        .flag("-fvisibility=hidden")
        .define("_GNU_SOURCE", None)
        .define("PHIAL_BUILDING", None)
        .define("NDEBUG", None)
        .include(root.join("include"))
        .include(root.join("lib"));
    build
}

/// In order of their names, so that the same tree gives the same archive.
fn sources(lib: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();

    for module in entries(lib) {
        if module.is_dir() {
            found.extend(entries(&module));
        }
    }
    found.retain(|path| path.extension() == Some(OsStr::new("c")));
    assert!(!found.is_empty(), "no C sources in {}", lib.display());
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = listed.map(|e| e.unwrap().path()).collect();

    paths.sort();
    paths
}
