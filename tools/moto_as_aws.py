"""Puts moto right where it answers the function otherwise than AWS.

Each correction stands beside the documented or observed behavior that it
restores. What is not corrected here is moto's own. What the deployment of the
template needs is in `moto_cloudformation`, and what concerns the requests that
the program has as data is in `moto_forms`.
"""

import base64
import hashlib
import json
import re
import threading
import uuid
from xml.sax.saxutils import escape

from moto import settings
from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.responses import LambdaResponse
from moto.core.authorization import ActionAuthenticatorMixin
from moto.dynamodb.responses import DynamoHandler
from moto.ecr.models import ecr_backends
from moto.ecr.responses import ECRResponse
from moto.iam import access_control
from moto.iam.models import iam_backends
from moto.kms.responses import KmsResponse
from moto.logs.responses import LogsResponse
from moto.s3.exceptions import MissingKey, S3ClientError
from moto.s3.models import s3_backends
from moto.s3.responses import S3Response
from moto.sagemaker.exceptions import ResourceNotFound, ValidationError
from moto.sagemaker.models import sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse
from moto.sts.responses import TokenResponse
from werkzeug.exceptions import HTTPException

# The services that speak AWS JSON (botocore's models of them: `protocol` json).
JSON_SERVICES = (
    "cognito-idp",
    "dynamodb",
    "ecr",
    "events",
    "glue",
    "kinesis",
    "kms",
    "logs",
    "sagemaker",
    "secretsmanager",
    "sqs",
    "ssm",
    "states",
)

# What the thread knows of the request that it answers: `service` and `is_rest` say how it came, `asked` the actions and
# resources that it is authorized on, where they are known better than by moto, and `headers` what goes with the answer.
# moto sets `met` as it comes to the authorization.
REQUEST = threading.local()


def begin(service: str, is_rest: bool, asked: list) -> None:
    """Begins a request of this thread."""
    REQUEST.service, REQUEST.is_rest, REQUEST.asked = service, is_rest, asked
    REQUEST.headers, REQUEST.met = {}, False


def correct() -> None:
    """Applies every correction to the moto of this process."""
    access_control.IAMRequestBase.check_action_permitted = check_action_permitted
    access_control.IAMRequest._raise_invalid_access_key = reject_credentials
    access_control.IAMRequestBase._create_aws_request = create_aws_request
    access_control.IAMPolicyStatement._check_element_matches = element_matches
    ActionAuthenticatorMixin._authenticate_and_authorize_action = authenticate_and_authorize
    DynamoHandler._determine_resource = table_arn
    LogsResponse._determine_resource = log_group_arn
    SageMakerResponse._determine_resource = sagemaker_arn
    SageMakerRuntimeResponse._determine_resource = endpoint_arn
    SageMakerResponse.create_model = create_model
    SageMakerResponse.create_training_job = create_training_job
    SageMakerResponse.create_processing_job = create_processing_job
    SageMakerResponse.create_transform_job = create_transform_job
    SageMakerResponse.create_endpoint_config = create_endpoint_config
    SageMakerResponse.create_model_package = create_model_package
    SageMakerResponse.describe_training_job = describe_training_job
    SageMakerResponse.create_endpoint = create_endpoint
    SageMakerResponse.describe_feature_group = describe_feature_group
    SageMakerRuntimeResponse.invoke_endpoint = invoke_endpoint
    SageMakerRuntimeResponse.invoke_endpoint_async = invoke_endpoint
    S3Response.put_object = put_object
    S3Response.get_object = get_object
    for name in ON_AN_OBJECT:
        setattr(S3Response, name, on_an_object(getattr(S3Response, name)))
    LambdaResponse.invoke = invoke_function
    ECRResponse.get_download_url_for_layer = get_download_url_for_layer
    for name in WITH_A_DRY_RUN:
        setattr(KmsResponse, name, with_a_dry_run(getattr(KmsResponse, name)))
    TokenResponse.assume_role = assume_role


# --- Authorization -----------------------------------------------------------


class Denied(HTTPException):
    """A denial in the form of the service that was asked, where moto gives 403 in XML that most SDKs cannot read."""

    def __init__(self, sentence: str) -> None:
        status, headers, body = denied(getattr(REQUEST, "service", ""), getattr(REQUEST, "is_rest", False), sentence)
        super().__init__(body)
        self.code = status
        REQUEST.headers = headers


