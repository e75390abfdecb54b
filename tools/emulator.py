"""An emulated AWS account that enforces IAM, made from template.yaml.

It starts moto on a free port of the loopback, deploys the template through
CloudFormation, turns IAM enforcement on, and prints one line of JSON that says
where everything is. It lasts until its standard input is closed, so that it
never outlives whoever started it.

Beside the template's bucket, table, log group, function and role, the account has what a pipeline has, so that there is
something to name in a policy:

    Lambda          PreprocessLambda and InferenceLambda under the template's role, and WrongRoleLambda under another
                    one, with TABLE_NAME, BUCKET_NAME and PIPELINE_REGION in their environment; their code is empty
    IAM             another-role, of WrongRoleLambda; sagemaker-execution-role, which SageMaker can assume, and which may
                    read the bucket ml-artifacts-bucket and pull the image
    Amazon ECR      the image ml-pipeline:latest
    DynamoDB        the table FeatureStore with the index by-date
    Amazon S3       the bucket ml-artifacts-bucket with the object models/model.tar.gz
    others          a key of KMS, the secret and the parameter ml-pipeline, the queue ml-pipeline-queue, the topic
                    ml-pipeline-topic and the rule ml-pipeline-rule

The line of JSON has their ARNs under `resources`. They are put into moto's memory, without a request.

Beside AWS's own API it answers, for tests:

    GET  /test-bed/policies   the policies in effect on the template's role
    POST /test-bed/role       a new role with the given policies and trust, and credentials of it
    POST /test-bed/without    takes one action out of the template's role
    POST /test-bed/paste      puts a policy into the template's role
    GET  /test-bed/state      everything that a probe could have changed
    GET  /test-bed/deployed   what the stack has made, as each service describes it

These paths change policies and hand out credentials, so they want the token of the line of JSON, as a header
`x-test-bed-token`, and answer 403 without it: a page in a browser or another user of the machine does not have it.
moto's own paths, /moto-api/, want it too.
"""

import argparse
import functools
import gc
import hmac
import json
import os
import secrets
import sys
import threading
import uuid
from pathlib import Path

if __name__ == "__main__":
    # What is made while the account starts stays, and looking through it for garbage would take two fifths of that time.
    gc.disable()
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "inf"
# This program is its own client, and must be nobody else's.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

import boto3  # noqa: E402
import moto.core.authorization  # noqa: E402
import moto.settings  # noqa: E402
from moto.awslambda.models import lambda_backends  # noqa: E402
from moto.core.base_backend import AccountSpecificBackend  # noqa: E402
from moto.dynamodb.models import dynamodb_backends  # noqa: E402
from moto.ecr.models import ecr_backends  # noqa: E402
from moto.events.models import events_backends  # noqa: E402
from moto.glue.models import glue_backends  # noqa: E402
from moto.iam.models import iam_backends  # noqa: E402
from moto.kms.models import kms_backends  # noqa: E402
from moto.s3.models import s3_backends  # noqa: E402
from moto.sagemaker.models import sagemaker_backends  # noqa: E402
from moto.secretsmanager.models import secretsmanager_backends  # noqa: E402
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from moto.sns.models import sns_backends  # noqa: E402
from moto.sqs.models import sqs_backends  # noqa: E402
from moto.ssm.models import ssm_backends  # noqa: E402
from moto.sts.models import sts_backends  # noqa: E402
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402
from werkzeug.wrappers import Request, Response  # noqa: E402

from tools import loopback, moto_as_aws, moto_cloudformation, moto_forms  # noqa: E402
from tools.environment import ROOT  # noqa: E402

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "your-bucket-name"
TABLE = "ModelMetadata"
OBJECT = "training/data.csv"
FUNCTION = "permissions-probe"
ROLE = "lambda-ml-pipeline-role"
LOG_GROUP = f"/aws/lambda/{FUNCTION}"
LOG_STREAM = "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef"
STACK = "permissions-probe"
# Beside the template's: what a pipeline has.
SECOND_BUCKET = "ml-artifacts-bucket"
SECOND_TABLE = "FeatureStore"
SECOND_OBJECT = "models/model.tar.gz"
REPOSITORY = "ml-pipeline"
SAGEMAKER_ROLE = "sagemaker-execution-role"
FUNCTIONS = {"PreprocessLambda": ROLE, "InferenceLambda": ROLE, "WrongRoleLambda": "another-role"}
# The paths that are not AWS's, beside which AWS's own check the caller's credentials.
GUARDED = ("/test-bed/", "/moto-api")


