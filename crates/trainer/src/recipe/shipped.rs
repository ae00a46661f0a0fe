//! The recipes that come along, and `trainer recipes`, which shows them.

use clap::{Args, Subcommand};

use super::{Changes, Recipe};
use crate::failure::Failure;
use crate::output::print;

/// Each with its text: first those for the images that come along, then those for all of MNIST.
const SHIPPED: [(&str, &str); 8] = [
    ("stacked", include_str!("../../recipes/stacked.toml")),
    ("book", include_str!("../../recipes/book.toml")),
    ("dense", include_str!("../../recipes/dense.toml")),
    ("small-data", include_str!("../../recipes/small-data.toml")),
    ("lenet", include_str!("../../recipes/lenet.toml")),
    ("quick", include_str!("../../recipes/quick.toml")),
    ("tiny", include_str!("../../recipes/tiny.toml")),
    ("best", include_str!("../../recipes/best.toml")),
];

/// The text of the one with this name.
pub(super) fn find(name: &str) -> Option<&'static str> {
    let mut all = SHIPPED.iter();
    all.find(|(known, _)| *known == name).map(|&(_, text)| text)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    SHIPPED.iter().map(|&(name, _)| name)
}

#[derive(Args)]
#[command(after_help = "Examples:
  trainer recipes                            those that come along
  trainer recipes show stacked               one of them
  trainer recipes show stacked > mine.toml   a recipe of one's own to start from")]
pub(crate) struct RecipesArgs {
    #[command(subcommand)]
    command: Option<RecipesCommand>,
}

#[derive(Subcommand)]
enum RecipesCommand {
    /// Print a recipe, to start one's own from
    Show {
        /// Its name
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(names()))]
        name: String,
    },
}

impl RecipesArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match &self.command {
            Some(RecipesCommand::Show { name }) => print(find(name).unwrap_or_default()),
            None => {
                let mut list = String::new();
                for name in names() {
                    let named = Recipe::find(name, &Changes::default())?;
                    list += &format!("{name:<11} {}\n", named.recipe.description);
                }
                print(&list)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reads_back_from_its_resolved_text() {
        for (name, _) in SHIPPED {
            let found = Recipe::find(name, &Changes::default()).unwrap();
            assert!(!found.recipe.description.is_empty(), "{name}");
            found.spec((28, 28), 10).unwrap();
            let resolved = found.recipe.to_toml().unwrap();
            let again = Recipe::named(name, name, &resolved, &Changes::default()).unwrap();
            assert_eq!(again.recipe, found.recipe, "{name}");
            assert_eq!(again.recipe.to_toml().unwrap(), resolved, "{name}");
        }
    }
}
