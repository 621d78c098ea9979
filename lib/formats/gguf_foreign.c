/* SPDX-License-Identifier: MIT
 * Recognising what people hand us in place of a GGUF file, so that the message
 * can say what it is. Nothing depends on the answer but the message. */
#include "formats/gguf_file.h"

typedef struct signature {
    ph_str bytes;
    const char *kind;
} signature;

#define PH_BYTES(literal)                                                      \
    {                                                                          \
        (literal), sizeof(literal) - 1                                         \
    }

/* GGML's magics are 32-bit numbers, so their letters stand reversed. */
static const signature signatures[] = {
    {PH_BYTES("PK\x03\x04"), "a ZIP archive, perhaps a PyTorch checkpoint"},
    {PH_BYTES("\x80\x02"), "a Python pickle, perhaps a PyTorch checkpoint"},
    {PH_BYTES("\x80\x03"), "a Python pickle, perhaps a PyTorch checkpoint"},
    {PH_BYTES("\x80\x04"), "a Python pickle, perhaps a PyTorch checkpoint"},
    {PH_BYTES("\x80\x05"), "a Python pickle, perhaps a PyTorch checkpoint"},
    {PH_BYTES("lmgg"), "in the old GGML format (ggml)"},
    {PH_BYTES("fmgg"), "in the old GGML format (ggmf)"},
    {PH_BYTES("tjgg"), "in the old GGML format (ggjt)"},
    {PH_BYTES("algg"), "a GGML adapter (ggla)"},
    {PH_BYTES("ggml"), "in the old GGML format (ggml)"},
    {PH_BYTES("ggmf"), "in the old GGML format (ggmf)"},
    {PH_BYTES("ggjt"), "in the old GGML format (ggjt)"},
    {PH_BYTES("ggla"), "a GGML adapter (ggla)"},
    {PH_BYTES("FUGG"), "GGUF with its bytes in the wrong order"},
    {PH_BYTES("version https://git-lfs"),
     "a Git LFS pointer; the model itself was not downloaded"},
    {PH_BYTES("<!DOCTYPE"), "a web page"},
    {PH_BYTES("<!doctype"), "a web page"},
    {PH_BYTES("<html"), "a web page"},
    {PH_BYTES("\x1f\x8b"), "a gzip archive"},
    {PH_BYTES("\x28\xb5\x2f\xfd"), "a Zstandard archive"},
    {PH_BYTES("\x89HDF"), "an HDF5 file"},
    {PH_BYTES("\177ELF"), "a program"},
    {PH_BYTES("{"), "JSON text"},
};

/* The length of a JSON header, then the header. */
static bool is_safetensors(const uint8_t *head, size_t n)
{
    return n >= 9 && head[8] == '{' && ph_le64(head) < (uint64_t)1 << 32;
}

/* The number of entries, the length of the first one's name, and the name. */
static bool is_old_imatrix(const uint8_t *head, size_t n)
{
    return n >= 12 && ph_le32(head) > 0 && ph_le32(head) < 1 << 16 &&
           ph_le32(head + 4) < 64 &&
           (!memcmp(head + 8, "blk.", 4) || !memcmp(head + 8, "outp", 4));
}

const char *ph_foreign_kind(const uint8_t *head, size_t n)
{
    const size_t count = sizeof signatures / sizeof *signatures;

    if (is_safetensors(head, n))
        return "a safetensors file";
    if (is_old_imatrix(head, n))
        return "an importance matrix in llama.cpp's old format (.dat), which "
               "llama-imatrix --in-file converts";
    for (size_t i = 0; i < count; i++) {
        ph_str bytes = signatures[i].bytes;

        if (n >= bytes.len && !memcmp(head, bytes.data, bytes.len))
            return signatures[i].kind;
    }
    return NULL;
}
