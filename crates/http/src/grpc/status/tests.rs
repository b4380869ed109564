use mainstay_core::Class;
use proptest::prelude::*;

use super::*;

fn head(fields: &[(HeaderName, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn outcome(fields: &[(HeaderName, &str)]) -> Outcome {
    classify_grpc_head(StatusCode::OK, &head(fields))
}

#[test]
fn each_code_has_its_class() {
    for code in 0..=255 {
        let class = match code {
            0 => Class::Success,
            2 | 4 | 10 | 13 | 14 | 15 => Class::Failure,
            8 => Class::Overloaded,
            _ => Class::Ignored,
        };
        assert_eq!(GrpcCode(code).classify().class(), class, "{code}");
    }
}

#[test]
fn status_in_the_head_decides() {
    let http_status_ignored = classify_grpc_head(StatusCode::BAD_GATEWAY, &head(&[(GRPC_STATUS, "5")]));
    assert_eq!(http_status_ignored, Outcome::ignored());
    assert_eq!(outcome(&[(GRPC_STATUS, "0")]), Outcome::Success);
    assert_eq!(outcome(&[(GRPC_STATUS, "14")]), Outcome::failure(FailureKind::Unavailable));
    for unknown in ["", "17", "-1", "+14", "256", "x", "014x"] {
        assert_eq!(outcome(&[(GRPC_STATUS, unknown)]), Outcome::failure(FailureKind::Unknown), "{unknown}");
    }
}

#[test]
fn pushback_sets_the_wait_and_keeps_the_class() {
    let with = |pushback| outcome(&[(GRPC_STATUS, "14"), (GRPC_RETRY_PUSHBACK, pushback)]);
    let after = |ms| Outcome::failure(FailureKind::Unavailable).with_repeat(Repeat::After(Duration::from_millis(ms)));
    assert_eq!(with("250"), after(250));
    assert_eq!(with("0"), after(0));
    assert_eq!(with("99999999999999999999").repeat(), Repeat::After(LONGEST));
    let overloaded = outcome(&[(GRPC_STATUS, "8"), (GRPC_RETRY_PUSHBACK, "250")]);
    assert_eq!(overloaded, Outcome::rate_limited(Some(Duration::from_millis(250))));
    let not_found = outcome(&[(GRPC_STATUS, "5"), (GRPC_RETRY_PUSHBACK, "250")]);
    assert_eq!(not_found, Outcome::ignored(), "pushback repeats no code that is not repeated");
}

#[test]
fn negative_or_unreadable_pushback_forbids_retries() {
    for stop in ["-1", "-9999999999999999999999", "", "soon", "1.5", "+1", " 1"] {
        let outcome = outcome(&[(GRPC_STATUS, "14"), (GRPC_RETRY_PUSHBACK, stop)]);
        assert_eq!(outcome, Outcome::failure(FailureKind::Unavailable).with_repeat(Repeat::Never), "{stop}");
    }
    let twice = [(GRPC_STATUS, "14"), (GRPC_RETRY_PUSHBACK, "1"), (GRPC_RETRY_PUSHBACK, "2")];
    assert_eq!(outcome(&twice).repeat(), Repeat::Never);
}

#[test]
fn response_without_grpc_status_is_mapped_by_http_status() {
    let class = |status| classify_grpc_head(StatusCode::from_u16(status).unwrap(), &HeaderMap::new()).class();
    assert_eq!(class(200), Class::Success);
    for failure in [204, 302, 500, 502, 504] {
        assert_eq!(class(failure), Class::Failure, "{failure}");
    }
    for ignored in [400, 401, 403, 404, 408, 413, 418, 425] {
        assert_eq!(class(ignored), Class::Ignored, "{ignored}");
    }
    let busy = classify_grpc_head(StatusCode::SERVICE_UNAVAILABLE, &head(&[(http::header::RETRY_AFTER, "2")]));
    assert_eq!(busy, Outcome::overloaded(Some(Duration::from_secs(2))));
    assert_eq!(outcome(&[(CONTENT_TYPE, "text/html")]).class(), Class::Failure);
    assert_eq!(outcome(&[(CONTENT_TYPE, "application/grpc+proto")]).class(), Class::Success);
}

proptest! {
    #[test]
    fn any_header_bytes_classify_without_panic(status: Vec<u8>, pushback: Vec<u8>) {
        let mut headers = HeaderMap::new();
        for (name, bytes) in [(GRPC_STATUS, status), (GRPC_RETRY_PUSHBACK, pushback)] {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                headers.insert(name, value);
            }
        }
        if let Repeat::After(wait) = classify_grpc_head(StatusCode::OK, &headers).repeat() {
            prop_assert!(wait <= LONGEST);
        }
    }
}
