"""Every request that the program has as data, in the emulated account: allowed, it is proved; without its permission, denied."""

import json
import re
import unittest
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tools import account, forms

ACCOUNT, REGION = "123456789012", "us-east-1"
ABSENT = "permissions-probe-absent"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict
    body: str

    @property
    def code(self) -> str:
        """The error's code, wherever the protocol has it."""
        in_xml = re.search(r"<Code>(.*?)</Code>", self.body)
        if in_xml:
            return in_xml[1]
        compatible = self.headers.get("x-amzn-query-error", "").partition(";")[0]
        found = compatible or self.headers.get("x-amzn-errortype") or self.json.get("__type", "")
        return found.rpartition("#")[2].partition(":")[0]

    @property
    def text(self) -> str:
        in_xml = re.search(r"<Message>(.*?)</Message>", self.body, re.DOTALL)
        said = in_xml[1].replace("&quot;", '"') if in_xml else None
        return said or self.json.get("message") or self.json.get("Message") or self.json.get("errorMessage") or ""

    @property
    def json(self) -> dict:
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def proved(form: forms.Form, answer: Answer) -> bool:
    """Whether the answer is one of the proofs, as the program looks at it."""
    if answer.status < 300:
        kind, name = form.success or ("", "")
        return {
            "Member": lambda: name in answer.json,
            "Element": lambda: re.search(rf"<{name}[ />]", answer.body),
            "Status": lambda: answer.status == int(name),
            "Header": lambda: name.lower() in answer.headers,
            "": lambda: False,
        }[kind]() and any(proof.is_success for proof in form.proofs)
    said = " ".join([answer.text, answer.body if "CancellationReasons" in answer.body else ""])
    return any(
        proof.code == answer.code
        and re.search(".*".join(map(re.escape, proof.text.replace(" … ", "…").split("…"))), said, re.IGNORECASE | re.DOTALL)
        for proof in form.proofs
        if not proof.is_success
    )


def send(endpoint: str, credentials: dict, service: str, method: str, path: str, headers: dict, body: bytes) -> Answer:
    """Sends one signed request."""
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    keys = Credentials(credentials["AWS_ACCESS_KEY_ID"], credentials["AWS_SECRET_ACCESS_KEY"], credentials["AWS_SESSION_TOKEN"])
    request = AWSRequest(method, endpoint + path, headers=headers, data=body)
    request.context["payload_signing_enabled"] = True
    signer(keys, service, REGION).add_auth(request)
    prepared = urllib.request.Request(endpoint + path, body or None, dict(request.headers.items()), method=method)
    try:
        with urllib.request.urlopen(prepared, timeout=30) as got:
            return Answer(got.status, {name.lower(): value for name, value in got.headers.items()}, got.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, {name.lower(): value for name, value in error.headers.items()}, error.read().decode())


