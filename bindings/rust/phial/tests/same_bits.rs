// SPDX-License-Identifier: MIT
//! Prints tokens and a sum over the bits of logits, for comparing builds of the
//! library: `cargo test --test same_bits -- --nocapture`.

mod common;

use common::{begun, demo_path, tiny_path};
use phial::{Model, Sampling};

#[test]
fn a_seeded_run_has_these_bits() {
    for path in [tiny_path(), demo_path()] {
        let mut bits = Vec::new();
        for threads in [1, 2] {
            let model = Model::options().threads(threads).open(&path).unwrap();
            let mut session = begun(&model);
            let sampling = Sampling::new()
                .temperature(0.9)
                .top_p(0.95)
                .seed(11)
                .max_tokens(40)
                .ignore_eos(true);
            session
                .generate(&sampling)
                .unwrap()
                .for_each(|piece| drop(piece.unwrap()));
            let sum = session.logits().unwrap().iter().fold(0u64, |sum, x| {
                sum.rotate_left(5).wrapping_add(x.to_bits().into())
            });
            bits.push((session.tokens().unwrap(), sum));
        }
        assert_eq!(bits[0], bits[1]);
        println!("bits: {:x} {:?}", bits[0].1, bits[0].0);
    }
}
