//! Every method against its formula in f64.

use conv_core::Parameter;
use conv_core::network::Network;
use conv_core::ops::batch_norm::Statistics;
use conv_core::optimizer::{Optimizer, Schedule, State};
use conv_core::spec::{Layers, Spec};
use conv_core::{Error, NumpyRandom};

/// Two parameters, weights (4, 3), which decay, and a bias (3), which does not.
fn parameters() -> Vec<Parameter> {
    let spec = Spec::new((1, 1, 4), Layers::new().dense(3));
    Network::new(&spec, 1).unwrap().parameters().to_vec()
}

const LEN: usize = 15;
const WEIGHTS: usize = 12;

#[derive(Clone, Copy)]
enum Rule {
    Sgd(f64),
    Nesterov(f64),
    AdamW,
}

/// Thirty steps with gradients that pull towards 1, by the formulas; rates and norms as given.
fn plain(
    rule: Rule,
    rates: impl Fn(i32) -> f64,
    decay: f64,
    clip: f64,
    noise: &[Vec<f32>],
) -> (Vec<f64>, Vec<f64>) {
    let mut p = vec![0.5; LEN];
    let (mut m, mut v) = (vec![0.0; LEN], vec![0.0; LEN]);
    let mut average: Option<Vec<f64>> = None;
    for (step, noise) in noise.iter().enumerate() {
        let t = step as i32 + 1;
        let rate = rates(step as i32);
        let g: Vec<f64> = p
            .iter()
            .zip(noise)
            .map(|(p, n)| p - 1.0 + f64::from(*n))
            .collect();
        let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
        let scale = (clip / norm).min(1.0);
        for i in 0..LEN {
            let g = g[i] * scale;
            if i < WEIGHTS {
                p[i] *= 1.0 - rate * decay;
            }
            p[i] -= match rule {
                Rule::Sgd(momentum) => {
                    m[i] = momentum * m[i] + g;
                    rate * m[i]
                }
                Rule::Nesterov(momentum) => {
                    m[i] = momentum * m[i] + g;
                    rate * (g + momentum * m[i])
                }
                Rule::AdamW => {
                    m[i] = 0.9 * m[i] + 0.1 * g;
                    v[i] = 0.999 * v[i] + 0.001 * g * g;
                    let (m, v) = (
                        m[i] / (1.0 - 0.9_f64.powi(t)),
                        v[i] / (1.0 - 0.999_f64.powi(t)),
                    );
                    rate * m / (v.sqrt() + 1e-8)
                }
            };
        }
        let average = average.get_or_insert_with(|| p.clone());
        average
            .iter_mut()
            .zip(&p)
            .for_each(|(a, p)| *a = 0.9 * *a + 0.1 * p);
    }
    (p, average.unwrap())
}

fn near(what: &str, found: &[f32], right: &[f64]) {
    for (found, right) in found.iter().zip(right) {
        assert!(
            (f64::from(*found) - right).abs() <= 3e-6,
            "{what}: {found}, right is {right}"
        );
    }
}

#[test]
fn every_method_follows_its_formula() {
    let mut random = NumpyRandom::new(1);
    let noise: Vec<Vec<f32>> = (0..30)
        .map(|_| (0..LEN).map(|_| random.random() as f32 - 0.5).collect())
        .collect();
    let cosine = |step: i32| 0.5 * (1.0 + (std::f64::consts::PI * f64::from(step) / 40.0).cos());
    for (decay, clip, average) in [(0.0, f64::MAX, 0.9), (0.02, 0.7, 0.9)] {
        for (what, optimizer, rule, rate) in [
            ("sgd", Optimizer::sgd(0.1), Rule::Sgd(0.0), 0.1),
            (
                "momentum",
                Optimizer::momentum(0.1, 0.8),
                Rule::Sgd(0.8),
                0.1,
            ),
            (
                "nesterov",
                Optimizer::nesterov(0.1, 0.8),
                Rule::Nesterov(0.8),
                0.1,
            ),
            ("adamw", Optimizer::adamw(0.05), Rule::AdamW, 0.05),
        ] {
            let mut optimizer = optimizer
                .weight_decay(decay)
                .clip(clip)
                .average(average)
                .schedule(Schedule::Cosine { steps: 40 });
            let mut p = vec![0.5; LEN];
            for noise in &noise {
                let g: Vec<f32> = p.iter().zip(noise).map(|(p, n)| p - 1.0 + n).collect();
                optimizer.step(&parameters(), &mut p, &g).unwrap();
            }
            let (right, average) = plain(rule, |step| rate * cosine(step), decay, clip, &noise);
            near(what, &p, &right);
            near(what, optimizer.averaged().unwrap(), &average);
            assert_eq!(optimizer.steps(), 30);
        }
    }
}

