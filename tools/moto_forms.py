"""Stands in front of moto for the requests that the program has as data (`crates/core/src/form`).

Three things are done for such a request, from its record:

- it is authorized on the ARN of the record, with the names of the request, where moto would authorize on "*". So the
  emulator cannot find an ARN wrong that the record has wrong. What a record does not say is in `RESOURCES`: the
  resources of DynamoDB's batches, of Glue's ancestors and of others, each with its source;
- where moto has no such operation, it is answered with the record's first answer for something that does not exist, else
  with its first one. So is what moto says of such a thing in other words than the record has. Every other answer of
  moto's stands, right or wrong;
- the answer gets the id that AWS gives each answer.

Every other request only gets the last.
"""

import io
import json
import re
import uuid
from urllib.parse import parse_qs

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.access_control import IAMRequest
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from tools import forms, moto_as_aws

# The parts of an ARN that are no names of the thing.
PLACE = ("account", "region", "partition", "suffix")
# The parameters of S3 that do not say which operation it is: all others do (S3 API Reference).
NO_OPERATION = re.compile("list-type|max-.*|prefix|delimiter|start-after|continuation-token|encoding-type|fetch-owner|x-id|response-.*")


class Front:
    """moto's application, and what stands in front of it."""

    def __init__(self, moto) -> None:
        self.moto = moto
        self.forms = forms.forms()
        self.by_operation = {(form.signing, form.operation): form for form in self.forms if form.protocol != "rest"}
        self.rest = [(form, re.compile(path_pattern(form))) for form in self.forms if form.protocol == "rest"]

    def __call__(self, environ, start_response):
        request = Request(environ)
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        region, service = scope.groups() if scope else ("", "")
        asked = read(request) if service and service != "s3" else {}
        form, names = self.find(service, request, asked)
        is_rest = request.path != "/"
        moto_as_aws.begin(service, is_rest, resources(form, names, asked, region) if form else [])
        try:
            response = Response.from_app(self.moto, environ, buffered=True)
        except NotImplementedError:
            if not form:
                raise
            response = answer(form, names, region)
        denied = moto_as_aws.REQUEST.headers
        if form and not denied:
            response = self.put_right(request, asked, form, names, region, response)
        response.headers.update(moto_as_aws.REQUEST.headers)
        # AWS General Reference; S3 names it otherwise (S3 API Reference, "Common response headers").
        name = "x-amz-request-id" if service == "s3" else "x-amzn-RequestId"
        if name not in response.headers:
            response.headers[name] = str(uuid.uuid4())
        return response(environ, start_response)

    def find(self, service: str, request: Request, asked: dict) -> tuple:
        """The record of a request, and the names in it."""
        target = request.headers.get("X-Amz-Target") or asked.get("Action")
        if target:
            form = self.by_operation.get((service, target))
            return form, names_of(form, asked) if form else {}
        subresources = sorted(name for name in request.args if not NO_OPERATION.fullmatch(name))
        for form, path in self.rest:
            matched = form.signing == service and form.operation == request.method and path.fullmatch(request.path)
            if matched and subresources == sorted(name for name, _ in form.query if not NO_OPERATION.fullmatch(name)):
                return form, matched.groupdict()
        return None, {}

    def put_right(self, request: Request, asked: dict, form, names: dict, region: str, response: Response) -> Response:
        """Moto's answer, unless it has none, or one for what does not exist in other words than the record's."""
        if not moto_as_aws.REQUEST.met and response.status_code in (404, 405):
            # It has no path for this, and so has not looked at who asks either.
            return authorize(request, form) or answer(form, names, region)
        if form.signing == "ec2" and asked.get("DryRun") == "true" and response.status_code == 200:
            # Some of moto's descriptions know no dry run (EC2 API Reference, "Common query parameters").
            return answer(form, names, region)
        otherwise = form.signing == "sagemaker" or form.action in OTHERWISE
        missing = otherwise and any(proof.missing for proof in form.proofs)
        if response.status_code >= 400 and missing and MISSING.search(text := response.get_data(as_text=True)):
            said = [proof for proof in form.proofs if proof.code and proof.code == code_of(response)]
            if not any(all(part in text.lower() for part in proof.text.split("…")) for proof in said):
                return answer(form, names, region)
        return response


def code_of(response: Response) -> str:
    """The code of an error, which each protocol has in a place of its own."""
    text = response.get_data(as_text=True)
    found = re.search(r'<Code>(\w+)</Code>|"__type": ?"(?:[\w.]+#)?(\w+)"', text)
    return response.headers.get("x-amzn-errortype") or (found[1] or found[2] if found else "")


