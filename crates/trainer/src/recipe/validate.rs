//! Checks the numbers of a recipe that was made in Rust.

use super::problem::Problem;
use super::section::instead;
use super::{Augmentation, Elastic, Loss, Method, Recipe, Schedule, limits};

impl Recipe {
    /// Checks all numbers of a recipe that was made in Rust, as those of a text are when it is read.
    ///
    /// # Errors
    /// The first that is wrong: its key, what it is, and what was expected.
    pub fn validate(&self) -> Result<(), Problem> {
        limits::SEED.check("seed", self.seed)?;
        limits::COUNT.check("epochs", self.epochs)?;
        limits::COUNT.check("batch", self.batch as u64)?;
        let data = &self.data;
        if mnist_data::catalog::find(&data.dataset).is_none() {
            let names = mnist_data::catalog::ALL.map(|entry| entry.name);
            let instead = instead(&data.dataset, names);
            let message = format!("data.dataset is {:?}{instead}", data.dataset);
            return Err(Problem::new("data.dataset", message));
        }
        if let Some(images) = data.train_images {
            limits::TRAIN_IMAGES.check("data.train_images", images as u64)?;
        }
        limits::VALIDATION.check("data.validation", data.validation as u64)?;
        if let Some(augmentation) = &self.augmentation {
            augmentation.validate()?;
        }
        if let Loss::CrossEntropy { smoothing } = self.loss {
            limits::SHARE.check("loss.smoothing", smoothing)?;
        }
        let optimizer = &self.optimizer;
        limits::RATE.check("optimizer.rate", optimizer.rate)?;
        if let Method::Momentum(momentum) | Method::Nesterov(momentum) = optimizer.method {
            limits::DECAY.check("optimizer.momentum", momentum)?;
        }
        limits::WEIGHT_DECAY.check("optimizer.weight_decay", optimizer.weight_decay)?;
        if let Some(clip) = optimizer.clip {
            limits::CLIP.check("optimizer.clip", clip)?;
        }
        if let Some(average) = optimizer.average {
            limits::DECAY.check("optimizer.average", average)?;
        }
        if let Schedule::Step { every, factor } = self.schedule {
            limits::COUNT.check("schedule.every", every)?;
            limits::SHARE.check("schedule.factor", factor)?;
        }
        match self.patience {
            Some(patience) => limits::COUNT.check("stop.patience", patience),
            None => Ok(()),
        }
    }
}

impl Augmentation {
    fn validate(&self) -> Result<(), Problem> {
        limits::SHARE.check("augmentation.probability", self.probability)?;
        if let Some(last) = self.last_probability {
            limits::SHARE.check("augmentation.last_probability", last)?;
        }
        limits::SHIFT.check("augmentation.shift", self.shift)?;
        limits::ROTATION.check("augmentation.rotation", self.rotation)?;
        limits::SCALE.check("augmentation.scale", self.scale)?;
        limits::SHEAR.check("augmentation.shear", self.shear)?;
        let Some(Elastic { alpha, sigma }) = self.elastic else {
            return Ok(());
        };
        limits::ELASTIC_ALPHA.check("augmentation.elastic.alpha", alpha)?;
        limits::ELASTIC_SIGMA.check("augmentation.elastic.sigma", sigma)
    }
}

#[cfg(test)]
mod tests {
    use crate::Error;
    use crate::recipe::{Augmentation, Changes, Elastic, Method, Recipe, Schedule};

    /// One wrong number, in Rust and in the text, is the same problem.
    #[test]
    fn a_number_is_as_wrong_in_rust_as_in_a_text() {
        let stacked = || Recipe::find("stacked", &Changes::default()).unwrap().recipe;
        let augmented = |change: fn(&mut Augmentation)| {
            let mut recipe = stacked();
            change(recipe.augmentation.as_mut().unwrap());
            recipe
        };
        let with = |change: fn(&mut Recipe)| {
            let mut recipe = stacked();
            change(&mut recipe);
            recipe
        };
        for (recipe, setting) in [
            (with(|recipe| recipe.epochs = 0), "epochs=0"),
            (with(|recipe| recipe.batch = 2_000_000), "batch=2000000"),
            (
                with(|recipe| recipe.data.train_images = Some(0)),
                "data.train_images=0",
            ),
            (
                with(|recipe| recipe.data.dataset = "mnst".to_owned()),
                "data.dataset=mnst",
            ),
            (
                augmented(|augmentation| augmentation.probability = 1.5),
                "augmentation.probability=1.5",
            ),
            (
                augmented(|augmentation| augmentation.last_probability = Some(-1.0)),
                "augmentation.last_probability=-1",
            ),
            (
                augmented(|augmentation| augmentation.shift = f64::NAN),
                "augmentation.shift=nan",
            ),
            (
                augmented(|augmentation| augmentation.rotation = 181.0),
                "augmentation.rotation=181",
            ),
            (
                augmented(|augmentation| augmentation.scale = 1.0),
                "augmentation.scale=1",
            ),
            (
                augmented(|augmentation| augmentation.shear = -0.5),
                "augmentation.shear=-0.5",
            ),
            (
                augmented(|augmentation| {
                    augmentation.elastic = Some(Elastic {
                        alpha: 34.0,
                        sigma: 0.0,
                    });
                }),
                "augmentation.elastic.sigma=0",
            ),
            (
                with(|recipe| recipe.optimizer.rate = -0.1),
                "optimizer.rate=-0.1",
            ),
            (
                with(|recipe| recipe.optimizer.weight_decay = f64::INFINITY),
                "optimizer.weight_decay=inf",
            ),
            (
                with(|recipe| recipe.optimizer.clip = Some(0.0)),
                "optimizer.clip=0",
            ),
            (
                with(|recipe| recipe.optimizer.average = Some(1.0)),
                "optimizer.average=1",
            ),
            (with(|recipe| recipe.patience = Some(0)), "stop.patience=0"),
        ] {
            let changes = Changes {
                set: vec![setting.to_owned()],
                ..Changes::default()
            };
            let reason = |error: Error| {
                let message = error.to_string();
                let line = message.lines().next().unwrap();
                line.rsplit_once(": ").unwrap().1.to_owned()
            };
            let in_text = reason(Recipe::find("stacked", &changes).unwrap_err());
            let in_rust = reason(recipe.named("mine").unwrap_err());
            assert_eq!(in_rust, in_text, "{setting}");
        }
        let mut momentum = stacked();
        momentum.optimizer.method = Method::Momentum(1.0);
        let problem = momentum.validate().unwrap_err();
        assert_eq!(problem.path, "optimizer.momentum");
        let mut step = stacked();
        step.schedule = Schedule::Step {
            every: 1,
            factor: 2.0,
        };
        assert_eq!(step.validate().unwrap_err().path, "schedule.factor");
    }

    #[test]
    fn a_recipe_made_in_rust_is_shown_where_it_is_wrong() {
        let mut recipe = Recipe::find("stacked", &Changes::default()).unwrap().recipe;
        recipe.clone().named("mine").unwrap();
        recipe.optimizer.rate = 0.0;
        let message = recipe.named("mine").unwrap_err().to_string();
        assert!(message.starts_with("recipe mine:"), "{message}");
        assert!(
            message.contains("| rate = 0.0\n") && message.ends_with("^^^^"),
            "{message}"
        );
    }
}