def denied(service: str, is_rest: bool, sentence: str) -> tuple:
    """The status, the headers and the body of a denial.

    Observed: DynamoDB, CloudWatch Logs and the SageMaker control plane deny with 400 AccessDeniedException; SageMaker
    Runtime with 403. Lambda's API Reference, "Common Errors", has 403 for AccessDeniedException, and the REST-JSON protocol
    names the error in a header (Smithy, "AWS restJson1 protocol"). DynamoDB and SQS put the namespace of the error before
    its name (DynamoDB Developer Guide, "Error handling"; Smithy, "AWS JSON 1.0 protocol"). SQS adds the code of its older
    Query protocol (Smithy, "AWS query compatible"). EC2 and SNS have codes of their own (EC2 API Reference, "Error codes";
    crates/core/tests/data/denials.jsonl, where threads quote AuthorizationError).
    """
    if service == "ec2":
        text = f"You are not authorized to perform this operation. {sentence}"
        return 403, {"Content-Type": "text/xml;charset=UTF-8"}, ec2_error("UnauthorizedOperation", text)
    if service in JSON_SERVICES and not is_rest:
        name = "AccessDeniedException"
        kind = f"com.amazon.coral.service#{name}" if service in ("dynamodb", "sqs") else name
        headers = {"x-amzn-query-error": "AccessDenied;Sender"} if service == "sqs" else {}
        body = {"__type": kind, "message": sentence, "Message": sentence}
        # botocore's models of the services: `jsonVersion`.
        version = "1.0" if service in ("dynamodb", "sqs", "states") else "1.1"
        return 400, {"Content-Type": f"application/x-amz-json-{version}", **headers}, json.dumps(body)
    if is_rest:
        headers = {"Content-Type": "application/json", "x-amzn-errortype": "AccessDeniedException"}
        return 403, headers, json.dumps({"Message": sentence})
    code = "AuthorizationError" if service == "sns" else "AccessDenied"
    return 403, {"Content-Type": "text/xml"}, query_body(code, sentence)


def query_body(code: str, text: str) -> str:
    """An error of the Query protocol (Smithy, "AWS query protocol")."""
    return (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )


def ec2_error(code: str, text: str) -> str:
    """An error of EC2 (EC2 API Reference, "Error codes", which shows this form)."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(text)}</Message></Error></Errors>"
        f"<RequestID>{uuid.uuid4()}</RequestID></Response>"
    )


def decide(access_key, action: str, resource: str) -> str:
    """Evaluates the identity-based policies of a caller: "allowed", "implicit" or "explicit"."""
    return decide_by(access_key.collect_policies(), action, resource)


def decide_by(policies: list, action: str, resource: str) -> str:
    results = [access_control.IAMPolicy(policy).is_action_permitted(action, resource) for policy in policies]
    if access_control.PermissionResult.DENIED in results:
        return "explicit"
    return "allowed" if access_control.PermissionResult.PERMITTED in results else "implicit"


def denial(principal: str, action: str, resource: str, decision: str) -> str:
    """The sentence of the IAM User Guide, "Troubleshoot access denied error messages".

    SQS writes the whole action in small letters, and SNS its own name in capital ones, as threads quote them
    (crates/core/tests/data/denials.jsonl).
    """
    named = f'"{resource}"' if action.startswith("s3:") else resource
    if action.startswith("sqs:"):
        action = action.lower()
    if action.startswith("sns:"):
        action = action.replace("sns:", "SNS:", 1)
    reason = {
        "implicit": f"because no identity-based policy allows the {action} action",
        "explicit": "with an explicit deny in an identity-based policy",
    }[decision]
    return f"User: {principal} is not authorized to perform: {action} on resource: {named} {reason}"


def check_action_permitted(self, resource: str) -> None:
    # The one needs no permission, and the other looks into the role's trust policy as well: `assume_role`.
    if self._action in ("sts:GetCallerIdentity", "sts:AssumeRole"):
        return
    # CloudWatch signs as `monitoring`, and its actions begin with `cloudwatch` (Service Authorization Reference).
    action = self._action.replace("monitoring:", "cloudwatch:", 1)
    for asked in getattr(REQUEST, "asked", None) or [(action, resource)]:
        authorize(self._access_key, *asked)


moto_create_aws_request = access_control.IAMRequestBase._create_aws_request


def create_aws_request(self):
    """What is signed of a request without a body is the digest of nothing (IAM User Guide, "Create a signed AWS API request").

    moto takes the parameters that it has found elsewhere, which is right only for a form, whose body has been read.
    """
    if not self._headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        self._data = b""
    return moto_create_aws_request(self)


moto_authenticate_and_authorize = ActionAuthenticatorMixin._authenticate_and_authorize_action


def authenticate_and_authorize(self, *arguments, **options):
    """Notes that moto has come as far as this: it does not for what it has no path for."""
    REQUEST.met = True
    return moto_authenticate_and_authorize(self, *arguments, **options)


def access_key_of(response):
    """The caller of a request; nobody while IAM is not enforced."""
    if not is_enforced():
        return None
    key_id = response.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
    return access_control.create_access_key(response.current_account, "aws", key_id, response.headers)


def is_enforced() -> bool:
    return ActionAuthenticatorMixin.request_count >= settings.INITIAL_NO_AUTH_ACTION_COUNT


def authorize(access_key, action: str, resource: str) -> None:
    decision = decide(access_key, action, resource)
    if decision == "allowed":
        return
    sentence = denial(access_key.arn, action, resource, decision)
    if action.startswith("s3:"):
        # S3 User Guide, "Troubleshoot access denied (403 Forbidden) errors".
        raise S3ClientError("AccessDenied", sentence)
    raise Denied(sentence)


def reject_credentials(self, _reason: str) -> None:
    """Credentials that nobody has, in the form of each protocol (IAM and each service, "Common Errors")."""
    text = "The security token included in the request is invalid."
    if self._service == "ec2":
        raise access_control.AuthFailureError
    if getattr(REQUEST, "is_rest", False):
        REQUEST.headers = {"Content-Type": "application/json", "x-amzn-errortype": "UnrecognizedClientException"}
        rejected = HTTPException(json.dumps({"message": text}))
        rejected.code = 403
    elif self._service in JSON_SERVICES:
        rejected = HTTPException(json.dumps({"__type": "UnrecognizedClientException", "message": text}))
        rejected.code = 400
    else:
        rejected = query_error("InvalidClientTokenId", text)
    raise rejected


def query_error(code: str, text: str) -> HTTPException:
    """An error of the Query protocol, which STS speaks."""
    error = HTTPException(query_body(code, text))
    error.code = 403
    return error


def element_matches(self, element: str, value: str) -> bool:
    """IAM User Guide: `*` and `?` are the wildcards, and actions have no case."""
    patterns = self._statement[element]
    flags = re.IGNORECASE if element in ("Action", "NotAction") else 0
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(expression, value, flags | re.DOTALL):
            return True
    return False


# --- The resource of a request, where moto authorizes against "*" -------------
# Service Authorization Reference, "Resource types defined by …".


def arn(response, service: str, resource: str) -> str:
    return f"arn:aws:{service}:{response.region}:{response.current_account}:{resource}"


def parameters(response) -> dict:
    try:
        return json.loads(response.raw_body or b"{}")
    except ValueError:
        return {}


def table_arn(self) -> str:
    table = parameters(self).get("TableName")
    if table and table.startswith("arn:"):
        return table
    return arn(self, "dynamodb", f"table/{table}") if table else "*"


def log_group_arn(self) -> str:
    asked = parameters(self)
    group = asked.get("logGroupName", "*")
    stream = asked.get("logStreamName")
    return arn(self, "logs", f"log-group:{group}:log-stream:{stream or ''}")


def sagemaker_arn(self) -> str:
    asked = parameters(self)
    for key, kind in (
        ("TrainingJobName", "training-job"),
        ("ModelName", "model"),
        ("EndpointName", "endpoint"),
        ("EndpointConfigName", "endpoint-config"),
    ):
        if key in asked:
            return arn(self, "sagemaker", f"{kind}/{asked[key].lower()}")
    return "*"


def endpoint_arn(self) -> str:
    return arn(self, "sagemaker", f"endpoint/{endpoint_name(self).lower()}")


def endpoint_name(self) -> str:
    return self.path.split("/")[2]


# --- SageMaker: what a request meets after it has been authorized --------------

moto_create_model = SageMakerResponse.create_model
moto_create_training_job = SageMakerResponse.create_training_job
moto_create_processing_job = SageMakerResponse.create_processing_job
moto_create_transform_job = SageMakerResponse.create_transform_job
moto_create_endpoint_config = SageMakerResponse.create_endpoint_config
moto_create_model_package = SageMakerResponse.create_model_package
moto_describe_training_job = SageMakerResponse.describe_training_job
moto_describe_feature_group = SageMakerResponse.describe_feature_group
moto_create_endpoint = SageMakerResponse.create_endpoint


def pass_role(response, role_arn: str):
    """Handing a role to SageMaker needs iam:PassRole (aws/amazon-sagemaker-feedback#61), then a role that trusts it."""
    if caller := access_key_of(response):
        authorize(caller, "iam:PassRole", role_arn)
    roles = iam_backends[response.current_account]["aws"].roles.values()
    role = next((role for role in roles if role.arn == role_arn), None)
    # The same words for both (awslabs/predictive-maintenance-using-machine-learning#3).
    if not role or "sagemaker.amazonaws.com" not in trusted_by(role, "Service"):
        raise ValidationError(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        )
    return role


def may(role, action: str, resource: str) -> bool:
    """Whether the role's own policies allow it."""
    return decide_by([*role.policies.values(), *role.managed_policies.values()], action, resource) == "allowed"


def create_model(self):
    """What a model is made of is looked at with the role that it gets: its image, then its data.

    The texts are those of public threads: aws-samples/easy-amazon-sagemaker-deployments#4 (no image), public files (cannot
    pull, could not find model data), aws-samples/llm-sagemaker-sample#2 (could not access model data). Their order is
    inferred. A model can be asked for without a role (botocore's model of SageMaker), and then none is passed.
    """
    role_arn = self._get_param("ExecutionRoleArn")
    role = pass_role(self, role_arn) if role_arn else None
    container = self._get_param("PrimaryContainer") or {}
    find_image(self, role, container.get("Image"))
    if url := container.get("ModelDataUrl"):
        find_model_data(self, role, url)
    if self._get_param("ModelName") in sagemaker_backends[self.current_account][self.region]._models:
        raise ValidationError(f'Cannot create already existing model "{arn(self, "sagemaker", "model/")}{self._get_param("ModelName")}".')
    return moto_create_model(self)


# What pulling an image takes (SageMaker Developer Guide, "SageMaker AI Roles", CreateModel API: Execution Role Permissions).
PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:@]+)(?:[:@](.+))?")


