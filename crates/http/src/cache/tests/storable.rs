//! Which responses are kept, and for which callers.

use super::*;

const SHARED: Result<Scope, NotKept> = Ok(Scope::Shared);
const CALLER: Result<Scope, NotKept> = Ok(Scope::Caller);

const fn not(why: NotKept) -> Result<Scope, NotKept> {
    Err(why)
}

/// Section of RFC 9111, fields of the request, status, fields of the response; for which callers it is kept if no caller is named,
/// and if the caller is.
type Case<'a> = (&'a str, Fields<'a>, u16, Fields<'a>, Result<Scope, NotKept>, Result<Scope, NotKept>);

const NO_CALLER: Result<Scope, NotKept> = not(NotKept::Caller);

fn check(cases: &[Case<'_>]) {
    for (section, request, status, response, unnamed, named) in cases {
        for (is_caller_named, expected) in [(false, unnamed), (true, named)] {
            let status = StatusCode::from_u16(*status).unwrap();
            let storable = Storable::of(&get(request), is_caller_named, status, &headers(response));
            let scope = storable.map(|storable| storable.scope);
            assert_eq!(scope, *expected, "{section}: {request:?} {status} {response:?}, named: {is_caller_named}");
        }
    }
}

#[test]
fn status_says_what_is_kept() {
    let (status, not_stated) = (not(NotKept::Status), not(NotKept::NotStated));
    check(&[
        // Kept by themselves (RFC 9110, 15.1).
        ("3", &[], 200, &[], SHARED, SHARED),
        ("3", &[], 203, &[], SHARED, SHARED),
        ("3", &[], 204, &[], SHARED, SHARED),
        ("3", &[], 300, &[], SHARED, SHARED),
        ("3", &[], 301, &[], SHARED, SHARED),
        ("3", &[], 308, &[], SHARED, SHARED),
        ("3", &[], 404, &[], SHARED, SHARED),
        ("3", &[], 410, &[], SHARED, SHARED),
        // Only with a statement.
        ("3", &[], 302, &[], not_stated, not_stated),
        ("3", &[], 303, &[], not_stated, not_stated),
        ("3", &[], 307, &[], not_stated, not_stated),
        ("3", &[], 302, &[("cache-control", "max-age=0")], SHARED, SHARED),
        ("3", &[], 302, &[("cache-control", "s-maxage=9")], SHARED, SHARED),
        ("3", &[], 302, &[("cache-control", "public")], SHARED, SHARED),
        ("3", &[], 302, &[("expires", "0")], SHARED, SHARED),
        ("3", &[], 302, &[("cache-control", "private")], NO_CALLER, CALLER),
        ("3", &[], 302, &[("cache-control", "must-revalidate")], not_stated, not_stated),
        // Parts and validations (3.3), and what is not understood.
        ("3.3", &[], 206, &[("cache-control", "public")], status, status),
        ("4.3.3", &[], 304, &[("cache-control", "public")], status, status),
        ("3", &[], 101, &[], status, status),
        ("3", &[], 201, &[("cache-control", "public")], status, status),
        ("3", &[], 202, &[("cache-control", "public")], status, status),
        ("3", &[], 207, &[("cache-control", "public")], status, status),
        ("3", &[], 299, &[("cache-control", "public")], status, status),
    ]);
}

#[test]
fn directives_say_what_is_kept() {
    let (forbidden, stale) = (not(NotKept::Forbidden), not(NotKept::Stale));
    let no_store = not(NotKept::RequestNoStore);
    check(&[
        ("5.2.1.5", &[("cache-control", "no-store")], 200, &[("cache-control", "public")], no_store, no_store),
        ("5.2.1.4", &[("cache-control", "no-cache")], 200, &[], SHARED, SHARED),
        ("5.2.2.5", &[], 200, &[("cache-control", "no-store")], forbidden, forbidden),
        ("5.2.2.5", &[], 200, &[("cache-control", "public, No-Store")], forbidden, forbidden),
        ("5.2.2.5", &[], 200, &[("cache-control", "max-age=9"), ("cache-control", "no-store")], forbidden, forbidden),
        ("5.2.2.4", &[], 200, &[("cache-control", "no-cache")], forbidden, forbidden),
        ("5.2.2.4", &[], 200, &[("cache-control", "no-cache=\"x-a\", max-age=9")], forbidden, forbidden),
        ("5.4", &[], 200, &[("pragma", "no-cache")], forbidden, forbidden),
        ("5.4", &[], 200, &[("pragma", "no-cache"), ("cache-control", "max-age=9")], SHARED, SHARED),
        ("5.2.2.7", &[], 200, &[("cache-control", "private")], NO_CALLER, CALLER),
        ("5.2.2.7", &[], 200, &[("cache-control", "private=\"set-cookie, x-a\", max-age=9")], NO_CALLER, CALLER),
        ("5.2.2.7", &[], 200, &[("cache-control", "public, private")], NO_CALLER, CALLER),
        ("5.2.2.7", &[], 200, &[("cache-control", "private, s-maxage=9")], NO_CALLER, CALLER),
        // `must-understand` takes `no-store` back if the status is understood.
        ("5.2.2.3", &[], 200, &[("cache-control", "must-understand, no-store, max-age=9")], SHARED, SHARED),
        ("5.2.2.3", &[], 201, &[("cache-control", "must-understand, no-store")], forbidden, forbidden),
        ("5.2.2.3", &[], 201, &[("cache-control", "must-understand")], not(NotKept::Status), not(NotKept::Status)),
        ("5.2.2.3", &[], 200, &[("cache-control", "must-understand, no-store, no-cache")], forbidden, forbidden),
        // Only while it is fresh, which it never is.
        ("5.2.2.2", &[], 200, &[("cache-control", "must-revalidate")], stale, stale),
        ("5.2.2.2", &[], 200, &[("cache-control", "max-age=0, must-revalidate")], stale, stale),
        ("5.2.2.2", &[], 200, &[("cache-control", "max-age=9, must-revalidate"), ("age", "9")], stale, stale),
        ("5.2.2.10", &[], 200, &[("cache-control", "s-maxage=0, max-age=9")], stale, stale),
        ("5.2.2.8", &[], 200, &[("cache-control", "proxy-revalidate")], stale, stale),
        ("5.2.2.8", &[], 200, &[("cache-control", "private, proxy-revalidate")], NO_CALLER, CALLER),
        // What is not understood, or not closed.
        ("5.2.3", &[], 200, &[("cache-control", "community=\"no-store, private\"")], SHARED, SHARED),
        ("5.2", &[], 200, &[("cache-control", "community=\"a, public")], forbidden, forbidden),
    ]);
}

#[test]
fn credentials_say_for_which_callers_a_response_is() {
    let auth: Fields<'_> = &[("authorization", "Bearer ann")];
    let cookie: Fields<'_> = &[("cookie", "sid=ann")];
    let set_cookie = ("set-cookie", "sid=ann");
    check(&[
        ("3.5", auth, 200, &[], NO_CALLER, CALLER),
        ("3.5", auth, 200, &[("cache-control", "max-age=9")], NO_CALLER, CALLER),
        ("3.5", auth, 200, &[("cache-control", "public")], SHARED, SHARED),
        ("3.5", auth, 200, &[("cache-control", "s-maxage=9")], SHARED, SHARED),
        ("3.5", auth, 200, &[("cache-control", "max-age=9, must-revalidate")], NO_CALLER, CALLER),
        ("3.5", auth, 200, &[("cache-control", "private, must-revalidate, max-age=9")], NO_CALLER, CALLER),
        // Stricter than the RFC.
        ("3.5", cookie, 200, &[], NO_CALLER, CALLER),
        ("3.5", cookie, 200, &[("cache-control", "public")], SHARED, SHARED),
        ("7.3", &[], 200, &[set_cookie], NO_CALLER, CALLER),
        ("7.3", &[], 200, &[set_cookie, ("cache-control", "public, max-age=9")], NO_CALLER, CALLER),
        // No credentials.
        ("3", &[("user-agent", "x"), ("sec-fetch-user", "?1"), ("accept", "*/*")], 200, &[], SHARED, SHARED),
    ]);
}

#[test]
fn vary_and_content_say_what_is_kept() {
    let (vary, stream) = (not(NotKept::Vary), not(NotKept::Stream));
    check(&[
        ("4.1", &[], 200, &[("vary", "*")], vary, vary),
        ("4.1", &[], 200, &[("vary", "accept"), ("vary", "accept-language, *")], vary, vary),
        ("4.1", &[], 200, &[("vary", "not a name")], vary, vary),
        ("4.1", &[], 200, &[("vary", "accept, Accept-Language")], SHARED, SHARED),
        ("4.1", &[], 200, &[("vary", "")], SHARED, SHARED),
        ("3", &[], 200, &[("content-type", "Text/Event-Stream; charset=utf-8")], stream, stream),
        ("3", &[], 200, &[("content-type", "application/grpc+proto")], stream, stream),
        ("3", &[], 200, &[("content-type", "text/html")], SHARED, SHARED),
    ]);
}