class Account(unittest.TestCase):
    """An emulated account, and requests to it."""

    @classmethod
    def setUpClass(cls):
        cls.existing = {}
        cls.started = cls.enterClassContext(account.emulator())
        cls.resources = cls.started["resources"]
        cls.admin = {"AWS_SESSION_TOKEN": None, **cls.started["administrator"]}

    @classmethod
    def client(cls, service: str):
        """A client of the administrator."""
        return boto3.client(
            service,
            endpoint_url=cls.started["endpoint"],
            region_name=REGION,
            aws_access_key_id=cls.admin["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=cls.admin["AWS_SECRET_ACCESS_KEY"],
        )

    def ask(self, question: str, body: dict | None = None):
        headers = {"content-type": "application/json", "x-test-bed-token": self.started["token"]}
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.started['endpoint']}/test-bed/{question}"
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
            return json.load(answer)

    def role(self, *statements: tuple, trust: tuple = ()) -> dict:
        """A role with statements of an effect, actions and resources."""
        names = ("Effect", "Action", "Resource")
        document = {"Version": "2012-10-17", "Statement": [dict(zip(names, statement, strict=True)) for statement in statements]}
        return self.ask("role", {"policies": [document] if statements else [], "trust": list(trust)})

    def call(self, credentials: dict, service: str, target: str, body: dict, version: str = "1.1") -> Answer:
        headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}
        return send(self.started["endpoint"], credentials, service, "POST", "/", headers, json.dumps(body).encode())

    def names(self, form: forms.Form) -> dict:
        """Names for a form: of what exists where it has to exist, else of nothing."""
        if form.action in self.existing:
            return self.existing[form.action]
        absent = {name: ABSENT for name in form.names}
        # What the account has from the start, by the service.
        known = {
            "ecr": self.resources["repository"],
            "kms": self.resources["key"],
            "secretsmanager": self.resources["secret"],
            "ssm": self.resources["parameter"],
            "sqs": self.resources["queue"],
        }
        if form.harmless_on in ("Existing", "Known") and form.signing in known:
            return {"name": re.split(r"[/:]", known[form.signing])[-1]}
        if form.signing == "s3":
            return {"bucket": self.resources["bucket"].rpartition(":")[2], "key": f"models/{ABSENT}"}
        if form.action == "logs:CreateLogGroup":
            return {"group": self.started["environment"]["AWS_LAMBDA_LOG_GROUP_NAME"]}
        return absent

    def filled(self, form: forms.Form, text: str) -> str:
        values = {
            "account": ACCOUNT,
            "region": REGION,
            "partition": "aws",
            "suffix": "amazonaws.com",
            "absent": ABSENT,
            "absent_role": f"arn:aws:iam::{ACCOUNT}:role/{ABSENT}",
            "absent_image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{ABSENT}:absent",
            **self.names(form),
        }
        values["arn"] = "arn:aws:" + re.sub(r"\{(\w+)\}", lambda hole: values[hole[1]], form.arn)
        return re.sub(r"\{(\w+)\}", lambda hole: values[hole[1]], text)

    def send(self, form: forms.Form, credentials: dict) -> Answer:
        """The request of a form, as the program fills and sends it."""

        def fill(value):
            if isinstance(value, dict):
                return {self.filled(form, key): fill(part) for key, part in value.items()}
            if isinstance(value, list):
                return [fill(part) for part in value]
            return self.filled(form, value) if isinstance(value, str) else value

        endpoint = self.started["endpoint"]
        if form.protocol == "json":
            headers = {"X-Amz-Target": form.operation, "Content-Type": f"application/x-amz-json-{form.version}"}
            return send(endpoint, credentials, form.signing, "POST", "/", headers, json.dumps(fill(form.body)).encode())
        pairs = [(name, self.filled(form, value)) for name, value in form.query]
        if form.protocol == "query":
            body = urlencode([("Action", form.operation), ("Version", form.version), *pairs]).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return send(endpoint, credentials, form.signing, "POST", "/", headers, body)
        path = re.sub(r"\{\w+\}", lambda hole: quote(self.filled(form, hole[0]), safe="/"), form.path)
        path += f"?{urlencode(pairs)}" if pairs else ""
        headers = {"Content-Type": "application/octet-stream"} | {name: self.filled(form, value) for name, value in form.headers}
        body = form.body if isinstance(form.body, str) else json.dumps(fill(form.body))
        return send(endpoint, credentials, form.signing, form.operation, path, headers, body.encode())


