// SPDX-License-Identifier: MIT
//! Compiles every source below c/lib: there is no list of files to keep. A name
//! that ends in that of an instruction set is compiled with its flags, as
//! lib/kernels/meson.build has them, and only for its architecture.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

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

pub fn compile() {
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("c");
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap();
    let mut common = Vec::new();
    let mut tiers: [Vec<PathBuf>; 5] = Default::default();

    for source in sources(&root.join("lib")) {
        match tier_of(&source) {
            Some(i) if TIERS[i].arch == arch => tiers[i].push(source),
            Some(_) => {}
            None => common.push(source),
        }
    }
    let mut library = build(&root);
    for (tier, files) in TIERS.iter().zip(&tiers) {
        if files.is_empty() {
            continue;
        }
        let mut part = build(&root);
        for flag in tier.flags {
            part.flag(flag);
        }
        library.objects(part.files(files).compile_intermediates());
    }
    library.files(&common).compile("phial");
    super::link_needed();
    println!("cargo:rerun-if-changed=build_vendored.rs");
    println!("cargo:rerun-if-changed={}", root.join("lib").display());
    println!("cargo:rerun-if-changed={}", root.join("include").display());
    println!("cargo:include={}", root.join("include").display());
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

fn tier_of(source: &Path) -> Option<usize> {
    let stem = source.file_stem()?.to_str()?;

    TIERS.iter().position(|tier| stem.ends_with(tier.suffix))
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
