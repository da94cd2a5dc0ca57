//! What pages call and no test can run: why not, and what is looked at in its place.

use std::fs;
use std::path::Path;

/// Commands that a page has for its reader alone, by what is in them, and why they are not run with it.
pub(super) const ELSEWHERE: [(&str, &str); 5] = [
    ("cargo xtask demo", "configs::demo runs it"),
    ("cargo xtask test", "it is what runs this"),
    (
        "for file in envoy-configs/local/*.yaml; do envoy --mode validate",
        "configs::validate asks Envoy about every file",
    ),
    (
        "--restart-epoch",
        "configs::envoy_page does, with ports that two processes share",
    ),
    (
        "mesh-filters mesh up",
        "configs::mesh_page has one up, and takes it down",
    ),
];

/// A program that is there in place of the real one.
struct StandIn {
    name: &'static str,
    why: &'static str,
    script: &'static str,
}

/// Each writes down how it was called, and fails where it was told of something that is not there.
const STAND_INS: [StandIn; 5] = [
    StandIn {
        name: "kubectl",
        why: "there is no cluster; what it is handed is kept in `applied` and `patches`, and read",
        script: KUBECTL,
    },
    StandIn {
        name: "docker",
        why: "not every machine has an engine, and none has that registry; what it is to copy is looked for",
        script: DOCKER,
    },
    StandIn {
        name: "ctr",
        why: "nodes have it; the archive is looked into for the name that it will have there",
        script: CTR,
    },
    StandIn {
        name: "cargo",
        why: "what it builds has been built before the tests, and images are made by the program, as it does",
        script: CARGO,
    },
    StandIn {
        name: "skopeo",
        why: "the real one, which is told that the registry has no TLS and that this machine has no policy",
        script: SKOPEO,
    },
];

const KUBECTL: &str = r#"
keep() { mkdir -p "$1" && cat > "$1/$(ls "$1" | wc -l).yaml"; }
previous=
for word in "$@"; do
  case "$previous" in
  -f) if [ "$word" = - ]; then keep applied; else test -s "$word" && keep applied < "$word"; fi || exit 1 ;;
  --patch-file) test -s "$word" && keep patches < "$word" || exit 1 ;;
  esac
  case "$word" in --from-file=*) test -s "${word##*=}" || exit 1 ;; esac
  previous=$word
done
case "$*" in
  *--dry-run=client*) printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made}\n' ;;
  *logs*) echo "wasm log" ;;
esac
"#;

const DOCKER: &str = r#"
copied() { from=$(awk '$1 == "COPY" {print $2}'); test -n "$from"; }
case "$1" in
build)
  folder="${@: -1}"
  case "$*" in
  *"-f -"*) copied && test -s "$folder/$from" ;;
  *) copied < "$folder/Dockerfile" ;;
  esac ;;
run) test -s "${@: -1}" ;;
push) ;;
*) exit 1 ;;
esac
"#;

const CTR: &str = r#"
test "$*" = "-n k8s.io images import $5" || exit 1
tar -xOf "$5" index.json | grep -q '"org.opencontainers.image.ref.name":"registry.example/'
"#;

const CARGO: &str = r#"
case "$1 $2" in
"xtask build") ;;
"xtask oci") mesh-filters image build dist/*.wasm --out dist/oci ;;
"install --path") test -s "$3/Cargo.toml" ;;
*) exit 1 ;;
esac
"#;

const SKOPEO: &str = r#"
verb=$1
shift
exec REAL --insecure-policy "$verb" --src-tls-verify=false --dest-tls-verify=false "$@"
"#;

/// Writes them into a folder, and returns the line by which a shell knows them. Calls are lines of a file `calls`.
pub(super) fn write(folder: &Path, calls: &Path, skopeo: &Path) -> String {
    let known = STAND_INS.map(|StandIn { name, script, .. }| {
        let script = script.replace("REAL", &skopeo.display().to_string());
        let text = format!("echo \"{name} $*\" >> {}\n{script}", calls.display());
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        // Read by a shell, and not run as a program: while another test starts one, it might still be open.
        format!("{name}() {{ bash {} \"$@\"; }}; ", file.display())
    });
    known.concat()
}

/// What to know of a command that failed.
pub(super) fn note(command: &str) -> String {
    let called = STAND_INS.iter().filter(|one| command.contains(one.name));
    let notes = called.map(|one| format!("\n`{}` is a stand-in: {}", one.name, one.why));
    notes.collect()
}
