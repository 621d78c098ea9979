#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The test programs of the first header 0.1, built from that commit against
its own library and not compiled again, run against today's shared library.
What they took for granted and the header never promised is taken out of them
before that, see EDITS. Arguments: today's library, a folder for the old tree.
Exit code 77: there is no history to take the programs from."""
import hashlib
import os
import shutil
import subprocess
import sys

# The first commit whose tests build; include/, lib/ and tests/api/ are in it as
# in the commit that brought the header.
COMMIT = "135205ff629846f0bb5eeec13484e07505600f05"
PROGRAMS = ("alloc-failure", "generate", "manners", "misuse", "threads")
MODELS = ("phi-3-4k", "phi-3.5", "phi-4", "phi-4-mini", "short")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

# (file, text, text instead, why)
EDITS = (
    ("tests/api/test_misuse.c", """\
    for (int32_t isa = PHIAL_ISA_AVX2; isa <= PHIAL_ISA_NEON; isa++) {
        o = good, o.isa = isa;
        ck_status(phial_model_open(model_path("phi-4-mini"), &o, &out),
                  PHIAL_E_UNSUPPORTED);
    }
    o = good, o.weight_format = 1;
    ck_status(phial_model_open(model_path("phi-4-mini"), &o, &out),
              PHIAL_E_UNSUPPORTED);
""", "", "instruction sets and weight formats that were refused are there"),
    ("tests/api/test_misuse.c", """\
    o = good, o.flags = 1;
    refused(phial_session_new(model, &o, &out), "flags");
""", """\
    o = good, o.flags = 1u << 31;
    refused(phial_session_new(model, &o, &out), "flags");
""", "flags have gained members; the highest has not"),
    ("tests/api/test_misuse.c", """\
    o = good, o.cache_format = PHIAL_CACHE_Q8;
    ck_status(phial_session_new(model, &o, &out), PHIAL_E_UNSUPPORTED);
""", "", "the 8-bit cache is there"),
    ("tests/api/test_misuse.c", """\
    ck_status(phial_adapter_open(model, "x", &adapter), PHIAL_E_UNSUPPORTED);
    ck_status(phial_session_set_adapters(session, adapters, &scale, 1),
              PHIAL_E_UNSUPPORTED);
    ck_status(phial_step(&session, 1), PHIAL_E_UNSUPPORTED);
    ck_status(phial_session_fork(session, &out), PHIAL_E_UNSUPPORTED);
    ck_status(phial_session_save(session, "x"), PHIAL_E_UNSUPPORTED);
    ck_status(phial_session_load(session, "x"), PHIAL_E_UNSUPPORTED);
    ck_status(phial_session_save_bytes(session, NULL, 0, &n),
              PHIAL_E_UNSUPPORTED);
    ck_status(phial_session_load_bytes(session, bytes, 1), PHIAL_E_UNSUPPORTED);
    ck_status(phial_model_embed(model, "a", 1, 1, &scale, 1, &n),
              PHIAL_E_UNSUPPORTED);
""", "", "adapters, steps, forks, saved sessions and embeddings are there"),
    ("tests/api/test_misuse_structs.c", "uint64_t more[2]; ",
     "uint64_t more[99];", "structs have grown into the first words"),
    ("tests/api/test_misuse_structs.c", "big.more[1]", "big.more[98]",
     "the same: the word that the library does not know is the last one"),
)


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def in_history():
    commit = COMMIT + "^{commit}"
    return os.path.exists(os.path.join(ROOT, ".git")) and subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "-q", "--verify", commit],
        capture_output=True, check=False).returncode == 0


def extract(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    archive = subprocess.run(["git", "-C", ROOT, "archive", COMMIT],
                             check=True, capture_output=True).stdout
    run("tar", "-x", "-C", folder, input=archive)
    for name, old, new, why in EDITS:
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if old not in text:
            sys.exit(f"{name} does not hold what is taken out since {why}")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))


def build(folder):
    """The folder of the programs, which are built once."""
    build_folder = os.path.join(folder, "build")
    programs = os.path.join(build_folder, "tests", "api")
    stamp = os.path.join(folder, "complete")
    state = hashlib.sha256(repr((COMMIT, EDITS)).encode()).hexdigest()
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as f:
            if f.read() == state:
                return programs
    extract(folder)
    run("meson", "setup", build_folder, folder, stdout=subprocess.DEVNULL)
    run("ninja", "-C", build_folder,
        *[f"tests/api/test-{name}" for name in PROGRAMS],
        *[f"tests/api/tiny-{name}.gguf" for name in MODELS],
        stdout=subprocess.DEVNULL)
    with open(stamp, "w", encoding="utf-8") as f:
        f.write(state)
    return programs


def loaded(program, env):
    """The path of the library that the program gets."""
    out = run("ldd", program, env=env, capture_output=True, text=True).stdout
    return next(line.split("=>")[1].split()[0] for line in out.splitlines()
                if "libphial.so" in line)


def main(library, folder):
    library, folder = os.path.abspath(library), os.path.abspath(folder)
    if not in_history():
        print(f"there is no commit {COMMIT} here")
        return 77
    programs = build(folder)
    env = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(library),
               PHIAL_TEST_MODELS=programs)
    failed = []
    for name in PROGRAMS:
        program = os.path.join(programs, "test-" + name)
        if not os.path.samefile(loaded(program, env), library):
            sys.exit(f"{program} does not load {library}")
        done = subprocess.run([program], env=env, cwd=programs, check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        sys.exit(f"old programs that fail: {', '.join(failed)}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
