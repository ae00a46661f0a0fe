//! `trainer recipes`: the built-in recipes.

use clap::{Args, Subcommand};
use trainer::recipe::{Changes, Recipe, builtin, builtin_names};

use crate::failure::Failure;
use crate::terminal::output::print;

#[derive(Args)]
#[command(after_help = "Examples:
  trainer recipes                            list the built-in recipes
  trainer recipes show stacked               print one of them
  trainer recipes show stacked > mine.toml   start a recipe of your own")]
pub(crate) struct RecipesArgs {
    #[command(subcommand)]
    command: Option<RecipesCommand>,
}

#[derive(Subcommand)]
enum RecipesCommand {
    /// Print a recipe, to start your own from
    Show {
        /// Name of the recipe
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(builtin_names()))]
        name: String,
    },
}

impl RecipesArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match &self.command {
            Some(RecipesCommand::Show { name }) => print(builtin(name).unwrap_or_default()),
            None => {
                let mut list = String::new();
                for name in builtin_names() {
                    let named = Recipe::find(name, &Changes::default())?;
                    list += &format!("{name:<11} {}\n", named.recipe.description);
                }
                print(&list)
            }
        }
    }
}