#[test]
fn schedules_follow_their_formulas() {
    let cos = |t: f64| 0.5 * (1.0 + (std::f64::consts::PI * t).cos());
    let step = Schedule::Step {
        every: 10,
        factor: 0.1,
    };
    for (at, right) in [(0, 1.0), (9, 1.0), (10, 0.1), (25, 0.01)] {
        assert!((step.factor(at) - right).abs() < 1e-15);
    }
    let cosine = Schedule::Cosine { steps: 77 };
    let cycle = Schedule::OneCycle { steps: 100 };
    for at in 0..130_u32 {
        let t = f64::from(at);
        let right = if at < 77 { cos(t / 77.0) } else { 0.0 };
        assert!(
            (cosine.factor(u64::from(at)) - right).abs() < 1e-15,
            "cosine at {at}"
        );
        // torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=100): up to step 29, down to step 99.
        let (start, end) = (0.04, 0.04 / 1e4);
        let right = match at {
            0..29 => 1.0 + (start - 1.0) * cos(t / 29.0),
            29..99 => end + (1.0 - end) * cos((t - 29.0) / 70.0),
            _ => end,
        };
        assert!(
            (cycle.factor(u64::from(at)) - right).abs() < 1e-15,
            "one cycle at {at}"
        );
    }
    assert_eq!(Schedule::Constant.factor(u64::MAX), 1.0);
    assert!(Schedule::OneCycle { steps: 1 }.factor(0).is_finite());
    assert!(Schedule::OneCycle { steps: 2 }.factor(1).is_finite());
}

#[test]
fn refuses_what_is_out_of_range() {
    let refuse = |mut optimizer: Optimizer| {
        let mut numbers = [1.0; LEN];
        let error = optimizer
            .step(&parameters(), &mut numbers, &[1.0; LEN])
            .unwrap_err();
        assert_eq!((numbers, optimizer.steps()), ([1.0; LEN], 0));
        error.to_string()
    };
    let sgd = Optimizer::sgd;
    assert_eq!(
        refuse(sgd(-1.0)),
        "the learning rate is -1, expected 0 or more, and finite"
    );
    assert_eq!(
        refuse(sgd(f64::NAN)),
        "the learning rate is NaN, expected 0 or more, and finite"
    );
    assert_eq!(
        refuse(Optimizer::momentum(0.1, 1.0)),
        "the momentum is 1, expected 0 to below 1"
    );
    assert_eq!(
        refuse(sgd(0.1).clip(0.0)),
        "the norm to clip at is 0, expected above 0, and finite"
    );
    assert_eq!(
        refuse(sgd(0.1).average(1.5)),
        "the average's decay is 1.5, expected 0 to below 1"
    );
    assert_eq!(
        refuse(sgd(0.1).schedule(Schedule::Cosine { steps: 0 })),
        "the steps of the schedule is 0, expected 1 or more"
    );
    let wrong = sgd(0.1).step(&parameters(), &mut [1.0; LEN], &[1.0; 3]);
    let (expected, found) = (vec![LEN], vec![3]);
    assert_eq!(
        wrong,
        Err(Error::Shape {
            what: "gradient",
            expected,
            found
        })
    );
}

/// Ten steps with a gradient that changes.
fn ten_steps(optimizer: &mut Optimizer, numbers: &mut [f32], from: u64) {
    let parameters = parameters();
    for step in from..from + 10 {
        let gradient: Vec<f32> = (0..numbers.len())
            .map(|n| ((n as f32 + 1.0) * (step as f32 + 0.3)).sin())
            .collect();
        optimizer.step(&parameters, numbers, &gradient).unwrap();
    }
}

#[test]
fn another_optimizer_goes_on_from_the_state_to_the_same_bits() {
    let schedule = Schedule::OneCycle { steps: 20 };
    for fresh in [
        Optimizer::sgd(0.1),
        Optimizer::momentum(0.1, 0.9).weight_decay(0.01),
        Optimizer::nesterov(0.1, 0.9)
            .average(0.9)
            .schedule(schedule),
        Optimizer::adamw(0.1)
            .average(0.9)
            .clip(0.5)
            .schedule(schedule),
    ] {
        let mut numbers: Vec<f32> = (0..LEN).map(|n| n as f32 - 7.0).collect();
        let mut through = fresh.clone();
        ten_steps(&mut through, &mut numbers, 0);
        let (mut again, kept) = (numbers.clone(), through.state().clone());
        ten_steps(&mut through, &mut numbers, 10);
        let mut resumed = fresh.with_state(kept, again.len()).unwrap();
        ten_steps(&mut resumed, &mut again, 10);
        assert_eq!(resumed, through);
        assert_eq!(again, numbers);
    }
}

