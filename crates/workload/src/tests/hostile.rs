//! Clients, and services, that mean no good. After each a good request is answered.

use proptest::prelude::*;

use super::*;

async fn is_well(address: SocketAddr) {
    assert_eq!(asked(address, "/").await.0, 200);
}

#[tokio::test]
async fn bytes_that_are_no_request() {
    let (_served, address) = start(Workload::named("a"));
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(4 << 20));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: a\r\n".repeat(5_000));
    let cases: [&[u8]; 7] = [
        b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nx:\0\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        long.as_bytes(),
        many.as_bytes(),
    ];
    for case in cases {
        let answer = raw(address, case).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused, "{answer}");
        is_well(address).await;
    }
}

#[tokio::test]
async fn headers_that_are_no_text_or_long() {
    let (_served, address) = start(Workload::named("a"));
    let mut request = b"GET / HTTP/1.1\r\nconnection: close\r\nx-a: \xff\xfe\r\nx-b: ".to_vec();
    request.extend("b".repeat(64 << 10).bytes());
    request.extend(b"\r\nx-called-by: \xff\r\nx-forwarded-client-cert: \"\r\n\r\n");
    let answer = raw(address, &request).await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let answer: Value = serde_json::from_str(body).unwrap();
    assert_eq!(answer["headers"]["x-a"], "\u{fffd}\u{fffd}");
    assert_eq!(answer["headers"]["x-b"].as_str().unwrap().len(), 64 << 10);
    is_well(address).await;
}

#[tokio::test]
async fn bodies_that_are_long_or_slow() {
    let (_served, address) = start_within(Limits {
        body: Duration::from_millis(100),
        body_bytes: 1_000,
        ..Limits::default()
    });
    let post = |length| format!("POST / HTTP/1.1\r\ncontent-length: {length}\r\n\r\n");
    let answer = raw(address, (post(1_001) + &"a".repeat(1_001)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // And it never comes.
    let answer = raw(address, post(10).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    is_well(address).await;
}

#[tokio::test]
async fn heads_that_never_end() {
    let (_served, address) = start_within(Limits {
        head: Duration::from_millis(100),
        connections: 4,
        ..Limits::default()
    });
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nx-a: ").await.unwrap();
        slow.push(stream);
    }
    // They are let go in turn, so there is room.
    is_well(address).await;
}

#[tokio::test]
async fn services_that_answer_with_too_much_or_nonsense() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let endless = "a".repeat(300 << 10);
    let long = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{endless}",
        endless.len()
    );
    let answers = [
        long,
        "nonsense\r\n\r\n".to_owned(),
        String::new(),
        "HTTP/1.1 503 No\r\ncontent-length: 19\r\n\r\nno healthy upstream".to_owned(),
    ];
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1024];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let (_served, address) = start(Workload {
        calls: vec![call("b", at); 4],
        ..Workload::named("a")
    });
    let (status, answer) = asked(address, "/").await;
    assert_eq!(status, 200);
    let called = answer["called"].as_array().unwrap();
    let problem = called[0]["problem"].as_str().unwrap();
    assert!(problem.contains("longer than"), "{problem}");
    assert!(called[1]["problem"].is_string(), "{}", called[1]);
    assert!(called[2]["problem"].is_string(), "{}", called[2]);
    assert_eq!(called[3]["text"], "no healthy upstream");
}

#[tokio::test]
async fn calls_that_cannot_be_written() {
    let at = "127.0.0.1:1".parse().unwrap();
    let odd = |service: &str, path: &str| Call {
        service: service.to_owned(),
        path: path.to_owned(),
        address: at,
    };
    let (_served, address) = start(Workload {
        calls: vec![odd("a\nb", "/"), odd("a", "/ /")],
        ..Workload::named("a")
    });
    let (_, answer) = asked(address, "/").await;
    for called in answer["called"].as_array().unwrap() {
        assert!(called["problem"].is_string(), "{called}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_leave_it_well(bytes in proptest::collection::vec(any::<u8>(), 0..200), begins in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_served, address) = start(Workload::named("a"));
            let mut stream = TcpStream::connect(address).await.unwrap();
            if begins {
                stream.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
            }
            let _ = stream.write_all(&bytes).await;
            is_well(address).await;
        });
    }
}
