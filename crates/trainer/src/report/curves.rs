//! A run's curves over its epochs, and its best epoch.

use maud::{Markup, html};

use super::chart::{Curve, Unit, chart};
use super::numbers;
use crate::run::records::{BEST, Best, Epoch, MODEL};
use crate::run::{Contents, Criterion};

/// The charts, and what they leave open.
pub(crate) fn show(folder: &Contents) -> Markup {
    let epochs = &folder.epochs;
    let validates = epochs.iter().any(|epoch| epoch.validation_loss.is_some());
    let curve = |name, class, value: fn(&Epoch) -> Option<f64>| {
        Curve::new(
            name,
            class,
            epochs.iter().map(|epoch| (epoch.epoch, value(epoch))),
        )
    };
    let other = training_loss(folder).filter(|_| validates);
    let title = match &other {
        Some(measure) => format!("Loss, in training {measure}"),
        None => "Loss".to_owned(),
    };
    html! {
        div.charts {
            (chart(&title, Unit::Positive, &[
                curve("training", "a", |epoch| Some(epoch.loss)),
                curve("validation", "b", |epoch| epoch.validation_loss),
            ]))
            (chart("Accuracy", Unit::Share, &[
                curve("training", "a", |epoch| Some(epoch.accuracy)),
                curve("validation", "b", |epoch| epoch.validation_accuracy),
            ]))
            (chart("Learning rate", Unit::FromZero, &[curve("rate", "a", |epoch| Some(epoch.rate))]))
        }
        @if let Some(measure) = &other {
            p.aside {
                "The two losses are not of one measure: in training " (measure) ", on the validation images the cross-entropy with "
                "the labels as they are. Compare how they run, not how high they are."
            }
        }
        @if let Some(best) = best_epoch(folder) { p.aside { (best) } }
        @if !validates {
            p.aside { "No images were kept for validation. The training figures are those of the epoch's own steps, with dropout and deformed images where the recipe has them." }
        }
    }
}

/// What the training loss is, where that is not the cross-entropy with the labels as they are, as the validation loss is.
fn training_loss(folder: &Contents) -> Option<String> {
    let loss = folder.keys.get("loss")?;
    let smoothing = loss.get("smoothing").and_then(toml::Value::as_float);
    match (loss.get("type")?.as_str()?, smoothing) {
        ("mean_squared_error", _) => Some("the mean squared error".to_owned()),
        (_, Some(smoothing)) if smoothing > 0.0 => {
            Some(format!("with labels smoothed by {smoothing}"))
        }
        _ => None,
    }
}

/// Which epoch is the best by which figure, and where the network after it is; none where no epoch is chosen.
fn best_epoch(folder: &Contents) -> Option<String> {
    let criterion = folder.criterion();
    let stops_early = folder.keys.contains_key("stop");
    let best = Best::of(&folder.epochs, criterion)?;
    let part = match criterion {
        Criterion::ValidationLoss | Criterion::ValidationAccuracy => "validation",
        Criterion::TrainingLoss | Criterion::TrainingAccuracy if stops_early => "training",
        Criterion::TrainingLoss | Criterion::TrainingAccuracy => return None,
    };
    let place = match &folder.result {
        // Before the model's epoch was told, it was the last one's.
        Some(result) if result.model_epoch.is_none() => {
            format!("{BEST} is the network after it, {MODEL} that after the last epoch")
        }
        Some(_) => format!("{MODEL} is the network after it"),
        None => format!("{BEST} is the network after it"),
    };
    Some(format!(
        "Best epoch by {criterion}: {}, with a {part} loss of {} and an accuracy of {}. {place}.",
        best.epoch,
        numbers::short(best.loss),
        best.accuracy.map_or("—".into(), numbers::percent)
    ))
}

#[cfg(test)]
mod tests {
    use super::show;
    use crate::run::Contents;
    use crate::run::records::Epoch;

    fn contents(recipe: &str, result: Option<&str>) -> Contents {
        let epoch = |epoch, validation_loss, validation_accuracy| Epoch {
            epoch,
            validation_loss: Some(validation_loss),
            validation_accuracy: Some(validation_accuracy),
            ..Epoch::default()
        };
        Contents {
            path: "runs/one".into(),
            name: "one".into(),
            recipe: Some(recipe.to_owned()),
            keys: recipe.parse().unwrap(),
            environment: None,
            epochs: vec![
                epoch(1, 0.5, 0.8),
                epoch(2, 0.25, 0.9),
                epoch(3, 0.375, 0.9375),
            ],
            result: result.map(|result| serde_json::from_str(result).unwrap()),
            notes: Vec::new(),
        }
    }

    fn result(further: &str) -> String {
        format!(
            r#"{{"test_loss":1,"test_accuracy":0.5,"epochs":3,"steps":3,"seconds":1,"parameters":1,"digest":"",
            "stopped":"finished"{further}}}"#
        )
    }

    /// The recipe's, the result's, and in folders from before `monitor` the accuracy, by which it went then.
    #[test]
    fn the_best_epoch_is_the_one_that_the_run_chose() {
        let by_loss = "Best epoch by validation loss: 2, with a validation loss of 0.250 and an accuracy of 90.00\u{202f}%.";
        let by_accuracy = "Best epoch by validation accuracy: 3, with a validation loss of 0.375 and an accuracy of 93.75\u{202f}%.";
        let told = result(r#","model_epoch":2,"chosen_by":"validation_loss""#);
        let before = result("");
        for (recipe, result, best, place) in [
            (
                "monitor = 'loss'",
                None,
                by_loss,
                "checkpoints/best.safetensors is the network after it.",
            ),
            (
                "monitor = 'accuracy'",
                None,
                by_accuracy,
                "checkpoints/best.safetensors is the network after it.",
            ),
            (
                "",
                None,
                by_accuracy,
                "checkpoints/best.safetensors is the network after it.",
            ),
            (
                "monitor = 'loss'",
                Some(told.as_str()),
                by_loss,
                "model.safetensors is the network after it.",
            ),
            (
                "",
                Some(before.as_str()),
                by_accuracy,
                "model.safetensors that after the last epoch.",
            ),
        ] {
            let page = show(&contents(recipe, result)).into_string();
            assert!(page.contains(best), "{recipe}, {result:?}: {page}");
            assert!(page.contains(place), "{recipe}, {result:?}: {page}");
        }
    }

    /// A smoothed loss, and one of another kind, is not on one chart with a plain one without a word.
    #[test]
    fn losses_of_two_measures_are_told_apart() {
        let drawn = |recipe: &str| show(&contents(recipe, None)).into_string();
        let smoothed = drawn("[loss]\ntype = 'cross_entropy'\nsmoothing = 0.1");
        assert!(smoothed.contains("Loss, in training with labels smoothed by 0.1"));
        assert!(smoothed.contains("The two losses are not of one measure"));
        let squared = drawn("[loss]\ntype = 'mean_squared_error'");
        assert!(squared.contains("Loss, in training the mean squared error"));
        for plain in ["", "[loss]\ntype = 'cross_entropy'\nsmoothing = 0.0"] {
            assert!(!drawn(plain).contains("in training with"), "{plain}");
            assert!(!drawn(plain).contains("not of one measure"), "{plain}");
        }
        let mut alone = contents("[loss]\ntype = 'cross_entropy'\nsmoothing = 0.1", None);
        for epoch in &mut alone.epochs {
            epoch.validation_loss = None;
        }
        assert!(!show(&alone).into_string().contains("not of one measure"));
    }
}