class Quiet(WSGIRequestHandler):
    def log(self, *_args) -> None:
        """Requests are not worth a line each."""


class TestBed:
    """moto, and the few questions that tests have for it."""

    def __init__(self, port: int) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.server = make_server("127.0.0.1", port, self, threaded=True, request_handler=Quiet)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        os.environ["MOTO_PORT"] = str(self.server.server_port)
        self.token = secrets.token_urlsafe(32)
        self.admin = ("AKIAIOSFODNN7EXAMPLE", "secret")
        self.deployed: dict = {}

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path.startswith(GUARDED) and not self.knows_token(environ):
            return Response("The header x-test-bed-token is missing or wrong.\n", 403)(environ, start_response)
        if not path.startswith("/test-bed/"):
            return self.moto(environ, start_response)
        request = Request(environ)
        answers = {"policies": self.policies, "role": self.role, "without": self.without, "state": self.state}
        answers |= {"paste": self.paste, "deployed": lambda: self.deployed}
        body = answers[request.path.split("/")[2]](**(request.get_json() if request.method == "POST" else {}))
        return Response(json.dumps(body, default=str), content_type="application/json")(environ, start_response)

    def knows_token(self, environ: dict) -> bool:
        given = environ.get("HTTP_X_TEST_BED_TOKEN", "")
        return hmac.compare_digest(given.encode(), self.token.encode())

    def client(self, service: str):
        key, secret = self.admin
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    def deploy(self, template: Path, overrides: dict) -> None:
        """Runs the SAM transform and CloudFormation on the template, as `sam deploy` does."""
        parameters = {"BucketName": BUCKET, "TableName": TABLE, "CreateBucketAndTable": "true", "ObjectKey": OBJECT}
        parameters |= overrides
        document = yaml_parse(template.read_text())
        # The emulator runs no code, so it needs none; the function's program is
        # started by cargo-lambda or by the Runtime Interface Emulator.
        document["Resources"]["Function"]["Properties"]["CodeUri"] = {"Bucket": "code", "Key": "bootstrap.zip"}
        document = transform(document, parameters, ManagedPolicyLoader(self.client("iam")))
        code = self.client("s3")
        code.create_bucket(Bucket="code")
        code.put_object(Bucket="code", Key="bootstrap.zip", Body=empty_zip())
        stacks = self.client("cloudformation")
        stacks.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(document),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        stack = stacks.describe_stacks(StackName=STACK)["Stacks"][0]
        if stack["StackStatus"] != "CREATE_COMPLETE":
            sys.exit(f"CloudFormation could not deploy {template.name}: {stack}")
        # moto's CloudFormation keeps an inline policy in a form that its IAM cannot read.
        for role in iam_backends[ACCOUNT]["aws"].roles.values():
            for name, policy in role.policies.items():
                role.policies[name] = policy if isinstance(policy, str) else json.dumps(policy)
        # Now, since moto does not accept the signatures of some of these services once it checks them.
        self.deployed = self.describe(document)
        # What Lambda itself makes when the function first writes a line.
        self.client("logs").create_log_stream(logGroupName=LOG_GROUP, logStreamName=LOG_STREAM)
        self.client("s3").put_object(Bucket=BUCKET, Key=OBJECT, Body=b"feature,label\n1,2\n")

    def stock(self) -> dict:
        """Puts into the account what a pipeline has; returns the ARNs.

        It goes into moto's memory, which takes milliseconds, where a first request to a service takes tenths of a second.
        """
        iam = iam_backends[ACCOUNT]["aws"]
        image = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{REPOSITORY}"
        reads = [
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"arn:aws:s3:::{SECOND_BUCKET}/*"},
            {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": f"arn:aws:s3:::{SECOND_BUCKET}"},
            {"Effect": "Allow", "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "Resource": image},
            {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
        ]
        for name, service in (("another-role", "lambda"), (SAGEMAKER_ROLE, "sagemaker")):
            iam.create_role(name, trust_of(service), "/", None, "", [], "3600")
        iam.put_role_policy(SAGEMAKER_ROLE, "pipeline", json.dumps({"Version": "2012-10-17", "Statement": reads}))

        functions = {}
        variables = {"TABLE_NAME": SECOND_TABLE, "BUCKET_NAME": SECOND_BUCKET, "PIPELINE_REGION": REGION}
        for name, role in FUNCTIONS.items():
            wanted = {"FunctionName": name, "Role": f"arn:aws:iam::{ACCOUNT}:role/{role}", "Environment": {"Variables": variables}}
            wanted |= {"Runtime": "provided.al2023", "Handler": "bootstrap", "Code": {"S3Bucket": "code", "S3Key": "bootstrap.zip"}}
            functions[name] = lambda_backends[ACCOUNT][REGION].create_function(wanted).function_arn

        repositories = ecr_backends[ACCOUNT][REGION]
        repositories.create_repository(REPOSITORY, None, None, None, "MUTABLE", [])
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
        repositories.put_image(REPOSITORY, json.dumps(manifest), "latest")

        table = dynamodb_backends[ACCOUNT][REGION].create_table(
            name=SECOND_TABLE,
            schema=[{"AttributeName": "id", "KeyType": "HASH"}],
            attr=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "date")],
            global_indexes=[
                {
                    "IndexName": "by-date",
                    "KeySchema": [{"AttributeName": "date", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            indexes=[],
            throughput=None,
            streams=None,
            billing_mode="PAY_PER_REQUEST",
            sse_specification=None,
            tags=[],
            deletion_protection_enabled=False,
            warm_throughput=None,
        )
        buckets = s3_backends[ACCOUNT]["aws"]
        buckets.create_bucket(SECOND_BUCKET, REGION)
        buckets.put_object(SECOND_BUCKET, SECOND_OBJECT, b"model")
        key = kms_backends[ACCOUNT][REGION].create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None)
        secrets_of = secretsmanager_backends[ACCOUNT][REGION]
        secret = json.loads(secrets_of.create_secret("ml-pipeline", "{}", None, None, [], None, None, [], False))
        ssm_backends[ACCOUNT][REGION].put_parameter(
            "/ml-pipeline", "", "value", "String", "", "", False, [], "text", tier=None, policies=None
        )
        queue = sqs_backends[ACCOUNT][REGION].create_queue("ml-pipeline-queue", region=REGION)
        topic = sns_backends[ACCOUNT][REGION].create_topic("ml-pipeline-topic")
        rule = events_backends[ACCOUNT][REGION].put_rule("ml-pipeline-rule", scheduled_expression="rate(1 day)", tags=[])
        return {
            "functions": functions,
            "roles": {name: f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("another-role", SAGEMAKER_ROLE)},
            "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:latest",
            "repository": image,
            "table": table.table_arn,
            "index": f"{table.table_arn}/index/by-date",
            "bucket": f"arn:aws:s3:::{SECOND_BUCKET}",
            "modelData": f"s3://{SECOND_BUCKET}/{SECOND_OBJECT}",
            "key": key.arn,
            "secret": secret["ARN"],
            "parameter": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/ml-pipeline",
            "queue": queue.queue_arn,
            "topic": topic.arn,
            "rule": rule.arn,
        }

    def enforce(self) -> None:
        """Makes an administrator, and turns IAM enforcement on."""
        iam = self.client("iam")
        iam.create_user(UserName="administrator")
        allow_all = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=json.dumps(allow_all))
        key = iam.create_access_key(UserName="administrator")["AccessKey"]
        self.admin = (key["AccessKeyId"], key["SecretAccessKey"])
        moto.settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
        moto.core.authorization.ActionAuthenticatorMixin.request_count = 0

    def session(self, role: str) -> dict:
        """Credentials of a role, as the Lambda service gets them for a function."""
        assumed = sts_backends[ACCOUNT]["aws"].assume_role(
            region_name=REGION,
            role_session_name=FUNCTION,
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/{role}",
            policy=None,
            duration=3600,
            external_id=None,
        )
        return {
            "AWS_ACCESS_KEY_ID": assumed.access_key_id,
            "AWS_SECRET_ACCESS_KEY": assumed.secret_access_key,
            "AWS_SESSION_TOKEN": assumed.session_token,
        }

    def policies(self) -> list:
        iam = self.client("iam")
        documents = [
            iam.get_role_policy(RoleName=ROLE, PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName=ROLE)["PolicyNames"]
        ]
        for policy in iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)
            documents.append(found["PolicyVersion"]["Document"])
        return documents

    def role(self, policies: list, trust: list = ()) -> dict:
        """A role with these policies, which Lambda can assume, and who the further statements say."""
        iam = self.client("iam")
        name = f"role-{uuid.uuid4().hex[:12]}"
        trust = {"Version": "2012-10-17", "Statement": [*json.loads(trust_of("lambda"))["Statement"], *trust]}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        for index, policy in enumerate(policies):
            iam.put_role_policy(RoleName=name, PolicyName=f"policy-{index}", PolicyDocument=json.dumps(policy))
        return {"role": name, "credentials": self.session(name)}

    def without(self, action: str) -> None:
        """Takes an action out of the role's own policies, and a managed policy that grants it off the role."""
        iam = self.client("iam")
        for name in iam.list_role_policies(RoleName=ROLE)["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=ROLE, PolicyName=name)["PolicyDocument"]
            for statement in policy["Statement"]:
                statement["Action"] = [granted for granted in statement["Action"] if granted != action]
            policy["Statement"] = [statement for statement in policy["Statement"] if statement["Action"]]
            iam.put_role_policy(RoleName=ROLE, PolicyName=name, PolicyDocument=json.dumps(policy))
        for policy in iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)
            if action in json.dumps(found["PolicyVersion"]["Document"]):
                iam.detach_role_policy(RoleName=ROLE, PolicyArn=policy["PolicyArn"])

    def paste(self, policy: dict) -> None:
        """What `aws iam put-role-policy` does."""
        document = json.dumps(policy)
        self.client("iam").put_role_policy(RoleName=ROLE, PolicyName="pasted", PolicyDocument=document)

    def state(self) -> dict:
        s3, dynamodb, sagemaker, logs = map(self.client, ("s3", "dynamodb", "sagemaker", "logs"))
        buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        tables = dynamodb.list_tables()["TableNames"]
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        streams = {
            group: [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]] for group in groups
        }
        return {
            "objects": {
                bucket: [(o["Key"], o["ETag"]) for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])] for bucket in buckets
            },
            "items": {table: dynamodb.scan(TableName=table)["Items"] for table in tables},
            "models": [model["ModelName"] for model in sagemaker.list_models()["Models"]],
            "trainingJobs": [job["TrainingJobName"] for job in sagemaker.list_training_jobs()["TrainingJobSummaries"]],
            "endpoints": [endpoint["EndpointName"] for endpoint in sagemaker.list_endpoints()["Endpoints"]],
            "endpointConfigs": [c["EndpointConfigName"] for c in sagemaker.list_endpoint_configs()["EndpointConfigs"]],
            **memory(),
            "logEvents": {
                f"{group} {stream}": len(logs.get_log_events(logGroupName=group, logStreamName=stream, startTime=0)["events"])
                for group, names in streams.items()
                for stream in names
            },
        }

    def describe(self, document: dict) -> dict:
        """The stack's resources by their logical ids, and what the services say about the main ones.

        Conditions aside, what moto's CloudFormation has skipped is listed, since the stack is complete without it.
        """
        stacks, cloudwatch, scheduler, logs, iam, functions = map(
            self.client, ("cloudformation", "cloudwatch", "scheduler", "logs", "iam", "lambda")
        )
        resources = stacks.describe_stack_resources(StackName=STACK)["StackResources"]
        made = {r["LogicalResourceId"]: r for r in resources if r.get("PhysicalResourceId")}
        wanted = {name for name, entry in document["Resources"].items() if "Condition" not in entry}
        names = [schedule["Name"] for schedule in scheduler.list_schedules()["Schedules"]]
        policies = iam.list_role_policies(RoleName=ROLE)["PolicyNames"]
        invoke = functions.list_function_event_invoke_configs(FunctionName=FUNCTION)["FunctionEventInvokeConfigs"]

        def said(answer: dict) -> dict:
            return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

        return {
            "resources": {name: {"type": r["ResourceType"], "id": r["PhysicalResourceId"]} for name, r in made.items()},
            "skipped": sorted(wanted - set(made)),
            "alarms": cloudwatch.describe_alarms()["MetricAlarms"],
            "schedules": [said(scheduler.get_schedule(Name=name)) for name in names],
            "logGroups": logs.describe_log_groups()["logGroups"],
            "queries": moto_cloudformation.SAVED_QUERIES,
            "role": {**iam.get_role(RoleName=ROLE)["Role"], "Policies": policies},
            "function": said(functions.get_function_configuration(FunctionName=FUNCTION)),
            "eventInvokeConfigs": invoke,
        }


