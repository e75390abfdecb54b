use super::*;

const PROOFS: &[Proof] = &[Proof::success("200"), Proof::error("ValidationException", "missing the key")];

fn error(code: &str, message: &str) -> Answer {
    let reply = Reply::Error { status: 400, code: Some(code.to_owned()), message: Some(message.to_owned()) };
    Answer::new(reply, Some("id".to_owned()))
}

fn success(name: &'static str) -> Answer {
    Answer { reply: Reply::Success(name), ..error("", "") }
}

fn verdict(answer: &Answer) -> (Verdict, Option<Cause>) {
    match judge_as(answer, "dynamodb:PutItem", PROOFS, &["kms:*"]) {
        Judgment::Inconclusive { cause, .. } => (Verdict::Inconclusive, Some(cause)),
        judgment => (judgment.verdict(), None),
    }
}

#[test]
fn every_cause_has_one_row_and_one_name() {
    for (cause, name, _) in CAUSES {
        assert_eq!(CAUSES.iter().filter(|row| row.0 == *cause || row.1 == *name).count(), 1, "{name}");
        assert_eq!(cause.name(), *name);
    }
    assert!(CODES.iter().all(|(cause, _)| !cause.meaning().is_empty()));
}

#[test]
fn allowed_needs_a_proof() {
    assert_eq!(verdict(&success("200")), (Verdict::Allowed, None));
    assert_eq!(verdict(&success("204")), (Verdict::Inconclusive, Some(Cause::Unrecognized)));
    let proof = error("ValidationException", "One or more parameter values were invalid: Missing the key id");
    assert_eq!(verdict(&proof), (Verdict::Allowed, None));
    let structural = error("ValidationException", "1 validation error detected: Value '' failed");
    assert_eq!(verdict(&structural), (Verdict::Inconclusive, Some(Cause::RequestRefused)));
    assert_eq!(verdict(&error("SomethingNew", "Missing the key")), (Verdict::Inconclusive, Some(Cause::Unrecognized)));
}

#[test]
fn denied_needs_the_sentence_to_name_the_action() {
    let sentence = "User: arn:aws:iam::1:user/u is not authorized to perform: dynamodb:putitem";
    for code in ["AccessDenied", "AccessDeniedException"] {
        assert_eq!(verdict(&error(code, sentence)), (Verdict::Denied, None), "{code}");
    }
    assert_eq!(verdict(&error("UnauthorizedOperation", sentence)).0, Verdict::Inconclusive);
    let other = "User: u is not authorized to perform: dynamodb:PutItemX on resource: *";
    assert_eq!(
        verdict(&error("AccessDeniedException", other)),
        (Verdict::Inconclusive, Some(Cause::OtherActionDenied))
    );
    for cut in [
        "User: u is not authorized to perform: dynamodb:Put",
        "User: u is not authorized to perform: dynamodb:Put…",
        "User: u is not authorized to perform: dynamodb:DeleteI...",
        "User: u is not authorized to perform: kms:Decr",
    ] {
        let judged = judge_as(&error("AccessDeniedException", cut), "dynamodb:PutItem", PROOFS, &["kms:*"]).verdict();
        assert_eq!(judged, Verdict::Inconclusive, "{cut}");
        let expected = (Verdict::Inconclusive, Some(Cause::Unrecognized));
        assert_eq!(verdict(&error("AccessDeniedException", cut)), expected, "{cut}");
    }
    // What goes on, or names a resource, was not cut off.
    for whole in [
        "User: u is not authorized to perform: dynamodb:Put with an explicit deny",
        "User: u is not authorized to perform: dynamodb:Put on resource: arn:x:dynamodb:Put",
        "User: u is not authorized to perform: dynamodb:PutItemAndMore",
        "User: u is not authorized to perform: s3:Put",
    ] {
        let expected = (Verdict::Inconclusive, Some(Cause::OtherActionDenied));
        assert_eq!(verdict(&error("AccessDeniedException", whole)), expected, "{whole}");
    }
    let behind = error("AccessDeniedException", "User: u is not authorized to perform: kms:Decrypt.");
    let judgment = judge_as(&behind, "dynamodb:PutItem", PROOFS, &["kms:*"]);
    assert!(
        matches!(&judgment, Judgment::Allowed { proven: Proven::Dependent(d), .. } if d.action == "kms:Decrypt"),
        "{judgment:?}"
    );
}