# The actions of which moto says in other words than AWS that something is not there, beside SageMaker's, and how it says it.
OTHERWISE = ("dynamodb:ConditionCheckItem", "events:DescribeRule", "iam:GetRole", "sns:Publish")
MISSING = re.compile("could not find|does not exist|not found|NotFound|NoSuch", re.IGNORECASE)


def path_pattern(form) -> str:
    """A path of a record as a regular expression: a key of S3 has slashes, no other name has."""
    parts = re.split(r"\{(\w+)\}", form.path)
    holes = [f"(?P<{name}>{'.+' if name == 'key' else '[^/]+'})" for name in parts[1::2]]
    whole = "".join(part for pair in zip(map(re.escape, parts[::2]), [*holes, ""], strict=True) for part in pair)
    # A bucket can be asked for with a slash behind its name.
    return f"{whole}/?" if form.path == "/{bucket}" else whole


def read(request: Request) -> dict:
    """The parameters of a request, whose body is there for moto again."""
    body = request.get_data()
    request.environ["wsgi.input"] = io.BytesIO(body)
    if "HTTP_TRANSFER_ENCODING" in request.environ:
        del request.environ["HTTP_TRANSFER_ENCODING"]
        request.environ["CONTENT_LENGTH"] = str(len(body))
    if request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def names_of(form, asked: dict) -> dict:
    """The names in a request: what stands where the record has holes."""
    names: dict = {}
    wanted = dict(form.query) if form.protocol == "query" else form.body
    collect(wanted, asked, names)
    return names


def collect(wanted, found, names: dict) -> None:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            if key in found:
                collect(value, found[key], names)
    elif isinstance(wanted, list) and isinstance(found, list):
        for one, other in zip(wanted, found, strict=False):
            collect(one, other, names)
    elif isinstance(wanted, str) and isinstance(found, str):
        parts = re.split(r"\{(\w+)\}", wanted)
        other = [name in PLACE or name in names or name.startswith("absent") for name in parts[1::2]]
        holes = [".*" if skip else f"(?P<{name}>.+)" for name, skip in zip(parts[1::2], other, strict=True)]
        pattern = "".join(part for pair in zip(map(re.escape, parts[::2]), [*holes, ""], strict=True) for part in pair)
        if matched := re.fullmatch(pattern, found, re.DOTALL):
            names.update(matched.groupdict())


def fill(text: str, names: dict, region: str) -> str:
    known = {"account": DEFAULT_ACCOUNT_ID, "region": region} | names
    return re.sub(r"\{(\w+)\}", lambda hole: known.get(hole[1], "*"), text)


# --- What a request is authorized on -------------------------------------------


def resources(form, names: dict, asked: dict, region: str) -> list:
    """The actions and the resources of a request, in the order in which they are looked at."""
    find = RESOURCES.get(form.action) or RESOURCES.get(form.signing)
    if find and (found := find(form, names, asked, region)):
        return found
    return [(form.action, resource(form, names, region))]


def resource(form, names: dict, region: str) -> str:
    if not form.arn:
        return "*"
    given = names.get("arn", "")
    if given.startswith("arn:"):
        return given
    if given:
        # A name, an id or a path, where an ARN can be given as well.
        names = names | {form.names[-1]: given.removeprefix("/")}
    filled = fill(form.arn, names, region)
    return f"arn:aws:{filled.lower() if form.signing == 'sagemaker' else filled}"


