"""Puts moto right where it answers the function otherwise than AWS.

Each correction stands beside the documented or observed behavior that it
restores. What is not corrected here is moto's own. What the deployment of the
template needs is in `moto_cloudformation`.
"""

import base64
import hashlib
import json
import re

from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.dynamodb.responses import DynamoHandler
from moto.iam import access_control
from moto.iam.models import iam_backends
from moto.logs.responses import LogsResponse
from moto.s3.exceptions import MissingKey, S3ClientError
from moto.s3.responses import S3Response
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.responses import SageMakerResponse
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse
from moto.sts.responses import TokenResponse
from werkzeug.exceptions import HTTPException

JSON_SERVICES = ("dynamodb", "logs", "sagemaker")


def correct() -> None:
    """Applies every correction to the moto of this process."""
    access_control.IAMRequestBase.check_action_permitted = check_action_permitted
    access_control.IAMRequest._raise_invalid_access_key = reject_credentials
    access_control.IAMPolicyStatement._check_element_matches = element_matches
    DynamoHandler._determine_resource = table_arn
    LogsResponse._determine_resource = log_group_arn
    SageMakerResponse._determine_resource = sagemaker_arn
    SageMakerRuntimeResponse._determine_resource = endpoint_arn
    SageMakerResponse.create_model = create_model
    SageMakerResponse.create_training_job = create_training_job
    SageMakerResponse.describe_training_job = describe_training_job
    SageMakerResponse.create_endpoint = create_endpoint
    SageMakerRuntimeResponse.invoke_endpoint = invoke_endpoint
    S3Response.put_object = put_object
    S3Response.get_object = get_object
    TokenResponse.assume_role = assume_role


# --- Authorization -----------------------------------------------------------


class Denied(HTTPException):
    """The denial of a JSON service: 400 with a code, where moto gives 403 in XML.

    Observed: DynamoDB, CloudWatch Logs and the SageMaker control plane deny with
    400 AccessDeniedException; SageMaker Runtime with 403.
    """

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(json.dumps({"__type": "AccessDeniedException", "message": sentence, "Message": sentence}))
        self.code = status


def decide(access_key, action: str, resource: str) -> str:
    """Evaluates the identity-based policies: "allowed", "implicit" or "explicit"."""
    results = [access_control.IAMPolicy(policy).is_action_permitted(action, resource) for policy in access_key.collect_policies()]
    if access_control.PermissionResult.DENIED in results:
        return "explicit"
    return "allowed" if access_control.PermissionResult.PERMITTED in results else "implicit"


def denial(principal: str, action: str, resource: str, decision: str) -> str:
    """The sentence of the IAM User Guide, "Troubleshoot access denied error messages"."""
    named = f'"{resource}"' if action.startswith("s3:") else resource
    reason = {
        "implicit": f"because no identity-based policy allows the {action} action",
        "explicit": "with an explicit deny in an identity-based policy",
    }[decision]
    return f"User: {principal} is not authorized to perform: {action} on resource: {named} {reason}"


def check_action_permitted(self, resource: str) -> None:
    # The one needs no permission, and the other looks into the role's trust policy as well: `assume_role`.
    if self._action in ("sts:GetCallerIdentity", "sts:AssumeRole"):
        return
    authorize(self._access_key, self._action, resource)


def access_key_of(response):
    """The caller of a request; nobody while IAM is not enforced."""
    if ActionAuthenticatorMixin.request_count < settings.INITIAL_NO_AUTH_ACTION_COUNT:
        return None
    key_id = response.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
    return access_control.create_access_key(response.current_account, "aws", key_id, response.headers)


def authorize(access_key, action: str, resource: str) -> None:
    decision = decide(access_key, action, resource)
    if decision == "allowed":
        return
    sentence = denial(access_key.arn, action, resource, decision)
    service = action.split(":", maxsplit=1)[0]
    if service == "s3":
        # S3 User Guide, "Troubleshoot access denied (403 Forbidden) errors".
        raise S3ClientError("AccessDenied", sentence)
    if service in JSON_SERVICES or service == "iam":
        raise Denied(sentence, 403 if action == "sagemaker:InvokeEndpoint" else 400)
    raise access_control.AccessDeniedError(user_arn=access_key.arn, action=action)


def reject_credentials(self, _reason: str) -> None:
    """Credentials that nobody has, in the form of each protocol (IAM and each service, "Common Errors")."""
    text = "The security token included in the request is invalid."
    if self._service in JSON_SERVICES:
        rejected = HTTPException(json.dumps({"__type": "UnrecognizedClientException", "message": text}))
        rejected.code = 400
    else:
        rejected = query_error("InvalidClientTokenId", text)
    raise rejected


def query_error(code: str, text: str) -> HTTPException:
    """An error of the Query protocol, which STS speaks."""
    error = HTTPException(
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
        "<RequestId>x</RequestId></ErrorResponse>"
    )
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

moto_create_training_job = SageMakerResponse.create_training_job
moto_describe_training_job = SageMakerResponse.describe_training_job
moto_create_endpoint = SageMakerResponse.create_endpoint


def pass_role(response, role_arn: str) -> None:
    """Handing a role to SageMaker needs iam:PassRole (aws/amazon-sagemaker-feedback#61), then a role."""
    if caller := access_key_of(response):
        authorize(caller, "iam:PassRole", role_arn)
    if not any(role.arn == role_arn for role in iam_backends[response.current_account]["aws"].roles.values()):
        raise ValidationError(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        )


def create_model(self):
    """No image exists here, and AWS refuses a model without one, in a text that public threads quote.

    A model can be asked for without a role (botocore's model of SageMaker), and then none is passed.
    """
    if role := self._get_param("ExecutionRoleArn"):
        pass_role(self, role)
    image = (self._get_param("PrimaryContainer") or {}).get("Image")
    raise ValidationError(f"Requested image {image} not found.")


def create_training_job(self):
    """Starts nothing under a role that does not exist, in a text that public threads quote."""
    pass_role(self, self._get_param("RoleArn"))
    return moto_create_training_job(self)


def describe_training_job(self):
    """The text for a job that does not exist, as public threads quote it."""
    try:
        return moto_describe_training_job(self)
    except ValidationError as error:
        if "Could not find training job" not in str(error):
            raise
        raise ValidationError("Requested resource not found.") from None


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


def trusted_by(role) -> set:
    """The principals of AWS that a role's trust policy allows to assume it."""
    trusted = set()
    for statement in json.loads(role.assume_role_policy_document)["Statement"]:
        principals = statement.get("Principal", {}).get("AWS", [])
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
