// The seventeen calls with the SDK for JavaScript, all at once.

import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  CreateEndpointCommand,
  CreateModelCommand,
  CreateTrainingJobCommand,
  DescribeTrainingJobCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker";
import { InvokeEndpointCommand, SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const BUCKET = "your-bucket-name";
const TABLE = "ModelMetadata";
const GROUP = "/aws/lambda/permissions-probe";
const STREAM = "2026/01/01/[$LATEST]abc";
const ABSENT = "permissions-probe-0";
const ROLE = `arn:aws:iam::123456789012:role/${ABSENT}`;
const IMAGE = `123456789012.dkr.ecr.us-east-1.amazonaws.com/${ABSENT}:absent`;
const KEY = { permissions_probe_absent: { S: "absent" } };
const GUARD = "attribute_exists(#guard) AND attribute_not_exists(#guard)";

// A checksum beyond what an operation requires would go out beside the wrong
// Content-MD5, which the other programs send alone.
const s3 = new S3Client({ forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" });
const dynamodb = new DynamoDBClient();
const sagemaker = new SageMakerClient();
const runtime = new SageMakerRuntimeClient();
const logs = new CloudWatchLogsClient();
const sts = new STSClient();

// A connection is free for the next call only once its body has been read.
const getObject = async () => {
  const answer = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: "training/data.csv", Range: "bytes=0-0" }));
  await answer.Body.transformToByteArray();
};

const calls = () => [
  sts.send(new GetCallerIdentityCommand()),
  getObject(),
  // The digest is that of nothing, so that the service refuses the object.
  s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: ABSENT, Body: "0", ContentMD5: "1B2M2Y8AsgTpgAmY7PhCfg==" })),
  s3.send(new ListObjectsV2Command({ Bucket: BUCKET, MaxKeys: 1 })),
  dynamodb.send(
    new PutItemCommand({
      TableName: TABLE,
      Item: KEY,
      ConditionExpression: GUARD,
      ExpressionAttributeNames: { "#guard": "permissions_probe_absent" },
    }),
  ),
  dynamodb.send(
    new UpdateItemCommand({
      TableName: TABLE,
      Key: KEY,
      UpdateExpression: "SET #guard = :value",
      ConditionExpression: GUARD,
      ExpressionAttributeNames: { "#guard": "permissions_probe_guard" },
      ExpressionAttributeValues: { ":value": { S: "absent" } },
    }),
  ),
  dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: KEY })),
  dynamodb.send(new ScanCommand({ TableName: TABLE, Limit: 1, Select: "COUNT" })),
  dynamodb.send(
    new QueryCommand({
      TableName: TABLE,
      Limit: 1,
      Select: "COUNT",
      KeyConditionExpression: "#key = :value",
      ExpressionAttributeNames: { "#key": "permissions_probe_absent" },
      ExpressionAttributeValues: { ":value": { S: "absent" } },
    }),
  ),
  sagemaker.send(
    new CreateTrainingJobCommand({
      TrainingJobName: ABSENT,
      RoleArn: ROLE,
      AlgorithmSpecification: { TrainingImage: IMAGE, TrainingInputMode: "File" },
      ResourceConfig: { InstanceType: "ml.m5.large", InstanceCount: 1, VolumeSizeInGB: 1 },
      StoppingCondition: { MaxRuntimeInSeconds: 60 },
      OutputDataConfig: { S3OutputPath: `s3://${BUCKET}/${ABSENT}` },
    }),
  ),
  sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: ABSENT })),
  sagemaker.send(
    new CreateModelCommand({ ModelName: ABSENT, ExecutionRoleArn: ROLE, PrimaryContainer: { Image: IMAGE } }),
  ),
  sagemaker.send(new CreateEndpointCommand({ EndpointName: ABSENT, EndpointConfigName: ABSENT })),
  runtime.send(new InvokeEndpointCommand({ EndpointName: ABSENT, ContentType: "application/json", Body: "{}" })),
  logs.send(new CreateLogGroupCommand({ logGroupName: GROUP })),
  logs.send(new CreateLogStreamCommand({ logGroupName: GROUP, logStreamName: STREAM })),
  logs.send(
    new PutLogEventsCommand({
      logGroupName: GROUP,
      logStreamName: STREAM,
      logEvents: [{ timestamp: 0, message: "permissions-probe" }],
    }),
  ),
];

export const handler = async () => {
  const outcomes = await Promise.allSettled(calls());
  // The SDK says whose fault an error was only where a service answered with it;
  // any other, such as a connection that cannot be made, ends the invocation.
  const failure = outcomes.find(({ reason }) => reason && !reason.$fault);
  if (failure) {
    throw failure.reason;
  }
  return { statusCode: 200 };
};