@functools.cache
def regions() -> list:
    """All Regions, which are those of EC2."""
    session = AccountSpecificBackend.get_session()
    return [region for name in session.get_available_partitions() for region in session.get_available_regions("ec2", name)]


# moto reads the whole model of a service from botocore to know its Regions, 35 ms for each service that is asked.
AccountSpecificBackend._generate_regions = lambda _self, _service: regions()


def trust_of(service: str) -> str:
    """A trust policy for a service."""
    allowed = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


def memory() -> dict:
    """What moto has in its memory of the services that have no listing that tells all. No request is made for it."""
    sagemaker, functions = sagemaker_backends[ACCOUNT][REGION], lambda_backends[ACCOUNT][REGION]
    keys, events = kms_backends[ACCOUNT][REGION], events_backends[ACCOUNT][REGION]
    catalog = glue_backends[ACCOUNT][REGION]
    return {
        "processingJobs": sorted(sagemaker.processing_jobs),
        "transformJobs": sorted(sagemaker.transform_jobs),
        "tuningJobs": sorted(sagemaker.hyper_parameter_tuning_jobs),
        "pipelines": {name: sorted(pipeline.pipeline_executions) for name, pipeline in sagemaker.pipelines.items()},
        "modelPackageGroups": sorted(sagemaker.model_package_groups),
        "modelPackages": sorted(sagemaker.model_packages),
        "featureGroups": sorted(sagemaker.feature_groups),
        "domains": sorted(sagemaker.domains),
        "functions": [function.get_configuration() for function in functions.list_functions()],
        "keys": {key.arn: [key.enabled, key.key_state, sorted(key.grants)] for key in keys.keys.values()},
        "repositories": {
            name: sorted((image.get_image_digest(), sorted(image.image_tags)) for image in repository.images)
            for name, repository in ecr_backends[ACCOUNT][REGION].repositories.items()
        },
        "topics": {
            arn: [message[0] for message in topic.sent_notifications] for arn, topic in sns_backends[ACCOUNT][REGION].topics.items()
        },
        "queues": {name: len(queue.messages) for name, queue in sqs_backends[ACCOUNT][REGION].queues.items()},
        "rules": {
            f"{bus.name} {rule.name}": [rule.state, rule.scheduled_expression, rule.event_pattern.dump(), rule.targets]
            for bus in events.event_buses.values()
            for rule in bus.rules.values()
        },
        "secrets": sorted(secret.arn for secret in secretsmanager_backends[ACCOUNT][REGION].secrets.values()),
        "glue": {
            "databases": {name: sorted(database.tables) for name, database in catalog.databases.items()},
            "crawlers": sorted(catalog.crawlers),
            "jobs": sorted(catalog.jobs),
            "jobRuns": sorted(catalog.job_runs),
        },
    }