#[test]
fn a_bare_denial_means_what_the_request_makes_of_it() {
    for (means, expected) in [
        (Means::Nothing, (Verdict::Inconclusive, Some(Cause::Unrecognized))),
        (
            Means::ThisOrAnother(&["s3:PutObject", "kms:GenerateDataKey"]),
            (Verdict::Inconclusive, Some(Cause::Ambiguous)),
        ),
        (Means::ThisAction, (Verdict::Denied, None)),
        (Means::Dependent("kms:Decrypt"), (Verdict::Allowed, None)),
    ] {
        assert_eq!(verdict(&error("AccessDenied", "Access Denied").unexplained(means)), expected);
        assert_eq!(verdict(&error("AccessDenied", "Access Denied.").unexplained(means)), expected);
    }
    for message in [
        "There were headers present in the request which were not signed",
        "Request has expired",
        "Invalid according to Policy: Policy Condition failed",
        "",
    ] {
        let answer = error("AccessDenied", message).unexplained(Means::ThisAction);
        assert_eq!(verdict(&answer), (Verdict::Inconclusive, Some(Cause::Unrecognized)), "{message}");
    }
}

#[test]
fn an_answer_without_a_request_id_proves_nothing() {
    let sentence = "User: u is not authorized to perform: dynamodb:PutItem";
    for answer in [success("200"), error("AccessDenied", sentence), error("ValidationException", "Missing the key")] {
        let answer = Answer { request_id: None, ..answer };
        assert_eq!(verdict(&answer), (Verdict::Inconclusive, Some(Cause::NotFromAws)));
    }
}

#[test]
fn every_other_answer_has_its_cause() {
    for (code, message, cause) in [
        ("ThrottlingException", "Rate exceeded", Cause::Throttled),
        ("ExpiredTokenException", "The security token included in the request is expired", Cause::Credentials),
        ("InvalidSignatureException", "The request signature we calculated does not match", Cause::Credentials),
        ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier", Cause::ClockSkew),
        ("RequestTimeTooSkewed", "The difference is too large", Cause::ClockSkew),
        ("PermanentRedirect", "The bucket you are attempting to access", Cause::WrongRegion),
        ("InvalidSignatureException", "Signature not yet current: 20260101T000000Z is still later", Cause::ClockSkew),
        ("ValidationException", "Cannot create already existing endpoint", Cause::Leftover),
        ("ValidationException", "KMS key disabled error: the key is disabled", Cause::KmsKey),
        ("ValidationException", "KMS validation error: the key is gone", Cause::KmsKey),
        ("ValidationException", "You are not subscribed to the marketplace offering", Cause::AccountNotReady),
        ("AccessDenied", "Access Denied because object protected by object lock.", Cause::Setting),
        ("AccessDeniedException", "Cross-account pass role is not allowed.", Cause::OtherAccount),
        (
            "ValidationException",
            "Value at 'x' failed to satisfy constraint: cannot create already existing",
            Cause::RequestRefused,
        ),
        ("ValidationException", "2 validation errors detected: …", Cause::RequestRefused),
        ("NoSuchBucket", "The specified bucket does not exist", Cause::ResourceMissing),
        ("KMS.DisabledException", "arn:aws:kms:… is disabled.", Cause::KmsKey),
        ("OptInRequired", "", Cause::AccountNotReady),
        ("InternalServerError", "", Cause::ServiceFault),
        ("Teapot", "I am one", Cause::Unrecognized),
    ] {
        assert_eq!(verdict(&error(code, message)), (Verdict::Inconclusive, Some(cause)), "{code}");
    }
    for (cause, codes) in CODES {
        for code in *codes {
            assert_eq!(verdict(&error(code, "")), (Verdict::Inconclusive, Some(*cause)), "{code}");
        }
    }
    for (why, cause) in [
        (NoAnswer::Unreadable, Cause::Unrecognized),
        (NoAnswer::NotFromAws, Cause::NotFromAws),
        (NoAnswer::NotSent, Cause::NotSent),
        (NoAnswer::NotConfigured, Cause::NotConfigured),
        (NoAnswer::AccountUnknown, Cause::NotConfigured),
        (NoAnswer::OtherAccount, Cause::OtherAccount),
        (NoAnswer::TimedOut, Cause::TimedOut),
        (NoAnswer::Network, Cause::Network),
        (NoAnswer::Credentials, Cause::Credentials),
        (NoAnswer::ProbePanicked, Cause::ProbeBroken),
        (NoAnswer::NotAssumed, Cause::NotAssumed),
    ] {
        assert_eq!(verdict(&Answer::none(why, "")), (Verdict::Inconclusive, Some(cause)));
    }
}

