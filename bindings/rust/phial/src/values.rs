// SPDX-License-Identifier: MIT
//! The library's numbers as names.

use crate::sys;

/// The instruction set that a model uses at most; all give the same bits.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Isa {
    /// What the processor has.
    #[default]
    Best = sys::PHIAL_ISA_BEST,
    /// Plain C.
    Portable = sys::PHIAL_ISA_PORTABLE,
    /// AVX2, FMA and F16C.
    Avx2 = sys::PHIAL_ISA_AVX2,
    /// AVX-512 with VNNI.
    Avx512 = sys::PHIAL_ISA_AVX512,
    /// NEON of 64-bit ARM.
    Neon = sys::PHIAL_ISA_NEON,
}

/// Types of a model's matrices, and mixes of them; see doc/quantisation.md.
#[non_exhaustive]
#[allow(missing_docs)] // the formats' own names
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Weights {
    /// Each as it is.
    #[default]
    Stored = sys::PHIAL_WEIGHTS_STORED,
    F32 = sys::PHIAL_WEIGHTS_F32,
    F16 = sys::PHIAL_WEIGHTS_F16,
    Bf16 = sys::PHIAL_WEIGHTS_BF16,
    Q8_0 = sys::PHIAL_WEIGHTS_Q8_0,
    Q6K = sys::PHIAL_WEIGHTS_Q6_K,
    Q5KM = sys::PHIAL_WEIGHTS_Q5_K_M,
    Q5KS = sys::PHIAL_WEIGHTS_Q5_K_S,
    Q5_1 = sys::PHIAL_WEIGHTS_Q5_1,
    Q5_0 = sys::PHIAL_WEIGHTS_Q5_0,
    Q4KM = sys::PHIAL_WEIGHTS_Q4_K_M,
    Q4KS = sys::PHIAL_WEIGHTS_Q4_K_S,
    Q4_1 = sys::PHIAL_WEIGHTS_Q4_1,
    Q4_0 = sys::PHIAL_WEIGHTS_Q4_0,
    Iq4Nl = sys::PHIAL_WEIGHTS_IQ4_NL,
    Iq4Xs = sys::PHIAL_WEIGHTS_IQ4_XS,
    Q3KL = sys::PHIAL_WEIGHTS_Q3_K_L,
    Q3KM = sys::PHIAL_WEIGHTS_Q3_K_M,
    Q3KS = sys::PHIAL_WEIGHTS_Q3_K_S,
    Q2K = sys::PHIAL_WEIGHTS_Q2_K,
}

/// How much a log line matters.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum LogLevel {
    /// Something failed.
    Error = sys::PHIAL_LOG_ERROR,
    /// Something that may not be what was meant.
    Warn = sys::PHIAL_LOG_WARN,
    /// What is going on.
    Info = sys::PHIAL_LOG_INFO,
    /// Everything.
    Debug = sys::PHIAL_LOG_DEBUG,
}

impl LogLevel {
    /// A level that is not known yet is a fine one.
    pub(crate) fn from_code(code: i32) -> Self {
        match code {
            sys::PHIAL_LOG_ERROR => LogLevel::Error,
            sys::PHIAL_LOG_WARN => LogLevel::Warn,
            sys::PHIAL_LOG_INFO => LogLevel::Info,
            _ => LogLevel::Debug,
        }
    }
}

/// How a session keeps keys and values.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Cache {
    /// As [`Cache::F16`].
    #[default]
    Auto = sys::PHIAL_CACHE_AUTO,
    /// 32-bit floats.
    F32 = sys::PHIAL_CACHE_F32,
    /// 16-bit floats.
    F16 = sys::PHIAL_CACHE_F16,
    /// 8 bits with a scale for each token and head.
    Q8 = sys::PHIAL_CACHE_Q8,
}

/// Which rotary factors a sequence is read with, in models with LongRoPE.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Rope {
    /// Short ones while the sequence fits the original context; on crossing it
    /// all is read once more with long ones.
    #[default]
    Auto = sys::PHIAL_ROPE_AUTO,
    /// Always short.
    Short = sys::PHIAL_ROPE_SHORT,
    /// Always long.
    Long = sys::PHIAL_ROPE_LONG,
}

/// Who says a message.
#[non_exhaustive]
#[allow(missing_docs)] // they say it
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Role {
    System = sys::PHIAL_ROLE_SYSTEM,
    User = sys::PHIAL_ROLE_USER,
    Assistant = sys::PHIAL_ROLE_ASSISTANT,
    Tool = sys::PHIAL_ROLE_TOOL,
}

/// Tokens with a meaning of their own.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum SpecialToken {
    /// Begins a text.
    Bos = sys::PHIAL_TOKEN_BOS,
    /// Ends a text.
    Eos = sys::PHIAL_TOKEN_EOS,
    /// Ends a message of a chat.
    EndOfTurn = sys::PHIAL_TOKEN_END_OF_TURN,
    /// Fills up.
    Pad = sys::PHIAL_TOKEN_PAD,
}

/// Which hidden states become the vector of a text.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Pool {
    /// The mean of all tokens.
    Mean = sys::PHIAL_POOL_MEAN,
    /// The last token's.
    Last = sys::PHIAL_POOL_LAST,
}

/// Why a turn is over.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// The model ended it.
    Eos,
    /// A stop text came.
    Text,
    /// As many tokens as were wanted.
    Length,
    /// The context is full.
    Context,
    /// What a constraint demands is complete.
    Constraint,
    /// What this crate does not know yet: the library's number.
    Other(i32),
}

impl StopReason {
    pub(crate) fn from_code(code: i32) -> Self {
        match code {
            sys::PHIAL_STOP_EOS => StopReason::Eos,
            sys::PHIAL_STOP_TEXT => StopReason::Text,
            sys::PHIAL_STOP_LENGTH => StopReason::Length,
            sys::PHIAL_STOP_CONTEXT => StopReason::Context,
            sys::PHIAL_STOP_CONSTRAINT => StopReason::Constraint,
            other => StopReason::Other(other),
        }
    }
}

/// How text is read: any of the constants, combined with `|`.
///
/// ```
/// use phial::TextFlags;
/// assert_ne!(TextFlags::SPECIAL | TextFlags::BOS, TextFlags::NONE);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TextFlags(pub(crate) u32);

impl TextFlags {
    /// Control tokens that are spelled in a text stay text.
    pub const NONE: Self = TextFlags(0);
    /// Recognise control tokens that are spelled in a text, or spell them.
    pub const SPECIAL: Self = TextFlags(sys::PHIAL_TEXT_SPECIAL);
    /// Begin with the model's BOS, if it has one.
    pub const BOS: Self = TextFlags(sys::PHIAL_TEXT_BOS);
}

impl std::ops::BitOr for TextFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        TextFlags(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_known_have_a_place() {
        assert_eq!(StopReason::from_code(1), StopReason::Eos);
        assert_eq!(StopReason::from_code(77), StopReason::Other(77));
        assert_eq!(LogLevel::from_code(1), LogLevel::Error);
        assert_eq!(LogLevel::from_code(9), LogLevel::Debug);
    }

    #[test]
    fn flags_add_up() {
        let both = TextFlags::SPECIAL | TextFlags::BOS;
        assert_eq!(both.0, 3);
        assert_eq!(both | TextFlags::NONE, both);
    }
}