def find_image(response, role, image: str | None) -> None:
    """The image is in a repository of this account, and the role may pull it."""
    named = IMAGE.fullmatch(image or "")
    repository = named and named[1] == response.current_account and ecr_backends[named[1]][named[2]].repositories.get(named[3])
    # Who may not pull learns nothing of the image: AWS looks with the role.
    pulled = f"arn:aws:ecr:{named[2]}:{named[1]}:repository/{named[3]}" if named else "*"
    if repository and role:
        allowed = all(may(role, action, pulled) for action in PULL) and may(role, "ecr:GetAuthorizationToken", "*")
        if not allowed:
            raise ValidationError(
                f"Role {role.arn} cannot pull {image}. Ensure that the role exists and the image was granted pull permission."
            )
    tag = (named and named[4]) or "latest"
    images = repository.images if repository else []
    if not any(tag in found.image_tags or tag == found.get_image_digest() for found in images):
        raise ValidationError(f"Requested image {image} not found.")


def find_model_data(response, role, url: str) -> None:
    """The object is there, and the role may read it; who may not list cannot tell an absent one (S3 API Reference, GetObject)."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    buckets = s3_backends[response.current_account]["aws"].buckets
    found = bucket in buckets and key in buckets[bucket].keys
    readable = role and may(role, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    if not readable or not (found or may(role, "s3:ListBucket", f"arn:aws:s3:::{bucket}")):
        name = role.arn if role else None
        raise ValidationError(
            f'Could not access model data at {url}. Please ensure that the role "{name}" exists and that its trust '
            'relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". '
            'Also ensure that the role has "s3:GetObject" permissions and that the object is located in '
            f"{response.region}."
        )
    if not found:
        raise ValidationError(f"Could not find model data at {url}.")


def create_training_job(self):
    """Starts nothing under a role that does not exist, in a text that public threads quote."""
    pass_role(self, self._get_param("RoleArn"))
    return moto_create_training_job(self)


def create_processing_job(self):
    """Inferred: as CreateTrainingJob, which is its sibling."""
    pass_role(self, self._get_param("RoleArn"))
    return moto_create_processing_job(self)


def find_model(response, name: str) -> None:
    """The text begins as public threads quote it for DescribeModel and CreateEndpointConfig."""
    if name not in sagemaker_backends[response.current_account][response.region]._models:
        raise ValidationError(f'Could not find model "{arn(response, "sagemaker", f"model/{name}")}".')


def create_transform_job(self):
    """Inferred: a transform job is refused whose model does not exist, with the text of an endpoint configuration."""
    find_model(self, self._get_param("ModelName"))
    return moto_create_transform_job(self)


def create_endpoint_config(self):
    """The text for a model that does not exist is that of `crates/core/src/form/sagemaker.rs`, from public threads."""
    for variant in self._get_param("ProductionVariants") or []:
        find_model(self, variant.get("ModelName"))
    return moto_create_endpoint_config(self)


def create_model_package(self):
    """A version needs its group, in words that are inferred from those of DescribeModelPackageGroup."""
    group = self._get_param("ModelPackageGroupName")
    groups = sagemaker_backends[self.current_account][self.region].model_package_groups
    if group and group not in groups:
        raise ValidationError(f"ModelPackageGroup {arn(self, 'sagemaker', f'model-package-group/{group}')} does not exist.")
    return moto_create_model_package(self)


def describe_training_job(self):
    """The text for a job that does not exist, as public threads quote it."""
    try:
        return moto_describe_training_job(self)
    except ValidationError as error:
        if "Could not find training job" not in str(error):
            raise
        raise ValidationError("Requested resource not found.") from None


def describe_feature_group(self):
    """Moto fails on a group that does not exist; ResourceNotFound is what DescribeFeatureGroup's API reference lists."""
    name = arn(self, "sagemaker", f"feature-group/{self._get_param('FeatureGroupName').lower()}")
    if name not in sagemaker_backends[self.current_account][self.region].feature_groups:
        raise ResourceNotFound(message=f"Resource {name} was not found.")
    return moto_describe_feature_group(self)