#[test]
fn the_status_decides_only_whose_fault_an_unknown_answer_is() {
    for (status, cause) in [
        (200, Cause::Unrecognized),
        (400, Cause::Unrecognized),
        (403, Cause::Unrecognized),
        (499, Cause::Unrecognized),
        (500, Cause::ServiceFault),
        (503, Cause::ServiceFault),
    ] {
        for code in [None, Some("Teapot".to_owned())] {
            let reply = Reply::Error { status, code, message: Some("Forbidden".to_owned()) };
            let answer = Answer { reply, ..error("", "") };
            assert_eq!(verdict(&answer), (Verdict::Inconclusive, Some(cause)), "{status}");
        }
    }
}

#[test]
fn a_denial_of_a_key_in_kmss_words_of_old_points_at_what_the_request_does_with_it() {
    let message = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you \
                   are not allowed to access.";
    let answer = error("AccessDenied", message).unexplained(Means::ThisAction);
    for (action, expected) in [("s3:PutObject", "kms:GenerateDataKey"), ("s3:GetObject", "kms:Decrypt")] {
        let judgment = judge_as(&answer, action, PROOFS, &[]);
        let Judgment::Inconclusive { cause: Cause::Ambiguous, candidates, .. } = judgment else { panic!() };
        assert_eq!(candidates, [expected]);
    }
}

#[test]
fn a_denial_says_which_page_tells_of_it() {
    let source = |answer: &Answer, action: &str| match judge_as(answer, action, PROOFS, &[]) {
        Judgment::Denied { source, denial } => (source, denial.is_some()),
        other => panic!("{other:?}"),
    };
    let bare = error("AccessDenied", "Access Denied").unexplained(Means::ThisAction);
    assert_eq!(
        source(&bare, "s3:GetObject"),
        ("S3 User Guide, \"Troubleshoot access denied (403 Forbidden) errors\"", false)
    );
    assert_eq!(source(&bare, "sts:AssumeRole"), ("STS API Reference, Common Errors: AccessDenied", false));
    let stated = error("AccessDenied", "User: u is not authorized to perform: s3:GetObject");
    assert_eq!(
        source(&stated, "s3:GetObject"),
        ("IAM User Guide, \"Troubleshoot access denied error messages\"", true)
    );
}

#[test]
fn what_is_missing_is_a_warning_where_it_is_named_and_a_proofs_own_warning_comes_first() {
    const MISSING: &[Proof] = &[
        Proof::error("NoSuchKey", "").missing(),
        Proof::error("Trust", "").missing().warn(Warning::RoleTrust),
        Proof::success("200"),
    ];
    let warning = |answer: &Answer| match judge_as(answer, "s3:GetObject", MISSING, &[]) {
        Judgment::Allowed { warning, .. } => warning,
        other => panic!("{other:?}"),
    };
    assert_eq!(warning(&error("NoSuchKey", "")), None);
    assert_eq!(warning(&error("NoSuchKey", "").configured()), Some(Warning::ResourceMissing));
    assert_eq!(warning(&error("Trust", "").configured()), Some(Warning::RoleTrust));
    assert_eq!(warning(&success("200").configured()), None);
}
