//! The page in Chromium, where there is one: `CHROMIUM`, or `chromium` on the path.

use std::process::{Command, Stdio};

use super::{report, runs};

/// Looks at a page in a frame of some width, and tells what reaches beyond it.
const LOOK: &str = r#"<!DOCTYPE html><body><script>
const frame = document.createElement("iframe");
frame.style.cssText = "border:0;height:2000px;width:WIDTHpx";
frame.src = "page.html";
frame.onload = () => {
  const page = frame.contentDocument, width = page.documentElement.clientWidth;
  const inside = [...page.querySelectorAll("body *")].filter(e => !e.closest(".scroll, .hidden, svg"));
  const beyond = inside.filter(e => e.getBoundingClientRect().right > width + 0.5);
  const words = beyond.map(e => e.tagName + "." + e.className);
  document.body.textContent = `LOOKED ${inside.length} ${page.documentElement.scrollWidth - width} [${words}]`;
};
document.body.append(frame);
</script>"#;

#[test]
fn nothing_reaches_beyond_a_narrow_screen() {
    let program = std::env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
    let found = Command::new(&program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !found.is_ok_and(|status| status.success()) {
        tests::skipped("no Chromium; name one by the environment variable CHROMIUM");
        return;
    }
    let (first, second) = (runs().join("first"), runs().join("second"));
    for runs in [vec![first.as_path()], vec![&first, &second]] {
        let (folder, _) = report(&runs);
        for width in [360, 800, 1600] {
            let file = folder.path().join("look.html");
            std::fs::write(&file, LOOK.replace("WIDTH", &width.to_string())).expect("a file");
            let output = Command::new(&program)
                .args([
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--allow-file-access-from-files",
                ])
                .args(["--virtual-time-budget=10000", "--dump-dom"])
                .arg(format!(
                    "--user-data-dir={}",
                    folder.path().join("profile").display()
                ))
                .arg(format!("file://{}", file.display()))
                .output()
                .expect("Chromium starts");
            let page = String::from_utf8_lossy(&output.stdout);
            let looked = page
                .split("LOOKED ")
                .nth(1)
                .unwrap_or_else(|| panic!("{width}: {page}"));
            let mut words = looked.split(' ');
            let elements: usize = words.next().and_then(|n| n.parse().ok()).expect("a number");
            assert!(elements > 100, "{looked}");
            assert!(looked.contains(" 0 []"), "{width}: {looked}");
        }
    }
}
