//! Commands as they are pasted.

use super::*;
use clap::Parser;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    words: Words,
}

fn line(words: &[&str]) -> Line {
    let words = ["x"].iter().chain(words);
    Command::try_parse_from(words)
        .unwrap()
        .words
        .line()
        .unwrap()
}

#[test]
fn a_pasted_command_is_what_curl_sends() {
    for (words, method, url, headers) in [
        (&["http://a/"][..], "GET", "http://a/", &[][..]),
        (&["DELETE", "a/b"], "DELETE", "http://a/b", &[]),
        (
            &["curl", "-sSkL", "--compressed", "https://a/../b", "-I"],
            "HEAD",
            "https://a/../b",
            &[],
        ),
        (
            &[
                "curl",
                "-X",
                "PUT",
                "http://a/",
                "-d",
                "x=1",
                "-H",
                "X-A:  b ",
                "-H",
                "x-none:",
                "-H",
                "x-empty;",
            ],
            "PUT",
            "http://a/",
            &[
                ("X-A", "b"),
                ("x-empty", ""),
                ("content-type", "application/x-www-form-urlencoded"),
            ],
        ),
        (
            &[
                "curl",
                "--data-raw",
                "x",
                "-H",
                "Content-Type: a/b",
                "http://a/",
            ],
            "POST",
            "http://a/",
            &[("Content-Type", "a/b")],
        ),
        (
            &["--json", "{}", "http://a/"],
            "POST",
            "http://a/",
            &[
                ("content-type", "application/json"),
                ("accept", "application/json"),
            ],
        ),
        (
            &["-G", "-d", "a=1", "-d", "b=2", "http://a/?c"],
            "GET",
            "http://a/?c&a=1&b=2",
            &[],
        ),
        (
            &[
                "curl",
                "-vv",
                "-v",
                "-o",
                "/dev/null",
                "-m",
                "3",
                "--url",
                "a/b",
                "-T",
                "file",
            ],
            "PUT",
            "http://a/b",
            &[],
        ),
        (
            &[
                "curl",
                "-G",
                "https://a/x?p#f",
                "--data-urlencode",
                "q=a b&c",
                "--data-urlencode",
                "é",
                "--url-query",
                "+r=1",
            ],
            "GET",
            "https://a/x?p&q=a%20b%26c&%C3%A9&r=1#f",
            &[],
        ),
        (
            &[
                "curl",
                "--data-urlencode",
                "q=a",
                "a",
                "-e",
                "http://b/",
                "-r",
                "0-9",
            ],
            "POST",
            "http://a",
            &[
                ("content-type", "application/x-www-form-urlencoded"),
                ("referer", "http://b/"),
                ("range", "bytes=0-9"),
            ],
        ),
        (
            &["curl", "-F", "file=@x", "http://us%40er:pa%3Ass@a/"],
            "POST",
            "http://a/",
            &[
                ("content-type", "multipart/form-data"),
                ("authorization", "Basic dXNAZXI6cGE6c3M="),
            ],
        ),
        (
            &["curl", "--oauth2-bearer", "token", "-A", "", "http://a/"],
            "GET",
            "http://a/",
            &[("authorization", "Bearer token")],
        ),
        (
            &["-u", "user:pass", "-b", "a=1", "-A", "me", "http://a/"],
            "GET",
            "http://a/",
            &[
                ("authorization", "Basic dXNlcjpwYXNz"),
                ("cookie", "a=1"),
                ("user-agent", "me"),
            ],
        ),
    ] {
        let seen = line(words);
        let owned =
            |(name, value): &(&str, &str)| ((*name).to_owned(), Values::One((*value).to_owned()));
        let headers: Vec<_> = headers.iter().map(owned).collect();
        assert_eq!(
            (seen.method.as_deref(), seen.url.as_str()),
            (Some(method), url),
            "{words:?}"
        );
        assert_eq!(seen.headers.0, headers, "{words:?}");
    }
}

#[test]
fn who_sends_it_is_said_beside() {
    let seen = line(&[
        "http://a/",
        "--peer",
        "cluster.local/ns/a/sa/b",
        "--claims",
        "{\"sub\": \"c\"}",
        "--from-ip",
        "::1",
        "--port",
        "81",
    ]);
    assert_eq!(
        seen.peer.as_deref(),
        Some("spiffe://cluster.local/ns/a/sa/b")
    );
    assert_eq!(seen.claims, Some(serde_json::json!({"sub": "c"})));
    assert_eq!(
        (seen.from_ip.as_deref(), seen.port),
        (Some("::1"), Some(81))
    );
}
