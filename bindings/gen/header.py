# SPDX-License-Identifier: MIT
"""Reads phial.h and refuses whatever is outside the subset of C that every
binding can express (doc/abi.md): the reader is also a lint.

The result is plain data: types are Type objects, everything else is named
tuples in the order of the header.
"""
import os
import subprocess
import sys
from collections import namedtuple

from pycparser import c_ast, c_parser

# base: a scalar's, handle's, struct's, alias's or callback's C name;
# pointers: outermost first, True where the pointee is const.
Type = namedtuple("Type", "base pointers")
Constant = namedtuple("Constant", "name value is_flag")
Param = namedtuple("Param", "name type")
Function = namedtuple("Function", "name result params")
Callback = namedtuple("Callback", "name result params")
Struct = namedtuple("Struct", "name fields")
Alias = namedtuple("Alias", "name type")
Header = namedtuple(
    "Header", "constants handles aliases callbacks structs functions")

SCALARS = {"int32_t", "uint32_t", "uint64_t", "uint8_t", "size_t", "float",
           "char", "void"}
HERE = os.path.dirname(os.path.abspath(__file__))


def fail(message):
    sys.exit(f"phial.h: {message}")


def preprocess(path):
    """The header without its includes, macros and comments."""
    command = [
        "cc", "-E", "-P", "-std=c99", "-undef", "-nostdinc",
        "-D__STDC_VERSION__=199901L", "-DPHIAL_STATIC",
        "-I" + os.path.join(HERE, "fake"), path,
    ]
    return subprocess.run(command, check=True, capture_output=True,
                          text=True).stdout


class Reader:
    """Walks the declarations once and collects them."""

    def __init__(self):
        self.header = Header([], [], [], [], [], [])
        self.known = set(SCALARS)

    def read(self, ast):
        for node in ast.ext:
            if isinstance(node, c_ast.Typedef):
                self.typedef(node)
            elif isinstance(node, c_ast.Decl) and isinstance(
                    node.type, c_ast.Enum):
                self.enum(node.type)
            elif isinstance(node, c_ast.Decl) and isinstance(
                    node.type, c_ast.FuncDecl):
                result, params = self.signature(node.type)
                self.header.functions.append(
                    Function(node.name, result, params))
            else:
                fail(f"unsupported declaration at {node.coord}")
        return self.header

    def typedef(self, node):
        name, kind = node.name, node.type
        if name in SCALARS:
            return
        if isinstance(kind, c_ast.PtrDecl) and isinstance(
                kind.type, c_ast.FuncDecl):
            self.header.callbacks.append(
                Callback(name, *self.signature(kind.type)))
        elif isinstance(kind, c_ast.TypeDecl) and isinstance(
                kind.type, c_ast.Struct):
            self.struct(name, kind.type)
        elif isinstance(kind, c_ast.TypeDecl):
            self.header.aliases.append(Alias(name, self.type_of(kind)))
        else:
            fail(f"{name}: unsupported typedef")
        self.known.add(name)

    def struct(self, name, node):
        if node.decls is None:
            self.header.handles.append(name)
            return
        if any(field.bitsize for field in node.decls):
            fail(f"{name}: bit-fields are not allowed")
        fields = [Param(field.name, self.type_of(field.type))
                  for field in node.decls]
        if fields[0] != Param("struct_size", Type("uint32_t", ())):
            fail(f"{name}: the first field must be uint32_t struct_size")
        self.header.structs.append(Struct(name, fields))

    def enum(self, node):
        if node.name:
            fail(f"enum {node.name}: use anonymous enums and int32_t")
        for item in node.values.enumerators:
            if item.value is None:
                fail(f"{item.name}: enumerators need explicit values")
            is_flag = isinstance(item.value, c_ast.BinaryOp)
            self.header.constants.append(
                Constant(item.name, self.constant(item.value), is_flag))

    def constant(self, node):
        if isinstance(node, c_ast.Constant):
            return int(node.value, 0)
        if isinstance(node, c_ast.UnaryOp) and node.op == "-":
            return -self.constant(node.expr)
        if isinstance(node, c_ast.BinaryOp) and node.op == "<<":
            return self.constant(node.left) << self.constant(node.right)
        return fail(f"unsupported constant expression at {node.coord}")

    def signature(self, node):
        params = []
        for param in node.args.params if node.args else []:
            if isinstance(param, c_ast.EllipsisParam):
                fail(f"variadic function at {node.coord}")
            kind = self.type_of(param.type)
            if kind != Type("void", ()):
                params.append(Param(param.name, kind))
        return self.type_of(node.type), params

    def type_of(self, node):
        pointers = []
        while isinstance(node, c_ast.PtrDecl):
            node = node.type
            pointers.append("const" in (getattr(node, "quals", None) or []))
        if isinstance(node, c_ast.TypeDecl) and isinstance(
                node.type, c_ast.IdentifierType):
            name = " ".join(node.type.names)
            if name in self.known:
                if name in self.struct_names() and not pointers:
                    fail(f"{name} passed by value at {node.coord}")
                return Type(name, tuple(pointers))
        return fail(f"type outside the permitted subset at {node.coord}")

    def struct_names(self):
        return {s.name for s in self.header.structs} | set(self.header.handles)


def read_header(path):
    return Reader().read(c_parser.CParser().parse(preprocess(path)))
