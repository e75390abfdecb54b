#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["aws-cdk-lib==2.275.0"]
# ///
"""Gives the pipeline's role its policy, waits for the check, and only then makes a function of the pipeline.

The check is the function of template.yaml, deployed with GateOtherStacks=true and with ExistingRoleArn set to the role's
ARN. CloudFormation invokes it as a custom resource, and rolls this stack back where it does not pass.
"""

from aws_cdk import App, ArnFormat, CfnParameter, CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


class PipelineStack(Stack):
    """The role's policy, the gate, and what may only be deployed behind it."""

    def __init__(self, scope: Construct, construct_id: str, **options: object) -> None:
        super().__init__(scope, construct_id, **options)
        role = iam.Role.from_role_name(self, "PipelineRole", self.parameter("RoleName", "The role to check.", "lambda-ml-pipeline-role"))
        policy = iam.Policy(
            self, "PipelineAccessPolicy", policy_name="ml-pipeline-access-policy", roles=[role], statements=self.statements()
        )
        gate = CustomResource(
            self,
            "Gate",
            resource_type="Custom::PermissionsCheck",
            service_token=self.parameter(
                "ProbeFunctionArn",
                "FunctionArn, an output of the check's stack. It has to be in this stack's Region.",
                pattern="arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[a-zA-Z0-9_-]{1,64}",
            ),
            # Without it, CloudFormation waits for an hour for a function that never runs.
            service_timeout=Duration.seconds(120),
            properties={
                # CloudFormation asks again only when a property changes.
                "DeploymentId": self.parameter("DeploymentId", "Any text that differs from one deployment to the next."),
                # The options of an event. The policy is seconds old, so what is denied is tried again.
                "Probe": {"settleSeconds": 30},
            },
        )
        gate.node.add_dependency(policy)
        preprocess = lambda_.Function(
            self,
            "PreprocessLambda",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            role=role,
            code=lambda_.Code.from_inline("def handler(event, context):\n    return {'statusCode': 200}\n"),
        )
        # Without this, CloudFormation would make the function beside the gate.
        preprocess.node.add_dependency(gate)

    def parameter(self, name: str, description: str, default: str | None = None, pattern: str = ".+") -> str:
        """The value of a parameter of the stack."""
        return CfnParameter(self, name, description=description, default=default, allowed_pattern=pattern).value_as_string

    def statements(self) -> list:
        """The policy that the check expects: that of the guide, for the bucket and the table of the check's stack."""
        bucket = self.parameter("BucketName", "The pipeline's bucket, BucketName of the check's stack.")
        table = self.parameter("TableName", "The pipeline's table, TableName of the check's stack.", "ModelMetadata")
        bucket_arn = self.format_arn(service="s3", region="", account="", resource=bucket, arn_format=ArnFormat.NO_RESOURCE_NAME)
        table_arn = self.format_arn(service="dynamodb", resource="table", resource_name=table)
        return [
            allow([bucket_arn, f"{bucket_arn}/*"], "s3", "GetObject", "PutObject", "ListBucket"),
            allow([table_arn], "dynamodb", "PutItem", "UpdateItem", "GetItem", "Scan", "Query"),
            allow(["*"], "sagemaker", "CreateTrainingJob", "DescribeTrainingJob", "CreateModel", "CreateEndpoint", "InvokeEndpoint"),
            allow(["*"], "logs", "CreateLogGroup", "CreateLogStream", "PutLogEvents"),
        ]


def allow(resources: list, service: str, *actions: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[f"{service}:{action}" for action in actions], resources=resources)


app = App()
PipelineStack(app, "permissions-pipeline")
app.synth()