def create_endpoint(self):
    """Both the endpoint and its configuration are authorized (Service Authorization Reference, Amazon SageMaker)."""
    if caller := access_key_of(self):
        name = self._get_param("EndpointConfigName")
        authorize(caller, "sagemaker:CreateEndpoint", arn(self, "sagemaker", f"endpoint-config/{name.lower()}"))
    return moto_create_endpoint(self)


def invoke_endpoint(self):
    """An endpoint that does not exist answers with an error (aws/amazon-sagemaker-examples#293), not with a result."""
    message = f"Endpoint {endpoint_name(self)} of account {self.current_account} not found."
    body = {"__type": "ValidationError", "Message": message, "message": message}
    return 400, {"status": 400, "x-amzn-errortype": "ValidationError"}, json.dumps(body)


# --- STS -----------------------------------------------------------------------

moto_assume_role = TokenResponse.assume_role


def assume_role(self):
    """A role is assumed by whom its trust policy names, or by whom a policy of its own allows to if it names the account.

    IAM User Guide, "Policy evaluation logic" and "AWS JSON policy elements: Principal". A role that does not exist is denied
    in the same words, and AWS does not say which policy it was (aws/karpenter-provider-aws#4680).
    """
    if caller := access_key_of(self):
        target = self._get_param("RoleArn")
        roles = iam_backends[self.current_account]["aws"].roles.values()
        role = next((role for role in roles if role.arn == target), None)
        own = f"arn:aws:iam::{self.current_account}:role/{caller.arn.split('/')[1]}"
        trusted = trusted_by(role) if role else set()
        decision = decide(caller, "sts:AssumeRole", target)
        account = {f"arn:aws:iam::{self.current_account}:root", self.current_account} & trusted
        if decision == "explicit" or not (own in trusted or (account and decision == "allowed")):
            sentence = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {target}"
            raise query_error("AccessDenied", sentence)
    return moto_assume_role(self)


