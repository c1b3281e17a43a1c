//! The TypeScript client: builds, is typed for those who install it, agrees with the description, and works against a live server in Node and in Chromium.

use crate::live::Live;
use crate::node::{chromium, node, run};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;
use std::sync::Once;

const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/typescript");

/// Compiles the client, once for all tests here.
fn build() {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let mut compile = node(PACKAGE);
        compile.arg("build.js");
        run(compile);
    });
}

async fn tested(live: &Live, file: &str, set: impl FnOnce(&mut Command)) {
    let audio = live.music();
    let mut test = node(PACKAGE);
    test.arg(file).env("ARSIS_URL", &live.url).env("ARSIS_TOKEN", &live.token).env("ARSIS_AUDIO", audio);
    set(&mut test);
    tokio::task::spawn_blocking(move || run(test)).await.unwrap();
}

#[test]
fn the_parts_do_what_they_say() {
    build();
    for part in ["event-stream", "frames", "package", "transport"] {
        let mut test = node(PACKAGE);
        test.args(["--test-timeout", "120000"]).arg(format!("test/{part}.test.js"));
        run(test);
    }
}

#[test]
fn the_types_are_those_of_the_description() {
    let folder = tempfile::tempdir().unwrap();
    let (description, types) = (folder.path().join("openapi.json"), folder.path().join("schema.d.ts"));
    std::fs::write(&description, api::description().to_string()).unwrap();
    let mut generate = node(PACKAGE);
    generate.args(["node_modules/openapi-typescript/bin/cli.js", "--default-non-nullable=false"]);
    generate.arg(&description).arg("-o").arg(&types);
    run(generate);
    let committed = Path::new(PACKAGE).join("src/schema.d.ts");
    let (made, there) = (std::fs::read(&types).unwrap(), std::fs::read(&committed).unwrap());
    if made != there && std::env::var_os("UPDATE").is_some() {
        std::fs::copy(&types, &committed).unwrap();
        return;
    }
    assert!(
        made == there,
        "clients/typescript/src/schema.d.ts is not of this description: UPDATE=1 writes it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_in_node() {
    build();
    let mut live = Live::start(&[]).await;
    live.work();
    tested(&live, "test/live/node.test.js", |_| ()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_in_chromium_from_another_origin() {
    build();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", socket.local_addr().unwrap());
    let mut live = Live::start(&[("ARSIS_ALLOWED_ORIGINS", &origin)]).await;
    live.work();
    tested(&live, "test/live/browser.test.js", |test| {
        test.env("ARSIS_PAGE", &origin).env("ARSIS_CHROMIUM", chromium()).stdin(OwnedFd::from(socket));
    })
    .await;
}
