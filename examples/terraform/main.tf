# Gives the pipeline's role its policy, waits for the check, and only then makes a function of the pipeline.
#
# The check is the function of template.yaml, deployed with ExistingRoleArn set to the role's ARN. Terraform invokes it
# like everything else does, so that it needs no GateOtherStacks.

terraform {
  # terraform_data came with 1.4.
  required_version = ">= 1.4"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "role_name" {
  description = "The pipeline's role, under which the check runs."
  type        = string
  default     = "lambda-ml-pipeline-role"
}

variable "probe_function_name" {
  description = "FunctionName of the check's stack."
  type        = string
  default     = "permissions-probe"
}

variable "bucket_name" {
  description = "The pipeline's bucket, BucketName of the check's stack."
  type        = string
}

variable "table_arn" {
  description = "The ARN of the pipeline's table, TableName of the check's stack."
  type        = string
}

variable "image_uri" {
  description = "The container image of PreprocessLambda."
  type        = string
}

data "aws_partition" "current" {}

data "aws_iam_role" "pipeline" {
  name = var.role_name
}

resource "aws_iam_role_policy" "pipeline" {
  name = "ml-pipeline-access-policy"
  role = data.aws_iam_role.pipeline.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = ["s3:GetObject", "s3:PutObject", "s3:ListBucket"]
        Resource = [
          "arn:${data.aws_partition.current.partition}:s3:::${var.bucket_name}",
          "arn:${data.aws_partition.current.partition}:s3:::${var.bucket_name}/*",
        ]
      },
      {
        Effect   = "Allow"
        Action   = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:GetItem", "dynamodb:Scan", "dynamodb:Query"]
        Resource = var.table_arn
      },
      {
        Effect = "Allow"
        Action = [
          "sagemaker:CreateTrainingJob",
          "sagemaker:DescribeTrainingJob",
          "sagemaker:CreateModel",
          "sagemaker:CreateEndpoint",
          "sagemaker:InvokeEndpoint",
        ]
        Resource = "*"
      },
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "*"
      },
    ]
  })
}

# A data source and not the resource of the same name: it is read again for every plan, and leaves no difference in one.
# Where the policy is about to change, it waits for the change. Otherwise the check already runs for the plan.
data "aws_lambda_invocation" "check" {
  function_name = var.probe_function_name

  input = jsonencode({
    probe = {
      # IAM is eventually consistent: for 30 seconds, what is denied is tried again.
      settleSeconds = 30
      # With it, a success has its report as well, which names the role.
      verbose = true
    }
  })

  depends_on = [aws_iam_role_policy.pipeline]
}

locals {
  check  = try(jsondecode(data.aws_lambda_invocation.check.result), {})
  status = try(local.check.statusCode, 0)
  role   = try(local.check.report.principal.role, "none")

  # What is wrong, and the policies to add.
  reason = join("\n", concat(
    [try(local.check.body, data.aws_lambda_invocation.check.result)],
    [for advice in try(local.check.report.advice, []) : jsonencode(advice.policy) if can(advice.policy)],
  ))
}

# What depends on it is neither made nor changed where the check is not passed. It is no condition of the data source,
# since Terraform would print the whole report beside the reason.
resource "terraform_data" "gate" {
  lifecycle {
    # 403: an action is denied. 503: the check cannot tell. It has yet another status where it could not run.
    precondition {
      condition     = local.status == 200
      error_message = local.reason
    }

    # What another role may do says nothing of this one.
    precondition {
      condition     = local.role == var.role_name
      error_message = "The check was not made of the role ${var.role_name}. Look at ExistingRoleArn of the check's stack."
    }
  }
}

resource "aws_lambda_function" "preprocess" {
  function_name = "PreprocessLambda"
  role          = data.aws_iam_role.pipeline.arn
  package_type  = "Image"
  image_uri     = var.image_uri

  depends_on = [terraform_data.gate]
}