class EachForm(Account):
    @classmethod
    def setUpClass(cls):
        """Makes what some requests have to name, and what the account does not have from the start."""
        super().setUpClass()
        ec2, sagemaker = cls.client("ec2"), cls.client("sagemaker")
        subnet = ec2.describe_subnets()["Subnets"][0]
        interface = ec2.create_network_interface(SubnetId=subnet["SubnetId"])["NetworkInterface"]
        role = cls.resources["roles"]["sagemaker-execution-role"]
        sagemaker.create_model(ModelName="churn", ExecutionRoleArn=role, PrimaryContainer={"Image": cls.resources["image"]})
        sagemaker.create_model_package_group(ModelPackageGroupName="churn")
        sagemaker.create_pipeline(PipelineName="churn", PipelineDefinition="{}", RoleArn=role, ClientRequestToken="0" * 32)
        cls.existing = {
            "sagemaker:CreateModelPackageGroup": {"name": "churn"},
            "sagemaker:CreatePipeline": {"name": "churn"},
            "sagemaker:ListTags": {"type": "model", "name": "churn"},
            "ec2:DescribeVpcAttribute": {"name": subnet["VpcId"]},
            "ec2:CreateNetworkInterface": {"name": subnet["SubnetId"]},
            "ec2:DeleteNetworkInterface": {"name": interface["NetworkInterfaceId"]},
            "ec2:CreateNetworkInterfacePermission": {"name": interface["NetworkInterfaceId"]},
            "ec2:CreateTags": {"type": "vpc", "name": subnet["VpcId"]},
            "ec2:DeleteTags": {"type": "vpc", "name": subnet["VpcId"]},
            "cognito-idp:AdminGetUser": {"name": cls.client("cognito-idp").create_user_pool(PoolName="users")["UserPool"]["Id"]},
        }

    def granted(self, form: forms.Form) -> list:
        """The ARNs that a policy has to name: the form's own, and those that AWS wants besides."""
        arn = f"arn:aws:{self.filled(form, form.arn)}" if form.arn else "*"
        if arn == "*":
            return [arn]
        more = {
            "glue": [f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog", f"arn:aws:glue:{REGION}:{ACCOUNT}:database/*"],
            "logs": [f"{arn}:*"],
            "ec2": [f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/*"],
        }
        return [arn, *more.get(form.signing, [])]

    def test_it_is_proved_with_its_permission_alone_and_changes_nothing(self):
        before = self.ask("state")
        for form in forms.forms():
            more = ("Allow", ["s3:ListBucket"], "*") if form.signing == "s3" else ("Deny", ["x:x"], "*")
            # CreateModel and its siblings hand over a role, and CreateEndpoint is authorized on its configuration as well.
            passing = ("Allow", ["iam:PassRole", *(["sagemaker:CreateEndpoint"] if form.action == "sagemaker:CreateEndpoint" else [])], "*")
            role = self.role(("Allow", [form.action], self.granted(form)), passing, more)
            with self.subTest(form.action):
                answer = self.send(form, role["credentials"])
                self.assertTrue(proved(form, answer), answer)
        self.assertEqual(self.ask("state"), before)

    def test_without_its_permission_it_is_denied_in_the_sentence_of_aws(self):
        nothing, deny = self.role(), {}
        for form in forms.forms():
            deny = self.role(("Allow", ["*"], "*"), ("Deny", [form.action], "*"))
            for role, reason in (
                (nothing, "because no identity-based policy allows the"),
                (deny, "with an explicit deny in an identity-based"),
            ):
                with self.subTest(form.action, reason=reason):
                    answer = self.send(form, role["credentials"])
                    self.assertIn(f"is not authorized to perform: {form.action} on resource: ".lower(), answer.text.lower(), answer)
                    self.assertIn(reason, answer.text)
                    codes = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError", "sqs": "AccessDenied"}
                    in_xml = form.protocol == "query" or form.signing == "s3"
                    self.assertEqual(answer.code, codes.get(form.signing, "AccessDenied" if in_xml else "AccessDeniedException"))
                    self.assertTrue({"x-amzn-requestid", "x-amz-request-id"} & set(answer.headers), answer)


class Answers(Account):
    """What AWS answers, where moto answers otherwise."""

    def model(self, role: dict, **changed) -> str:
        """What CreateModel says to a role that may call it and pass roles."""
        body = {"ModelName": "ladder", "PrimaryContainer": {"Image": self.resources["image"]}, **changed}
        answer = self.call(role["credentials"], "sagemaker", "SageMaker.CreateModel", body)
        return answer.text or str(answer.json)

    def test_a_model_is_made_only_if_its_role_can_have_all_that_it_is_made_of(self):
        caller = self.role(("Allow", ["sagemaker:CreateModel", "iam:PassRole"], "*"))
        trust = ({"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},)
        pull = ("Allow", ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], self.resources["repository"])
        token, read = ("Allow", ["ecr:GetAuthorizationToken"], "*"), ("Allow", ["s3:GetObject"], "arn:aws:s3:::ml-artifacts-bucket/*")
        lists = ("Allow", ["s3:ListBucket"], "arn:aws:s3:::ml-artifacts-bucket")
        absent = f"{self.resources['image'].partition('/')[0]}/absent:latest"
        url, no_url = self.resources["modelData"], "s3://ml-artifacts-bucket/absent"
        steps = (
            ("could not assume role", (pull, token), (), self.resources["image"], None),
            ("requested image .* not found", (pull, token), trust, absent, None),
            ("cannot pull .* was granted pull permission", (), trust, self.resources["image"], None),
            ("cannot pull", (pull,), trust, self.resources["image"], None),
            ("could not access model data at s3://", (pull, token), trust, self.resources["image"], url),
            ("could not access model data", (pull, token, read), trust, self.resources["image"], no_url),
            ("could not find model data at s3://", (pull, token, read, lists), trust, self.resources["image"], no_url),
            ("modelarn", (pull, token, read), trust, self.resources["image"], url),
        )
        for expected, policy, trusted, image, data in steps:
            with self.subTest(expected, data=data):
                passed = self.role(*policy, trust=trusted)["role"]
                container = {"Image": image} | ({"ModelDataUrl": data} if data else {})
                said = self.model(caller, ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/{passed}", PrimaryContainer=container)
                self.assertRegex(said.lower(), expected)
                self.assertEqual("ladder" in self.ask("state")["models"], expected == "modelarn")
        again = self.model(caller, ExecutionRoleArn=self.resources["roles"]["sagemaker-execution-role"])
        self.assertIn("Cannot create already existing model", again)
        self.client("sagemaker").delete_model(ModelName="ladder")

    def test_a_role_that_may_not_be_passed_is_the_denial_of_passing_it(self):
        target = self.resources["roles"]["sagemaker-execution-role"]
        said = self.model(self.role(("Allow", ["sagemaker:CreateModel"], "*")), ExecutionRoleArn=target)
        self.assertIn(f"is not authorized to perform: iam:PassRole on resource: {target} because", said)

    def test_an_index_and_each_table_of_a_batch_are_authorized(self):
        table, index = self.resources["table"], self.resources["index"]
        names = {"ExpressionAttributeNames": {"#date": "date"}, "ExpressionAttributeValues": {":date": {"S": "2026"}}}
        query = {"TableName": "FeatureStore", "IndexName": "by-date", "KeyConditionExpression": "#date = :date", **names}
        check = {"TableName": "FeatureStore", "Key": {"id": {"S": "1"}}, "ConditionExpression": "attribute_not_exists(id)"}
        delete = {"TableName": "ModelMetadata", "Key": {"modelId": {"S": "1"}}}
        batch = {"RequestItems": {"FeatureStore": {"Keys": [{"id": {"S": "1"}}]}, "ModelMetadata": {"Keys": [{"modelId": {"S": "1"}}]}}}
        for operation, body, granted, missing in (
            ("Query", query, ("dynamodb:Query", index), ("dynamodb:Query", table)),
            ("BatchGetItem", batch, None, ("dynamodb:BatchGetItem", table)),
            ("TransactWriteItems", {"TransactItems": [{"ConditionCheck": check}]}, ("dynamodb:ConditionCheckItem", table), None),
            (
                "TransactWriteItems",
                {"TransactItems": [{"ConditionCheck": check}, {"Delete": delete}]},
                None,
                ("dynamodb:ConditionCheckItem", table),
            ),
        ):
            for pair, expected in ((granted, 200), (missing, 400)):
                if pair:
                    with self.subTest(operation, granted=pair):
                        role = self.role(("Allow", [pair[0]], pair[1]))
                        answer = self.call(role["credentials"], "dynamodb", f"DynamoDB_20120810.{operation}", body, "1.0")
                        self.assertEqual(answer.status, expected, answer)
                        self.assertEqual(answer.code, "" if expected == 200 else "AccessDeniedException")

    def test_what_is_in_a_catalog_of_glue_needs_the_catalog_as_well(self):
        start = f"arn:aws:glue:{REGION}:{ACCOUNT}"
        asked = {"DatabaseName": "features", "Name": "churn"}
        for count, missing in enumerate((f"{start}:catalog", f"{start}:database/features", f"{start}:table/features/churn", None)):
            granted = [f"{start}:catalog", f"{start}:database/features", f"{start}:table/features/churn"][:count]
            role = self.role(*[("Allow", ["glue:GetTable"], arn) for arn in granted])
            answer = self.call(role["credentials"], "glue", "AWSGlue.GetTable", asked)
            with self.subTest(missing=missing):
                self.assertIn(f"on resource: {missing} " if missing else "not found", answer.text)

    def test_the_functions_of_the_account_say_their_role_and_environment(self):
        reader = self.role(("Allow", ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"], "*"))["credentials"]
        for name, arn in self.resources["functions"].items():
            with self.subTest(name):
                path = f"/2015-03-31/functions/{name}"
                found = send(self.started["endpoint"], reader, "lambda", "GET", f"{path}/configuration", {}, b"").json
                role = "another-role" if name == "WrongRoleLambda" else self.started["role"]
                self.assertEqual((found["FunctionArn"], found["Role"]), (arn, f"arn:aws:iam::{ACCOUNT}:role/{role}"))
                self.assertEqual((found["State"], found["LastUpdateStatus"]), ("Active", "Successful"))
                variables = {"TABLE_NAME": "FeatureStore", "BUCKET_NAME": "ml-artifacts-bucket", "PIPELINE_REGION": REGION}
                self.assertEqual(found["Environment"]["Variables"], variables)
                headers = {"X-Amz-Invocation-Type": "DryRun", "Content-Type": "application/json"}
                invoked = send(self.started["endpoint"], reader, "lambda", "POST", f"{path}/invocations", headers, b"{}")
                self.assertEqual((invoked.status, invoked.body), (204, ""))

    def test_what_exists_is_found(self):
        reader = self.role(("Allow", ["*"], "*"))["credentials"]
        for service, target, body, member in (
            ("dynamodb", "DynamoDB_20120810.DescribeTable", {"TableName": "FeatureStore"}, "Table"),
            ("ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeImages", {"repositoryName": "ml-pipeline"}, "imageDetails"),
            ("events", "AWSEvents.DescribeRule", {"Name": "ml-pipeline-rule"}, "Arn"),
            ("kms", "TrentService.DescribeKey", {"KeyId": self.resources["key"]}, "KeyMetadata"),
            ("secretsmanager", "secretsmanager.GetSecretValue", {"SecretId": self.resources["secret"]}, "SecretString"),
            ("ssm", "AmazonSSM.GetParameter", {"Name": "/ml-pipeline"}, "Parameter"),
            ("sqs", "AmazonSQS.GetQueueUrl", {"QueueName": "ml-pipeline-queue"}, "QueueUrl"),
        ):
            with self.subTest(target):
                self.assertIn(member, self.call(reader, service, target, body).json)

    def test_a_layer_is_missing_in_a_repository_that_exists(self):
        reader = self.role(("Allow", ["ecr:GetDownloadUrlForLayer"], self.resources["repository"]))["credentials"]
        asked = {"repositoryName": "ml-pipeline", "layerDigest": f"sha256:{'0' * 64}"}
        target = "AmazonEC2ContainerRegistry_V20150921.GetDownloadUrlForLayer"
        self.assertEqual(self.call(reader, "ecr", target, asked).code, "LayersNotFoundException")

    def test_an_action_that_has_no_form_is_denied_in_the_form_of_its_service_as_well(self):
        nothing = self.role()["credentials"]
        for service, target, action in (
            ("dynamodb", "DynamoDB_20120810.ListTables", "dynamodb:ListTables"),
            ("kms", "TrentService.ListKeys", "kms:ListKeys"),
            ("states", "AWSStepFunctions.ListStateMachines", "states:ListStateMachines"),
            ("ssm", "AmazonSSM.DescribeParameters", "ssm:DescribeParameters"),
        ):
            answer = self.call(nothing, service, target, {})
            with self.subTest(action):
                self.assertEqual((answer.status, answer.code), (400, "AccessDeniedException"))
                self.assertIn(f"is not authorized to perform: {action} on resource: * because", answer.text)
        answer = send(self.started["endpoint"], nothing, "lambda", "GET", "/2015-03-31/functions", {}, b"")
        self.assertEqual((answer.status, answer.code), (403, "AccessDeniedException"), answer)
        for service, version, operation, code in (
            ("ec2", "2016-11-15", "DescribeInstances", "UnauthorizedOperation"),
            ("sns", "2010-03-31", "ListSubscriptions", "AuthorizationError"),
            ("iam", "2010-05-08", "ListUsers", "AccessDenied"),
            ("monitoring", "2010-08-01", "ListDashboards", "AccessDenied"),
        ):
            body, headers = (
                urlencode({"Action": operation, "Version": version}).encode(),
                {"Content-Type": "application/x-www-form-urlencoded"},
            )
            answer = send(self.started["endpoint"], nothing, service, "POST", "/", headers, body)
            with self.subTest(operation):
                self.assertEqual((answer.status, answer.code), (403, code))
                named = service.replace("monitoring", "cloudwatch").replace("sns", "SNS")
                self.assertIn(f"is not authorized to perform: {named}:{operation} on resource: * because", answer.text)

    def test_a_wrong_signature_or_unknown_key_proves_nothing(self):
        unknown = {"AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "x"}
        wrong = self.role(("Allow", ["*"], "*"))["credentials"] | {"AWS_SECRET_ACCESS_KEY": "x"}
        for form in forms.forms():
            for credentials in (unknown, wrong):
                with self.subTest(form.action, key=credentials["AWS_ACCESS_KEY_ID"][:8]):
                    answer = self.send(form, credentials)
                    self.assertFalse(proved(form, answer), answer)
                    self.assertNotIn("not authorized to perform", answer.text)


class Reading(unittest.TestCase):
    def test_every_record_is_read_with_all_that_it_has(self):
        text = "".join((forms.FOLDER / name).read_text() for name in ("sagemaker.rs", "others.rs"))
        found = forms.forms()
        self.assertEqual([form.action for form in found], re.findall(r'^            action: "([^"]+)"', text, re.MULTILINE))
        self.assertEqual(sum(len(form.proofs) for form in found), len(re.findall(r"^ +Proof::", text, re.MULTILINE)))
        self.assertEqual(sum(bool(form.success) for form in found), text.count("success: Some("))
        self.assertEqual(sum(proof.missing for form in found for proof in form.proofs), text.count(".missing()"))