def of_dynamodb(form, names: dict, asked: dict, region: str) -> list | None:
    """An index has an ARN of its own, and a batch the tables that it names (Service Authorization Reference, DynamoDB).

    Of a transaction, each part is authorized as the operation that it is (DynamoDB Developer Guide, "Using IAM with DynamoDB
    transactions").
    """

    def table(name: str) -> str:
        return name if name.startswith("arn:") else f"arn:aws:dynamodb:{region}:{DEFAULT_ACCOUNT_ID}:table/{name}"

    if form.operation.endswith(".TransactWriteItems"):
        actions = {"ConditionCheck": "ConditionCheckItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
        parts = [(actions[kind], part["TableName"]) for item in asked.get("TransactItems", []) for kind, part in item.items()]
        return [(f"dynamodb:{action}", table(name)) for action, name in dict.fromkeys(parts)]
    if "RequestItems" in asked:
        return [(form.action, table(name)) for name in asked["RequestItems"]]
    if "TableName" in asked:
        index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
        return [(form.action, table(asked["TableName"]) + index)]
    return None


def of_glue(form, names: dict, _asked: dict, region: str) -> list | None:
    """What is in a catalog needs the permission on all that it is in (AWS Glue Developer Guide, "Specifying AWS Glue Resource ARNs").

    A deletion also needs it on all that is in there; that is not imitated.
    """
    own = resource(form, names, region)
    kind, _, rest = own.rpartition(":")[2].partition("/")
    if kind not in ("connection", "database", "table"):
        return None
    start = own.rpartition(":")[0]
    database = [f"{start}:database/{rest.partition('/')[0]}"] if kind == "table" else []
    return [(form.action, arn) for arn in (f"{start}:catalog", *database, own)]


def of_logs(form, _names: dict, asked: dict, region: str) -> list:
    """The ARN of a group ends in `:log-stream:`, for all but tags (CloudWatch Logs User Guide, "ARNs"; as in `moto_as_aws`)."""
    group, stream = asked.get("logGroupName", "*"), asked.get("logStreamName", "")
    if form.action == "logs:DescribeResourcePolicies":
        return [(form.action, "*")]
    return [(form.action, f"arn:aws:logs:{region}:{DEFAULT_ACCOUNT_ID}:log-group:{group}:log-stream:{stream}")]


# How the ids of EC2 begin (EC2 User Guide, "Resource IDs").
EC2_KINDS = {"vpc": "vpc", "subnet": "subnet", "eni": "network-interface", "sg": "security-group", "i": "instance", "vol": "volume"}


def of_ec2(form, names: dict, _asked: dict, region: str) -> list | None:
    """A new interface is authorized as well as its subnet, and tags on what they are of (Service Authorization Reference, EC2)."""
    if "type" in form.names:
        kind = EC2_KINDS.get(names.get("name", "").partition("-")[0], "*")
        return [(form.action, resource(form, names | {"type": kind}, region))]
    if form.action == "ec2:CreateNetworkInterface":
        interface = f"arn:aws:ec2:{region}:{DEFAULT_ACCOUNT_ID}:network-interface/*"
        return [(form.action, interface), (form.action, resource(form, names, region))]
    return None


def of_all_names(form, _names: dict, asked: dict, region: str) -> list:
    """Each of several parameters is authorized (Service Authorization Reference, Systems Manager)."""
    return [(form.action, resource(form, {"arn": name}, region)) for name in asked.get("Names", [])]


# By the action, or by the name in the signature.
RESOURCES = {
    "dynamodb": of_dynamodb,
    "glue": of_glue,
    "logs": of_logs,
    "ec2": of_ec2,
    "ssm:GetParameters": of_all_names,
}


def authorize(request: Request, form) -> Response | None:
    """Looks at who asks, as moto does with what it has a path for; the answer is one of moto's refusals."""
    if not moto_as_aws.is_enforced():
        return None
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    arguments = {"method": request.method, "path": request.path + query, "data": {}, "body": request.get_data()}
    try:
        asked = IAMRequest(account_id=DEFAULT_ACCOUNT_ID, headers=request.headers, action=form.action.partition(":")[2], **arguments)
        asked.check_signature()
        asked.check_action_permitted("*")
    except HTTPException as refused:
        return Response(refused.description, refused.code)
    return None


# --- What is answered where moto has no answer -----------------------------------


def answer(form, names: dict, region: str) -> Response:
    """The record's first answer for something that does not exist, else its first one, in the service's form."""
    errors = [proof for proof in form.proofs if not proof.is_success]
    proof = next((proof for proof in form.proofs if proof.missing), form.proofs[0])
    if proof.is_success and not form.success:
        proof = errors[0]
    if proof.is_success:
        return success(form)
    name = resource(form, names, region).rpartition("/")[2].rpartition(":")[2]
    values = iter([name, DEFAULT_ACCOUNT_ID, name])
    text = re.sub("…", lambda _: next(values, name), proof.text) or f"{name} was not found."
    text = text[0].upper() + text[1:]
    if form.protocol == "json":
        body = json.dumps({"__type": proof.code, "message": text, "Message": text})
        return Response(body, 400, content_type=f"application/x-amz-json-{form.version}")
    if proof.code == "DryRunOperation":
        # EC2 API Reference, "Error codes".
        return Response(moto_as_aws.ec2_error(proof.code, "Request would have succeeded, but DryRun flag is set."), 412)
    if form.protocol == "query" or form.signing == "s3":
        return Response(moto_as_aws.query_body(proof.code, text), 404)
    return Response(json.dumps({"Message": text}), 400, {"x-amzn-errortype": proof.code}, content_type="application/json")


def success(form) -> Response:
    kind, name = form.success
    if kind == "Member":
        body = json.dumps({name: [] if name.endswith(("s", "List")) else {}})
        return Response(body, content_type=f"application/x-amz-json-{form.version}")
    if kind == "Element":
        operation = form.operation
        return Response(f"<{operation}Response><{name}/></{operation}Response>", content_type="text/xml")
    if kind == "Status":
        return Response("", int(name))
    return Response("", 200, {name: "x"})
