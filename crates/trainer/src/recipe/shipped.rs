//! The built-in recipes.

/// Each with its text: first those for the built-in images, then those for all of MNIST.
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

/// The text of the built-in recipe with this name.
pub fn find(name: &str) -> Option<&'static str> {
    let mut all = SHIPPED.iter();
    all.find(|(known, _)| *known == name).map(|&(_, text)| text)
}

/// The names of the built-in recipes.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    SHIPPED.iter().map(|&(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Changes, Recipe};

    #[test]
    fn each_reads_back_from_its_resolved_text() {
        for (name, _) in SHIPPED {
            let found = Recipe::find(name, &Changes::default()).unwrap();
            assert!(!found.recipe.description.is_empty(), "{name}");
            found.spec((28, 28), 10).unwrap();
            let resolved = found.recipe.to_toml().unwrap();
            let again = Recipe::parse(name, name, &resolved, &Changes::default()).unwrap();
            assert_eq!(again.recipe, found.recipe, "{name}");
            assert_eq!(again.recipe.to_toml().unwrap(), resolved, "{name}");
        }
    }
}
