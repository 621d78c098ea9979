// SPDX-License-Identifier: MIT
//! How a token is chosen.

use crate::convert::CStrings;
use crate::error::Result;
use crate::sys;
use crate::Token;

/// How tokens are chosen and when a turn ends. [`Sampling::new`] always takes the
/// likeliest token, until the model ends its turn.
///
/// ```
/// let sampling = phial::Sampling::new()
///     .temperature(0.8)
///     .top_p(0.95)
///     .seed(1)
///     .max_tokens(200)
///     .stop("\n\n");
/// ```
///
/// Values out of range are refused where sampling is given to a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    flags: u32,
    temperature: f32,
    top_p: f32,
    min_p: f32,
    repeat_penalty: f32,
    presence_penalty: f32,
    frequency_penalty: f32,
    top_k: u32,
    penalty_window: u32,
    seed: u64,
    max_tokens: u64,
    stop: Vec<String>,
    bias_tokens: Vec<Token>,
    bias_values: Vec<f32>,
}

impl Sampling {
    /// The likeliest token each time.
    pub fn new() -> Self {
        Self::default()
    }

    /// 0: the likeliest token each time.
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = temperature;
        self
    }

    /// Only the likeliest tokens, up to this much probability; 0 or 1: all.
    pub fn top_p(mut self, top_p: f32) -> Self {
        self.top_p = top_p;
        self
    }

    /// Only tokens that are at least this likely, compared with the likeliest.
    pub fn min_p(mut self, min_p: f32) -> Self {
        self.min_p = min_p;
        self
    }

    /// Only so many of the likeliest tokens; 0: all.
    pub fn top_k(mut self, top_k: u32) -> Self {
        self.top_k = top_k;
        self
    }

    /// Divides the logits of tokens that the session holds; 0 or 1: off.
    pub fn repeat_penalty(mut self, penalty: f32) -> Self {
        self.repeat_penalty = penalty;
        self
    }

    /// Lowers the logits of tokens that the turn has given.
    pub fn presence_penalty(mut self, penalty: f32) -> Self {
        self.presence_penalty = penalty;
        self
    }

    /// The same for each time that it has given them.
    pub fn frequency_penalty(mut self, penalty: f32) -> Self {
        self.frequency_penalty = penalty;
        self
    }

    /// How many of the last tokens penalties look at; 0: all.
    pub fn penalty_window(mut self, tokens: u32) -> Self {
        self.penalty_window = tokens;
        self
    }

    /// The same seed gives the same text, anywhere. Without one each time that
    /// sampling is set starts anew.
    pub fn seed(mut self, seed: u64) -> Self {
        self.flags |= sys::PHIAL_SAMPLING_SEEDED;
        self.seed = seed;
        self
    }

    /// Of a turn; 0: until the context is full.
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = tokens;
        self
    }

    /// One more text that ends a turn. It is never given out.
    pub fn stop(mut self, text: impl Into<String>) -> Self {
        self.stop.push(text.into());
        self
    }

    /// Adds to the logit of a token.
    pub fn bias(mut self, token: Token, value: f32) -> Self {
        self.bias_tokens.push(token);
        self.bias_values.push(value);
        self
    }

    /// Whether the model's own end of a turn is passed over.
    pub fn ignore_eos(mut self, ignore: bool) -> Self {
        self.set_flag(sys::PHIAL_SAMPLING_IGNORE_EOS, ignore);
        self
    }

    /// Whether events carry log probabilities.
    pub fn logprobs(mut self, wanted: bool) -> Self {
        self.set_flag(sys::PHIAL_SAMPLING_LOGPROBS, wanted);
        self
    }

    fn set_flag(&mut self, flag: u32, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }

    /// Calls with the struct, which is good only during the call.
    pub(crate) fn with_c<R>(
        &self,
        call: impl FnOnce(&sys::phial_sampling) -> R,
    ) -> Result<R> {
        let stop = CStrings::new("stop", &self.stop)?;
        Ok(call(&sys::phial_sampling {
            flags: self.flags,
            temperature: self.temperature,
            top_p: self.top_p,
            min_p: self.min_p,
            repeat_penalty: self.repeat_penalty,
            presence_penalty: self.presence_penalty,
            frequency_penalty: self.frequency_penalty,
            top_k: self.top_k,
            penalty_window: self.penalty_window,
            seed: self.seed,
            max_tokens: self.max_tokens,
            stop: stop.as_ptr(),
            n_stop: stop.len(),
            bias_tokens: self.bias_tokens.as_ptr(),
            bias_values: self.bias_values.as_ptr(),
            n_bias: self.bias_tokens.len(),
            ..Default::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn nothing_set_is_all_zero() {
        let zero = |c: &sys::phial_sampling| {
            c.flags == 0
                && c.temperature == 0.0
                && c.max_tokens == 0
                && c.n_stop + c.n_bias == 0
                && c.struct_size as usize == std::mem::size_of_val(c)
        };
        assert!(Sampling::new().with_c(zero).unwrap());
    }

    #[test]
    fn everything_set_arrives_in_its_field() {
        let sampling = Sampling::new()
            .temperature(1.0)
            .top_p(2.0)
            .min_p(3.0)
            .repeat_penalty(4.0)
            .presence_penalty(5.0)
            .frequency_penalty(6.0)
            .top_k(7)
            .penalty_window(8)
            .seed(9)
            .max_tokens(10)
            .stop("eleven")
            .bias(12, 13.0)
            .ignore_eos(true)
            .logprobs(true);
        sampling
            .with_c(|c| {
                assert_eq!(c.flags, 7);
                assert_eq!([c.temperature, c.top_p, c.min_p], [1.0, 2.0, 3.0]);
                assert_eq!(c.repeat_penalty, 4.0);
                assert_eq!(c.presence_penalty, 5.0);
                assert_eq!(c.frequency_penalty, 6.0);
                assert_eq!([c.top_k, c.penalty_window], [7, 8]);
                assert_eq!([c.seed, c.max_tokens], [9, 10]);
                assert_eq!([c.n_stop, c.n_bias], [1, 1]);
                // SAFETY: one of each, see above.
                unsafe {
                    let stop = CStr::from_ptr(*c.stop);
                    assert_eq!(stop.to_bytes(), b"eleven");
                    assert_eq!((*c.bias_tokens, *c.bias_values), (12, 13.0));
                }
            })
            .unwrap();
        assert!(!sampling.logprobs(false).with_c(|c| c.flags == 7).unwrap());
    }

    #[test]
    fn a_stop_text_with_a_nul_is_refused() {
        let error = Sampling::new().stop("a\0b").with_c(|_| ()).unwrap_err();
        assert!(matches!(error, crate::Error::Argument(_)));
    }
}