def empty_zip() -> bytes:
    return b"PK\x05\x06" + b"\x00" * 18


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="a port of 127.0.0.1; 0, the default, picks a free one")
    parser.add_argument("--uncorrected", action="store_true", help="moto's services as they are, where they differ from AWS")
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the template, besides its defaults"
    )
    parser.add_argument("--allow-all", action="store_true", help="leave IAM enforcement off")
    arguments = parser.parse_args()

    moto_cloudformation.teach()
    test_bed = TestBed(arguments.port)
    threading.Thread(target=test_bed.server.serve_forever, daemon=True).start()
    overrides = dict(parameter.split("=", 1) for parameter in arguments.parameter)
    test_bed.deploy(ROOT / "template.yaml", overrides)
    stocked = test_bed.stock()
    # The function's own configuration, as the template gives it.
    function = test_bed.client("lambda").get_function_configuration(FunctionName=FUNCTION)
    variables = {name: str(value) for name, value in function["Environment"]["Variables"].items() if value}
    if not arguments.uncorrected:
        moto_as_aws.correct()
        test_bed.moto = moto_forms.Front(test_bed.moto)
    if not arguments.allow_all:
        test_bed.enforce()

    facts = {
        "endpoint": test_bed.endpoint,
        "token": test_bed.token,
        "administrator": {"AWS_ACCESS_KEY_ID": test_bed.admin[0], "AWS_SECRET_ACCESS_KEY": test_bed.admin[1]},
        "role": ROLE,
        "resources": stocked,
        "environment": {
            "AWS_ENDPOINT_URL": test_bed.endpoint,
            "AWS_REGION": REGION,
            **test_bed.session(ROLE),
            "AWS_LAMBDA_LOG_GROUP_NAME": LOG_GROUP,
            "AWS_LAMBDA_LOG_STREAM_NAME": LOG_STREAM,
            **variables,
        },
    }
    try:
        loopback.check(os.getpid(), "the emulator", test_bed.server.server_port)
    except loopback.Exposed as error:
        sys.exit(f"error: {error}")
    gc.freeze()
    gc.enable()
    print(json.dumps(facts), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
