"""The seventeen calls with boto3, one after the other.

An error that a service answers with counts as an answer; anything else, such
as a connection that cannot be made, ends the invocation.
"""

import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = "your-bucket-name"
TABLE = "ModelMetadata"
GROUP = "/aws/lambda/permissions-probe"
STREAM = "2026/01/01/[$LATEST]abc"
ABSENT = "permissions-probe-0"
ROLE = f"arn:aws:iam::123456789012:role/{ABSENT}"
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{ABSENT}:absent"
KEY = {"permissions_probe_absent": {"S": "absent"}}
GUARD = "attribute_exists(#guard) AND attribute_not_exists(#guard)"

# Lambda sets AWS_REGION and AWS_DEFAULT_REGION, and boto3 reads only the latter
# by itself, so that naming the former makes either environment do.
session = boto3.Session(region_name=os.environ["AWS_REGION"])
# A checksum beyond what an operation requires would go out beside the wrong
# Content-MD5, which the other programs send alone.
s3 = session.client("s3", config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"))
dynamodb = session.client("dynamodb")
sagemaker = session.client("sagemaker")
runtime = session.client("sagemaker-runtime")
logs = session.client("logs")
sts = session.client("sts")

CALLS = [
    (sts.get_caller_identity, {}),
    (s3.get_object, {"Bucket": BUCKET, "Key": "training/data.csv", "Range": "bytes=0-0"}),
    # The digest is that of nothing, so that the service refuses the object.
    (s3.put_object, {"Bucket": BUCKET, "Key": ABSENT, "Body": b"0", "ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}),
    (s3.list_objects_v2, {"Bucket": BUCKET, "MaxKeys": 1}),
    (
        dynamodb.put_item,
        {
            "TableName": TABLE,
            "Item": KEY,
            "ConditionExpression": GUARD,
            "ExpressionAttributeNames": {"#guard": "permissions_probe_absent"},
        },
    ),
    (
        dynamodb.update_item,
        {
            "TableName": TABLE,
            "Key": KEY,
            "UpdateExpression": "SET #guard = :value",
            "ConditionExpression": GUARD,
            "ExpressionAttributeNames": {"#guard": "permissions_probe_guard"},
            "ExpressionAttributeValues": {":value": {"S": "absent"}},
        },
    ),
    (dynamodb.get_item, {"TableName": TABLE, "Key": KEY}),
    (dynamodb.scan, {"TableName": TABLE, "Limit": 1, "Select": "COUNT"}),
    (
        dynamodb.query,
        {
            "TableName": TABLE,
            "Limit": 1,
            "Select": "COUNT",
            "KeyConditionExpression": "#key = :value",
            "ExpressionAttributeNames": {"#key": "permissions_probe_absent"},
            "ExpressionAttributeValues": {":value": {"S": "absent"}},
        },
    ),
    (
        sagemaker.create_training_job,
        {
            "TrainingJobName": ABSENT,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{ABSENT}"},
        },
    ),
    (sagemaker.describe_training_job, {"TrainingJobName": ABSENT}),
    (
        sagemaker.create_model,
        {"ModelName": ABSENT, "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}},
    ),
    (sagemaker.create_endpoint, {"EndpointName": ABSENT, "EndpointConfigName": ABSENT}),
    (runtime.invoke_endpoint, {"EndpointName": ABSENT, "ContentType": "application/json", "Body": b"{}"}),
    (logs.create_log_group, {"logGroupName": GROUP}),
    (logs.create_log_stream, {"logGroupName": GROUP, "logStreamName": STREAM}),
    (
        logs.put_log_events,
        {
            "logGroupName": GROUP,
            "logStreamName": STREAM,
            "logEvents": [{"timestamp": 0, "message": "permissions-probe"}],
        },
    ),
]


def handler(event, context):
    for call, parameters in CALLS:
        try:
            answer = call(**parameters)
        except ClientError:
            continue
        # A connection goes back to its pool only once its body has been read.
        if "Body" in answer:
            answer["Body"].read()
    return {"statusCode": 200}
