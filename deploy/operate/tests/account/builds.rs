//! A build for an account, with a cargo-lambda that only writes down how it is called: what it makes is packed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::process::Command;

use crate::world::{Ended, root};

const CARGO_LAMBDA: &str = r#"#!/usr/bin/env bash
set -eu
echo "$*" >>"$CARGO_TARGET_DIR/calls"
for name in ingress worker; do
    mkdir -p "$CARGO_TARGET_DIR/lambda/$name"
    echo "the $name" >"$CARGO_TARGET_DIR/lambda/$name/bootstrap"
done
"#;

async fn build(target: &Path, arch: &str) -> Ended {
    let program = target.join("cargo-lambda");
    fs::write(&program, CARGO_LAMBDA).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", target.display(), std::env::var("PATH").unwrap());
    let built = Path::new(env!("CARGO_BIN_EXE_operate")).parent().unwrap();
    let mut command = Command::new(root().join("deploy/build.sh"));
    command.env("PATH", path).env("CARGO_TARGET_DIR", target).env("FUNCTIONS_DIR", built).env("ARCH", arch);
    Ended::from(command.output().await.unwrap())
}

#[tokio::test]
async fn a_build_for_an_account_is_cargo_lambdas_and_packed_as_bootstrap() {
    let target = tempfile::tempdir().unwrap();
    for (arch, flag) in [("arm64", "--arm64"), ("x86_64", "--x86-64")] {
        let ended = build(target.path(), arch).await;
        assert_eq!(ended.code, 0, "{}", ended.out);
        let calls = fs::read_to_string(target.path().join("calls")).unwrap();
        assert_eq!(calls.lines().last(), Some(&*format!("lambda build --release -p ingress -p worker {flag}")));
        for name in ["ingress", "worker"] {
            let zip = fs::read(target.path().join(format!("lambda/{name}.zip"))).unwrap();
            assert!(zip.windows(9).any(|bytes| bytes == b"bootstrap"));
            assert!(ended.out.contains(&format!("{name}.zip")), "its size is told: {}", ended.out);
        }
    }
    let ended = build(target.path(), "sparc").await;
    assert!(ended.code == 1 && ended.out.contains("ARCH=sparc: it is arm64 or x86_64"), "{}", ended.out);
}