#[test]
fn a_state_that_no_step_leaves_is_refused() {
    let state = |second: Vec<f32>, averaged: Vec<f32>| State {
        steps: 3,
        first: vec![0.0; 2],
        second,
        averaged,
        averaged_statistics: vec![],
    };
    let optimizer = Optimizer::adamw(0.1).average(0.9);
    let refused = |state| {
        optimizer
            .clone()
            .with_state(state, 2)
            .unwrap_err()
            .to_string()
    };
    let good = state(vec![0.0; 2], vec![0.0; 2]);
    assert!(optimizer.clone().with_state(good.clone(), 2).is_ok());
    assert_eq!(
        refused(state(vec![0.0; 3], vec![0.0; 2])),
        "the second moment has shape [3], expected [2]"
    );
    assert_eq!(
        refused(state(vec![0.0; 2], vec![])),
        "the average has shape [0], expected [2]"
    );
    let with_statistics = |mean: f64, variance: f64| State {
        averaged_statistics: vec![Statistics {
            count: 0,
            mean: vec![mean],
            variance: vec![variance],
        }],
        ..good.clone()
    };
    let fits = optimizer.clone().with_state(with_statistics(-1.0, 0.0), 2);
    assert!(fits.is_ok());
    assert_eq!(
        refused(with_statistics(0.0, -1.0)),
        "an averaged variance is -1, expected 0 or more"
    );
    assert!(
        refused(with_statistics(f64::NAN, 1.0)).starts_with("an averaged statistic is infinite")
    );
    let no_average = Optimizer::adamw(0.1).with_state(
        State {
            averaged: vec![],
            ..with_statistics(0.0, 1.0)
        },
        2,
    );
    assert_eq!(
        no_average.unwrap_err().to_string(),
        "the averaged statistics has shape [1], expected [0]"
    );
    assert_eq!(
        refused(State { steps: 0, ..good }),
        "the first moment has shape [2], expected [0]"
    );
    assert!(
        refused(state(vec![0.0; 2], vec![0.0, f32::NAN])).starts_with("the average is infinite")
    );
    assert_eq!(
        refused(state(vec![0.0, -1.0], vec![0.0; 2])),
        "a second moment is -1, expected 0 or more"
    );
    // Momentum keeps one moment alone.
    let one = state(vec![0.0; 2], vec![]);
    assert!(Optimizer::momentum(0.1, 0.9).with_state(one, 2).is_err());
}

#[test]
fn a_range_that_ends_before_it_starts_is_an_error() {
    let mut reversed = Parameter::new("a", [2], 1, true).unwrap();
    (reversed.range.start, reversed.range.end) = (2, 1);
    let rest = Parameter::new("b", [3], 0, true).unwrap();
    let (mut values, mut optimizer) = ([1.0; 3], Optimizer::sgd(0.1));
    let step = optimizer.step(&[reversed, rest], &mut values, &[1.0; 3]);
    let error = step.unwrap_err().to_string();
    assert_eq!(
        error,
        "the start of a parameter's range is 2, expected at most 1, its end (a)"
    );
    assert_eq!((values, optimizer.steps()), ([1.0; 3], 0));
}

#[test]
fn steps_of_other_lengths_and_overlapping_parameters_are_errors() {
    let parameter = |name: &str, start, end| Parameter::new(name, [end - start], start, true);
    for mut optimizer in [Optimizer::adamw(0.1), Optimizer::momentum(0.1, 0.9)] {
        optimizer.step(&[], &mut [], &[]).unwrap();
        let whole = [parameter("a", 0, 3).unwrap()];
        let error = optimizer.step(&whole, &mut [1.0; 3], &[1.0; 3]);
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "values has shape [3], expected [0]");
    }
    let mut values = [1.0; 3];
    let overlapping = [parameter("a", 0, 2).unwrap(), parameter("b", 1, 3).unwrap()];
    let error = Optimizer::adamw(0.1).step(&overlapping, &mut values, &[1.0; 3]);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("a and b overlap"), "{error}");
    // In any order, and with a gap between them.
    let apart = [parameter("b", 2, 3).unwrap(), parameter("a", 0, 1).unwrap()];
    Optimizer::sgd(0.5)
        .step(&apart, &mut values, &[1.0; 3])
        .unwrap();
    assert_eq!(values, [0.5, 1.0, 0.5]);
}
