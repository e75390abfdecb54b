use super::*;

const TEMPLATE: &str = r#"
Parameters:
  BucketName: {Type: String}
  TableName: {Type: String, Default: ModelMetadata}
  Stage: {Type: String, Default: dev}
Conditions:
  IsProduction: !Equals [!Ref Stage, prod]
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: {TableName: !Ref TableName}
  Made:
    Type: AWS::S3::Bucket
  Role:
    Type: AWS::IAM::Role
    Properties:
      ManagedPolicyArns: [!Sub "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: [s3:GetObject]
                Resource: !Sub arn:${AWS::Partition}:s3:::${BucketName}/*
              - Effect: Allow
                Action: dynamodb:GetItem
                Resource: [!GetAtt Table.Arn, !Join ["", [!GetAtt Table.Arn, "/index/*"]]]
              - !If [IsProduction, {Effect: Allow, Action: "s3:PutObject", Resource: "arn:aws:s3:::prod/*"}, !Ref "AWS::NoValue"]
  More:
    Type: AWS::IAM::Policy
    Condition: IsProduction
    Properties:
      Roles: [!Ref Role]
      PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "sqs:SendMessage", Resource: "*"}]}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Policies:
        - Statement: [{Effect: Allow, Action: "s3:ListBucket", Resource: !GetAtt Made.Arn}]
"#;

fn read(role: &str, parameters: &[&str]) -> Result<Value, Vec<String>> {
    let parameters: Vec<_> = parameters.iter().map(|it| (*it).to_owned()).collect();
    let shown = |problems: Vec<Problem>| problems.iter().map(|problem| problem.describe().raw().to_owned()).collect();
    let given = Given { file: Path::new("t.yaml"), parameters: &parameters, region: Some("us-east-1".to_owned()) };
    policies(TEMPLATE, role, &given).map(|text| serde_json::from_str(&text).unwrap()).map_err(shown)
}

#[test]
fn the_policies_of_a_role_have_the_names_that_cloudformation_would_put_in() {
    let read = read("Role", &["BucketName=b"]).unwrap();
    let policies = read["policy"].as_array().unwrap();
    let statements = &policies[0]["Statement"];
    assert_eq!(statements[0]["Resource"], "arn:aws:s3:::b/*");
    assert_eq!(statements[1]["Resource"][0], "arn:aws:dynamodb:us-east-1:*:table/ModelMetadata");
    assert_eq!(statements[1]["Resource"][1], "arn:aws:dynamodb:us-east-1:*:table/ModelMetadata/index/*");
    assert_eq!(statements.as_array().unwrap().len(), 2, "the third is for production: {statements}");
    assert_eq!(policies[1]["Statement"][0]["Action"][0], "logs:CreateLogGroup");
    assert_eq!(policies.len(), 2);
}

#[test]
fn a_condition_that_holds_brings_its_statements_and_its_policies() {
    let read = read("Role", &["BucketName=b", "Stage=prod"]).unwrap();
    assert_eq!(read["policy"][0]["Statement"][2]["Action"], "s3:PutObject");
    assert_eq!(read["policy"][2]["Statement"][0]["Action"], "sqs:SendMessage");
}

#[test]
fn what_is_missing_is_named_with_the_option_that_gives_it() {
    let problems = read("Role", &[]).unwrap_err();
    assert!(problems[0].contains("--parameter BucketName=…"), "{problems:?}");
    let problems = read("Function", &[]).unwrap_err();
    assert!(problems[0].contains("--parameter Made=…"), "{problems:?}");
    let function = read("Function", &["Made=the-bucket"]).unwrap();
    assert_eq!(function["policy"][0]["Statement"][0]["Resource"], "arn:aws:s3:::the-bucket");
    let problems = read("NoSuchRole", &["x", "Unknown=1"]).unwrap_err();
    assert!(problems.len() == 3 && problems[2].contains("Function, Role"), "{problems:?}");
}

#[test]
fn what_is_no_template_says_why() {
    for (text, said) in [
        ("", "empty"),
        ("a: [", "--template"),
        ("a: 1", "Resources"),
        ("Resources: {R: {Type: AWS::SQS::Queue}}", "AWS::SQS::Queue"),
    ] {
        let given = Given { file: Path::new("t.yaml"), parameters: &[], region: None };
        let problems = policies(text, "R", &given).unwrap_err();
        let shown = problems[0].describe();
        assert!(shown.raw().contains(said), "{text}: {}", shown.raw());
    }
}

#[test]
fn what_refers_to_itself_ends_and_is_a_problem() {
    let chained: Vec<String> =
        (0..40).map(|i| format!("  C{i}: !Or [!Condition C{}, !Condition C{}]", i + 1, i + 1)).collect();
    let chained = chained.join("\n");
    let texts = [
        "Conditions: {B: !Or [!Condition B, !Condition B]}\nResources: {R: {Type: AWS::IAM::Role, Properties: {Policies: !If [B, [], []]}}}".to_owned(),
        format!("Conditions:\n{chained}\n  C40: !Equals [a, b]\nResources: {{R: {{Type: AWS::IAM::Role, Properties: {{Policies: !If [C0, [], []]}}}}}}"),
    ];
    for text in texts {
        let given = Given { file: Path::new("t.yaml"), parameters: &[], region: None };
        let problems = policies(&text, "R", &given).unwrap_err();
        assert!(problems[0].describe().raw().contains("without an end"), "{problems:?}");
    }
}

#[test]
fn nothing_of_a_role_is_lost() {
    let of = |properties: &str| {
        let text = format!(
            "Resources:\n  M: {{Type: AWS::IAM::ManagedPolicy, Properties: {{Roles: [the-role], PolicyDocument: {{Version: v, Statement: []}}}}}}\n  R: {{Type: AWS::IAM::Role, Properties: {properties}}}"
        );
        let given = Given { file: Path::new("t.yaml"), parameters: &[], region: Some("us-east-1".to_owned()) };
        policies(&text, "R", &given).map_err(|problems| problems[0].describe().raw().to_owned())
    };
    let statement = "{PolicyName: p, PolicyDocument: {Version: v, Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: !Sub 'arn:aws:s3:::data-${AWS::AccountId}/*'}]}}";
    assert!(of(&format!("{{Policies: [{statement}]}}")).unwrap_err().contains("AWS::AccountId"));
    assert!(of("{RoleName: the-role}").unwrap().contains("\"Statement\":[]"), "a policy names the role by its name");
    assert!(of("{ManagedPolicyArns: [!Ref M]}").is_ok());
    assert!(of("{Policies: [{PolicyName: p, PolicyFile: {}}]}").unwrap_err().contains("without PolicyDocument"));
    assert!(
        of("{ManagedPolicyArns: ['arn:aws:iam::123456789012:policy/AcmeAWSLambdaBasicExecutionRole']}")
            .unwrap_err()
            .contains("--policy")
    );
}
