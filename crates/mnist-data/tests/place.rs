//! Where data sets are kept, as the environment says. A process has one environment, so each setting is
//! tried by this very program in a process of its own.

use std::process::Command;

const ASKED: &str = "MNIST_DATA_TEST_PLACE";

/// What another process with these variables, and without the others that matter, prints.
fn root(variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "prints_the_place", "--nocapture"]);
    for name in ["MNIST_DATA_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"] {
        command.env_remove(name);
    }
    let variables = variables.iter().copied();
    let output = command.envs(variables).env(ASKED, "1").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut lines = stdout.lines();
    let found = lines.find_map(|line| line.split_once("place: "));
    found.map(|(_, place)| place.to_owned()).unwrap()
}

#[test]
fn prints_the_place() {
    let place = mnist_data::local::default_root();
    if std::env::var_os(ASKED).is_some() {
        match place {
            Ok(root) => println!("place: {}", root.display()),
            Err(error) => println!("place: error: {error}"),
        }
        return;
    }
    // Whoever runs the tests has a home folder or has named one for the data.
    let named = std::env::var_os("MNIST_DATA_DIR").is_some_and(|dir| !dir.is_empty());
    assert!(named || place.unwrap().ends_with("mnist-data"));
}

#[test]
fn the_variable_comes_first() {
    let place = root(&[("MNIST_DATA_DIR", "/m"), ("HOME", "/h")]);
    assert_eq!(place, "/m");
}

#[cfg(all(unix, not(target_vendor = "apple")))]
#[test]
fn the_cache_of_the_platform_is_next() {
    let home = ("HOME", "/h");
    assert_eq!(root(&[home]), "/h/.cache/mnist-data");
    assert_eq!(
        root(&[home, ("MNIST_DATA_DIR", "")]),
        "/h/.cache/mnist-data"
    );
    let cache = |path| root(&[home, ("XDG_CACHE_HOME", path)]);
    assert_eq!(cache("/c"), "/c/mnist-data");
    // The convention says that a relative path is to be ignored.
    assert_eq!(cache("c"), "/h/.cache/mnist-data");
    let error = root(&[("HOME", "relative")]);
    assert!(
        error.contains("home folder") && error.contains("MNIST_DATA_DIR"),
        "{error}"
    );
}

#[cfg(target_vendor = "apple")]
#[test]
fn the_cache_of_the_platform_is_next() {
    assert_eq!(root(&[("HOME", "/h")]), "/h/Library/Caches/mnist-data");
}

#[cfg(windows)]
#[test]
fn the_cache_of_the_platform_is_next() {
    assert_eq!(root(&[("LOCALAPPDATA", r"C:\l")]), r"C:\l\mnist-data");
}
