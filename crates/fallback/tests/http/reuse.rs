//! Which requests an answer is for, and for how long.

use super::*;

/// RFC 9111, 4.1.
#[tokio::test(start_paused = true)]
async fn answer_has_the_values_that_vary_names() {
    let mut client = client(CacheRules::new());
    let vary = [("vary", "accept-language, Accept")];
    let (en, de) = (("accept-language", "en"), ("accept-language", "de"));
    client.has_got("/", &[en], &vary, "tea").await;
    client.has_got("/", &[de], &vary, "Tee").await;
    client.has_got("/", &[], &vary, "?").await;
    for (fields, expected) in [
        (&[en] as Fields<'_>, Some("tea")),
        (&[de], Some("Tee")),
        (&[], Some("?")),
        (&[("accept-language", "")], None),
        (&[("accept-language", "fr")], None),
        (&[en, ("accept", "text/html")], None),
        (&[en, ("x-other", "1")], Some("tea")),
    ] {
        assert_eq!(client.answer("/", fields).await.as_deref(), expected, "{fields:?}");
    }
    client.has_got("/", &[en], &[("vary", "*")], "any").await;
    assert_eq!(client.answer("/", &[en]).await.as_deref(), Some("tea"));
    // Without `Vary`, it is for all.
    client.has_got("/", &[en], &[], "all").await;
    assert_eq!(client.answer("/", &[de]).await.as_deref(), Some("all"));
}

#[tokio::test(start_paused = true)]
async fn members_of_a_field_are_compared_without_their_spaces() {
    let mut client = client(CacheRules::new());
    client.has_got("/", &[("accept", "text/html, text/*")], &[("vary", "accept")], "html").await;
    let lines = [("accept", "text/html"), ("accept", " text/*")];
    assert!(client.answer("/", &lines).await.is_some());
    assert!(client.answer("/", &[("accept", "text/html,text/*")]).await.is_some());
    assert!(client.answer("/", &[("accept", "text/*,text/html")]).await.is_none());
}

/// RFC 9111, 4.4: the unsafe request removes what is kept for all, and for its caller.
#[tokio::test(start_paused = true)]
async fn good_response_to_an_unsafe_method_removes_the_answers() {
    let rules =
        CacheRules::new().with_caller(|request| Some(request.headers().get("x-who")?.to_str().ok()?.to_owned()));
    let ann = ("x-who", "ann");
    for (method, status, is_kept) in [
        ("POST", 201, false),
        ("DELETE", 204, false),
        ("PURGE", 200, false),
        ("PUT", 409, true),
        ("OPTIONS", 200, true),
    ] {
        let mut client = client(rules.clone());
        client.has_got("/cart", &[], &[("vary", "accept")], "of all").await;
        client.has_got("/cart", &[ann], &[], "of ann").await;
        client.has_got("/tea", &[], &[], "9.95").await;
        client.1.then(status, &[], "");
        client.send(method, "/cart", &[ann]).await.unwrap();
        assert_eq!(client.answer("/cart", &[]).await.is_some(), is_kept, "{method}");
        assert_eq!(client.answer("/cart", &[ann]).await.is_some(), is_kept, "{method}");
        assert!(client.answer("/tea", &[]).await.is_some());
    }
}

/// Answers with other values of the varying fields stay removed when one of them is kept again.
#[tokio::test(start_paused = true)]
async fn removed_variants_do_not_come_back() {
    let mut client = client(CacheRules::new());
    let vary = [("vary", "accept")];
    let (a, b) = (("accept", "a"), ("accept", "b"));
    client.has_got("/", &[a], &vary, "a").await;
    client.has_got("/", &[b], &vary, "b").await;
    client.1.then(200, &[], "");
    client.send("POST", "/", &[]).await.unwrap();
    client.has_got("/", &[a], &vary, "a2").await;
    assert_eq!(client.answer("/", &[a]).await.as_deref(), Some("a2"));
    assert_eq!(client.answer("/", &[b]).await, None);
}

/// A response that must not be kept shows that the earlier one is not wanted either.
#[tokio::test(start_paused = true)]
async fn response_with_no_store_removes_the_answer_before_it() {
    let mut client = client(CacheRules::new());
    client.has_got("/", &[], &[], "old").await;
    client.has_got("/", &[], &[("cache-control", "no-store")], "secret").await;
    assert_eq!(client.answer("/", &[]).await, None);
}

/// RFC 9111, 4.2.4; RFC 5861, 4: the seconds for which an answer may be used.
#[tokio::test(start_paused = true)]
async fn stale_answer_is_used_as_far_as_the_response_allows() {
    let cases: [(Fields<'_>, u64); 11] = [
        (&[], 300),
        (&[("cache-control", "max-age=10")], 300),
        (&[("cache-control", "max-age=10, must-revalidate")], 10),
        (&[("cache-control", "max-age=10, proxy-revalidate")], 10),
        (&[("cache-control", "s-maxage=20, max-age=10")], 20),
        (&[("cache-control", "max-age=10, stale-if-error=20")], 30),
        (&[("cache-control", "max-age=10, stale-if-error=86400")], 300),
        (&[("cache-control", "max-age=10, stale-if-error=0")], 10),
        (&[("cache-control", "max-age=10, stale-if-error=20"), ("age", "12")], 18),
        (&[("cache-control", "stale-if-error=20")], 20),
        (
            &[
                ("cache-control", "must-revalidate"),
                ("date", "Tue, 15 Nov 1994 08:12:31 GMT"),
                ("expires", "Tue, 15 Nov 1994 08:13:31 GMT"),
            ],
            60,
        ),
    ];
    for (fields, seconds) in cases {
        let mut client = client(CacheRules::new());
        client.has_got("/", &[], fields, "old").await;
        pass(SECOND * u32::try_from(seconds).unwrap() - SECOND).await;
        assert!(client.answer("/", &[]).await.is_some(), "{fields:?}");
        pass(SECOND).await;
        assert_eq!(client.answer("/", &[]).await, None, "{fields:?}");
    }
}

/// RFC 9111, 5.2.1 and 5.4; RFC 5861, 4; RFC 9110, 13 and 14: an answer of age 20, fresh for 15 s.
#[tokio::test(start_paused = true)]
async fn request_limits_its_answer() {
    let cases: [(Fields<'_>, bool); 20] = [
        (&[("cache-control", "no-cache")], false),
        (&[("pragma", "no-cache")], false),
        (&[("pragma", "no-cache"), ("cache-control", "max-stale")], true),
        (&[("cache-control", "no-store")], true),
        (&[("cache-control", "max-age=19")], false),
        (&[("cache-control", "max-age=30")], false),
        (&[("cache-control", "max-age=30, max-stale=5")], true),
        (&[("cache-control", "max-age=0")], false),
        (&[("cache-control", "max-stale=4")], false),
        (&[("cache-control", "max-stale=\"5\"")], true),
        (&[("cache-control", "min-fresh=1")], false),
        (&[("cache-control", "stale-if-error=4")], false),
        (&[("cache-control", "stale-if-error=5")], true),
        (&[("if-none-match", "\"1\"")], true),
        (&[("if-modified-since", "Tue, 15 Nov 1994 08:12:31 GMT")], true),
        (&[("if-match", "\"1\"")], false),
        (&[("range", "bytes=0-1")], false),
        (&[("if-range", "\"1\"")], false),
        (&[("upgrade", "websocket"), ("connection", "upgrade")], false),
        (&[("content-length", "3")], false),
    ];
    let mut client = client(CacheRules::new());
    client.has_got("/", &[], &[("cache-control", "max-age=15")], "old").await;
    pass(20 * SECOND).await;
    for (fields, is_answered) in cases {
        assert_eq!(client.answer("/", fields).await.is_some(), is_answered, "{fields:?}");
    }
}

/// RFC 9111, 4: `GET` answers `HEAD`, without its content.
#[tokio::test(start_paused = true)]
async fn head_is_answered_from_get() {
    let mut client = client(CacheRules::new());
    client.has_got("/", &[], &[("content-length", "4")], "9.95").await;
    let answer = client.send("HEAD", "/", &[]).await.unwrap();
    assert_eq!((answer.body().as_str(), &answer.headers()["content-length"]), ("", &HeaderValue::from(4)));
    client.1.then(200, &[("content-length", "4")], "");
    client.send("HEAD", "/other", &[]).await.unwrap();
    assert_eq!(client.answer("/other", &[]).await, None);
}

/// The search of some servers is a `GET` with a body, on which the response depends.
#[tokio::test(start_paused = true)]
async fn get_with_a_body_is_neither_kept_nor_answered() {
    let mut client = client(CacheRules::new());
    let search = |body: &str| Request::get("/search").body(body.to_owned()).unwrap();
    client.1.then(200, &[], "tea");
    client.0.ready().await.unwrap().call(search("t")).await.unwrap();
    assert!(client.0.ready().await.unwrap().call(search("s")).await.is_err());
    assert_eq!(client.answer("/search", &[]).await, None);
}
