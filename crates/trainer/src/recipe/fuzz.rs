//! Shipped recipes with words exchanged, left out and doubled: each is refused with its line and a reason, or is a recipe.

use conv_core::network::Network;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{Changes, Recipe, shipped};
use crate::error::Error;

/// What stands in the place of a word.
const WORDS: [&str; 33] = [
    "0",
    "-1",
    "-0.0",
    "1",
    "2",
    "3",
    "0.5",
    "1e308",
    "1e-320",
    "nan",
    "inf",
    "-inf",
    "true",
    "29",
    "1000",
    "1000000",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "1_0",
    "0x10",
    "1979-05-27",
    "\"\"",
    "\"max\"",
    "\"mnist\"",
    "\"\\u0000\"",
    "[]",
    "{}",
    "[3, 3]",
    "[28, 1, 1]",
    "rate",
    "type",
    "𝕏",
];
/// Networks of more numbers than this are not made, only their shapes.
const LARGEST: usize = 1 << 20;

/// A change of a text, at one of its words or lines.
#[derive(Clone, Debug)]
enum Change {
    Replace(&'static str),
    Insert(&'static str),
    Remove,
    /// By the word at another place.
    Copy(Index),
    /// The whole line.
    RemoveLine,
    DoubleLine,
    Cut,
}

fn change() -> impl Strategy<Value = (Index, Change)> {
    let words = || select(WORDS.as_slice());
    let change = prop_oneof![
        6 => words().prop_map(Change::Replace),
        1 => words().prop_map(Change::Insert),
        1 => Just(Change::Remove),
        3 => any::<Index>().prop_map(Change::Copy),
        1 => Just(Change::RemoveLine),
        1 => Just(Change::DoubleLine),
        1 => Just(Change::Cut),
    ];
    (any::<Index>(), change)
}

/// Lines without comments, as words and single signs.
fn lines_of(text: &str) -> Vec<Vec<String>> {
    let without = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    let lines = text.lines().map(without).filter(|line| !line.is_empty());
    lines.map(|line| words_of(&line)).collect()
}

fn words_of(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        quoted ^= c == '"';
        let goes_on = quoted || c == '"' || c.is_alphanumeric() || "._-+".contains(c);
        match words.last_mut() {
            Some(last) if goes_on => last.push(c),
            _ => words.extend([c.to_string(), String::new()]),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn changed(text: &str, changes: &[(Index, Change)]) -> String {
    let mut lines = lines_of(text);
    for (at, change) in changes {
        let places: Vec<(usize, usize)> = lines
            .iter()
            .enumerate()
            .flat_map(|(line, words)| (0..words.len()).map(move |word| (line, word)))
            .filter(|&(line, word)| lines[line][word] != " ")
            .collect();
        if places.is_empty() {
            break;
        }
        let (line, word) = places[at.index(places.len())];
        match change {
            Change::Replace(other) => (*other).clone_into(&mut lines[line][word]),
            Change::Insert(other) => lines[line].insert(word, (*other).to_owned()),
            Change::Remove => drop(lines[line].remove(word)),
            Change::Copy(from) => {
                let (from, place) = places[from.index(places.len())];
                lines[line][word] = lines[from][place].clone();
            }
            Change::RemoveLine => drop(lines.remove(line)),
            Change::DoubleLine => lines.insert(line, lines[line].clone()),
            Change::Cut => {
                lines.truncate(line + 1);
                lines[line].truncate(word);
            }
        }
    }
    let lines: Vec<String> = lines.iter().map(|words| words.concat()).collect();
    lines.join("\n")
}

/// What `trainer train` does with a recipe before it has images; and what it must then be able to do.
fn used(text: &str) -> Result<(), Error> {
    let named = Recipe::parse("fuzz", "fuzz.toml", text, &Changes::default())?;
    let spec = named.spec((28, 28), 10)?;
    let recipe = &named.recipe;
    assert_eq!(recipe.validate(), Ok(()), "what was read is valid");
    let resolved = recipe.to_toml()?;
    let again = Recipe::parse("fuzz", "fuzz.toml", &resolved, &Changes::default())?;
    assert_eq!(
        &again.recipe, recipe,
        "what is written is read back: {resolved}"
    );
    recipe.augmentation_schedule()?;
    let steps = 1_000_u64.div_ceil(recipe.batch as u64);
    for step in [0, 1, steps * recipe.epochs - 1] {
        assert!(recipe.rate_of(steps, step).is_finite(), "step {step}");
    }
    if spec.summary()?.parameters() <= LARGEST {
        let network = Network::new(&spec, recipe.seed)?;
        recipe.fresh_optimizer(steps).with_state(
            recipe.fresh_optimizer(steps).state().clone(),
            network.values().len(),
        )?;
    }
    Ok(())
}

/// The line that a message tells, and its reason.
fn line_and_reason(message: &str) -> Option<(usize, &str)> {
    let rest = message.strip_prefix("fuzz.toml:")?;
    let (line, rest) = rest.split_once(':')?;
    let (column, reason) = rest.split_once(": ")?;
    let _: usize = column.parse().ok()?;
    Some((line.parse().ok()?, reason.lines().next()?))
}

/// As many as `PROPTEST_CASES` says, if that is more.
fn cases() -> u32 {
    ProptestConfig::default().cases.max(3_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_recipe_is_refused_with_its_line_or_works(
        name in select(shipped::names().collect::<Vec<_>>()),
        changes in vec(change(), 1..4),
    ) {
        let text = changed(shipped::find(name).expect("it is shipped"), &changes);
        if let Err(failure) = used(&text) {
            let Error::Failed(message) = failure else {
                panic!("{failure:?} of {text}");
            };
            // A key that stands nowhere has no line.
            let missing = message.starts_with("fuzz.toml: the recipe has no ");
            let told = line_and_reason(&message);
            prop_assert!(
                missing || told.is_some_and(|(line, reason)| {
                    (1..=text.split('\n').count()).contains(&line) && reason.len() > 3
                }),
                "{message}\n---\n{text}"
            );
        }
    }
}

#[test]
fn an_unchanged_recipe_works() {
    for name in shipped::names() {
        let text = changed(shipped::find(name).expect("it is shipped"), &[]);
        used(&text).expect("a shipped recipe works");
    }
}

/// In equal steps from the first epoch to the last.
#[test]
fn a_recipe_of_deformations_that_become_fewer_works() {
    let text = shipped::find("small-data").expect("it is shipped");
    let changed = text.replace(
        "probability = 1.0\nlast_probability = 0.0\n",
        "probability = 0.75\nlast_probability = 0.25\n",
    );
    assert_ne!(changed, text);
    used(&changed).expect("it is a recipe");
    let recipe = Recipe::parse("fuzz", "fuzz.toml", &changed, &Changes::default())
        .unwrap()
        .recipe;
    let schedule = recipe.augmentation_schedule().unwrap().unwrap();
    let probabilities = [0, 1, 2].map(|epoch| schedule.at(epoch, 3).probability);
    assert_eq!(probabilities, [0.75, 0.5, 0.25]);
    assert_eq!(schedule.at(0, 1).probability, 0.75);
}
