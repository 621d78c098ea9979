# SPDX-License-Identifier: MIT
"""What a file of Rust declarations says of phial.h: sizes, offsets and constants
by the Rust compiler, signatures and types of fields by its text."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
HEADER = os.path.join(ROOT, "include/phial/phial.h")
COMMITTED = os.path.join(ROOT, "bindings/rust/phial-sys/src/ffi.rs")
SKIP = 77

sys.path.insert(0, os.path.join(ROOT, "bindings/gen"))

PROGRAM = """
#[allow(dead_code, non_camel_case_types, non_upper_case_globals)]
#[path = "{path}"]
mod ffi;

macro_rules! offset {{
    ($kind:ident, $field:ident) => {{{{
        let it = std::mem::MaybeUninit::<ffi::$kind>::uninit();
        let start = it.as_ptr();
        let field = unsafe {{ std::ptr::addr_of!((*start).$field) }};
        field as usize - start as usize
    }}}};
}}

fn main() {{
{lines}
}}
"""


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            print(f"there is no {tool}: skipped")
            sys.exit(SKIP)


def program(header, path, spell):
    lines = [f'    println!("{c.name} {{}}", ffi::{c.name} as i64);'
             for c in header.constants]
    for s in header.structs:
        lines.append(f'    println!("{s.name} {{}}", '
                     f'std::mem::size_of::<ffi::{s.name}>());')
        lines += [f'    println!("{s.name}.{f.name} {{}}", '
                  f'offset!({s.name}, {spell(f.name)}));' for f in s.fields]
    return PROGRAM.format(path=path, lines="\n".join(lines))


def numbers(header, path, spell):
    """Name to number: constants, sizes of structs, offsets of fields."""
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "main.rs")
        binary = os.path.join(folder, "facts")
        with open(source, "w", encoding="utf-8") as f:
            f.write(program(header, path, spell))
        subprocess.run(["rustc", "--edition", "2021", source, "-o", binary],
                       check=True)
        out = subprocess.run([binary], check=True, capture_output=True,
                             text=True).stdout
    pairs = (line.split() for line in out.splitlines())
    return {name: int(value) for name, value in pairs}


def plain(text):
    """Types without paths, and as ours are called."""
    text = re.sub(r"(::)?(std|core)::(os::raw|option|ffi)::", "", text)
    text = re.sub(r"\bsize_t\b", "usize", text)
    return re.sub(r"\s+", " ", text).strip()


def parameters(text):
    kinds = [p.split(":", 1)[1].strip() for p in text.split(",") if p.strip()]
    return ", ".join(kinds)


def types(path):
    """Name to type: functions, hooks and fields of structs, without the names
    of parameters."""
    with open(path, encoding="utf-8") as f:
        text = plain(f.read())
    found = {}
    signature = r"\(([^()]*)\)(?: -> ([^;>]+))?"
    for name, args, result in re.findall(r"pub fn (phial_\w+) ?" + signature,
                                         text):
        found[name] = f"({parameters(args)}) {result.strip()}"
    for name, args, result in re.findall(
            r'pub type (phial_\w+) = Option< ?unsafe extern "C" fn ?' +
            signature, text):
        found[name] = f"hook ({parameters(args)}) {result.strip(' ,')}"
    for name, fields in re.findall(r"pub struct (phial_\w+) {([^}]*)}", text):
        for field, kind in re.findall(r"pub (\S+): ([^,]+)", fields):
            field = field.replace("r#", "").rstrip("_")
            found[f"{name}.{field}"] = kind
    return found