def trusted_by(role, kind: str = "AWS") -> set:
    """The principals of a kind, `AWS` or `Service`, that a role's trust policy allows to assume it."""
    trusted = set()
    document = role.assume_role_policy_document
    for statement in (json.loads(document) if isinstance(document, str) else document)["Statement"]:
        principals = statement.get("Principal", {}).get(kind, [])
        if statement["Effect"] == "Allow" and "sts:AssumeRole" in statement["Action"]:
            trusted |= {principals} if isinstance(principals, str) else set(principals)
    return trusted


# --- S3 ------------------------------------------------------------------------

moto_put_object = S3Response.put_object
moto_get_object = S3Response.get_object


def put_object(self):
    """An object whose digest does not match is not stored (S3 API Reference, "Error responses")."""
    digest = self.headers.get("Content-MD5")
    if digest and base64.b64encode(hashlib.md5(self.body or b"").digest()).decode() != digest:
        raise S3ClientError("BadDigest", "The Content-MD5 you specified did not match what we received.")
    return moto_put_object(self)


def get_object(self):
    """A missing object is a 404 only for those who may list the bucket (S3 API Reference, GetObject)."""
    try:
        return moto_get_object(self)
    except MissingKey:
        if caller := access_key_of(self):
            authorize(caller, "s3:ListBucket", f"arn:aws:s3:::{self.bucket_name}")
        raise


# The operations on what belongs to an object: they need one (S3 API Reference, PutObjectTagging and its siblings).
ON_AN_OBJECT = ("put_object_acl", "get_object_acl", "put_object_tagging", "put_object_legal_hold", "put_object_retention")


def on_an_object(operation):
    def checked(self):
        version = self._get_param("versionId")
        if not s3_backends[self.current_account]["aws"].get_object(self.bucket_name, self.parse_key_name(), version):
            raise MissingKey(self.parse_key_name())
        return operation(self)

    return checked


def get_download_url_for_layer(self):
    """No image here has layers (Amazon ECR API Reference, GetDownloadUrlForLayer: LayersNotFoundException)."""
    self.ecr_backend._get_repository(self._get_param("repositoryName"), self._get_param("registryId"))
    body = {"__type": "LayersNotFoundException", "message": "The specified layers could not be found."}
    return 400, {"status": 400}, json.dumps(body)


# --- Lambda and KMS: a dry run authorizes and stops ------------------------------

moto_invoke_function = LambdaResponse.invoke


def invoke_function(self):
    """A dry run answers 204 (Lambda API Reference, Invoke: InvocationType), and of a function that is not there, 404."""
    if self.headers.get("X-Amz-Invocation-Type") != "DryRun":
        return moto_invoke_function(self)
    name = self.path.rsplit("/", 2)[-2]
    try:
        self.backend.get_function(name)
    except UnknownFunctionException:
        missing = name if name.startswith("arn:") else arn(self, "lambda", f"function:{name}")
        body = {"Type": "User", "Message": f"Function not found: {missing}"}
        headers = {"status": 404, "x-amzn-errortype": "ResourceNotFoundException", "Content-Type": "application/json"}
        return 404, headers, json.dumps(body)
    return 204, {"status": 204}, ""


WITH_A_DRY_RUN = ("create_grant", "decrypt", "encrypt", "generate_data_key")


def with_a_dry_run(operation):
    """The request would have succeeded, but was a dry run (KMS API Reference, DryRunOperationException, 400)."""

    def checked(self):
        if not self._get_param("DryRun"):
            return operation(self)
        if key := self._get_param("KeyId"):
            self._validate_key_id(key)
        text = "The request would have succeeded, but the DryRun option is set."
        return 400, {"status": 400}, json.dumps({"__type": "DryRunOperationException", "message": text})

    return checked
