# SPDX-License-Identifier: MIT
"""The header as Rust declarations."""

SCALARS = {
    "int32_t": "i32", "uint32_t": "u32", "uint64_t": "u64", "uint8_t": "u8",
    "size_t": "usize", "float": "f32", "char": "c_char", "void": "c_void",
}
KEYWORDS = {"type", "match", "ref", "move", "where", "use", "in"}


def rust_type(kind):
    name = SCALARS.get(kind.base, kind.base)
    for const in reversed(kind.pointers):
        name = ("*const " if const else "*mut ") + name
    return name


def identifier(name):
    return f"r#{name}" if name in KEYWORDS else name


def signature(item):
    args = ", ".join(f"{identifier(p.name)}: {rust_type(p.type)}"
                     for p in item.params)
    result = rust_type(item.result)
    return f"({args})" + ("" if result == "c_void" else f" -> {result}")


def struct(item):
    lines = ["#[repr(C)]", "#[derive(Clone, Copy)]",
             f"pub struct {item.name} {{"]
    lines += [f"    pub {identifier(f.name)}: {rust_type(f.type)},"
              for f in item.fields]
    return lines + [
        "}", "",
        f"impl Default for {item.name} {{",
        "    fn default() -> Self {",
        "        // SAFETY: every field is an integer, a float, a nullable",
        "        // pointer or an optional function; all may be zero.",
        "        let mut s: Self = unsafe { core::mem::zeroed() };",
        "        s.struct_size = core::mem::size_of::<Self>() as u32;",
        "        s", "    }", "}", "",
    ]


def emit(header):
    lines = [
        "// Generated from include/phial/phial.h by bindings/gen. Do not edit.",
        "#![allow(non_camel_case_types)]",
        "",
        "use std::os::raw::{c_char, c_void};",
        "",
    ]
    for c in header.constants:
        kind = "u32" if c.is_flag else "i32"
        lines.append(f"pub const {c.name}: {kind} = {c.value};")
    lines.append("")
    for name in header.handles:
        lines += ["#[repr(C)]", f"pub struct {name} {{",
                  "    _private: [u8; 0],",
                  "    _marker: core::marker::PhantomData<*mut u8>,", "}", ""]
    lines += [f"pub type {a.name} = {rust_type(a.type)};"
              for a in header.aliases]
    for c in header.callbacks:
        lines.append(f"pub type {c.name} =\n"
                     f"    Option<unsafe extern \"C\" fn{signature(c)}>;")
    lines.append("")
    for item in header.structs:
        lines += struct(item)
    lines.append("extern \"C\" {")
    lines += [f"    pub fn {f.name}{signature(f)};" for f in header.functions]
    return "\n".join(lines + ["}", ""])
