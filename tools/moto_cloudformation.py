"""Teaches moto's CloudFormation what the deployment of the template needs.

moto skips a type that it does not know with a warning, and calls the stack complete, where CloudFormation creates it or
the stack fails. The types below are those of the template that moto's services know and its CloudFormation does not.
"""

import uuid

from moto.awslambda.models import lambda_backends
from moto.cloudformation import parsing
from moto.cloudwatch.models import Dimension, Metric, MetricDataQuery, MetricStat, cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.scheduler.models import scheduler_backends

TAUGHT = []
SAVED_QUERIES = []


def teach() -> None:
    """Teaches moto's CloudFormation what the template needs. It has to come before the first stack."""
    parsing.clean_json = clean_json
    for kind, (name_property, create) in CREATED.items():
        # moto finds a class through its base, which does not keep it alive.
        TAUGHT.append(taught(kind, name_property, create))


def taught(kind: str, name_property: str, create) -> type:
    """A type of CloudFormation, by a function that makes a resource and returns its id and its ARN."""

    class Taught(CloudFormationModel):
        # moto takes the service from the second part.
        __module__ = "moto.cloudformation.as_aws"

        def __init__(self, physical_id: str, arn: str) -> None:
            self.physical_resource_id, self.arn = physical_id, arn

        @staticmethod
        def cloudformation_type() -> str:
            return kind

        @staticmethod
        def cloudformation_name_type() -> str:
            return name_property

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr == "Arn"

        def get_cfn_attribute(self, _attribute_name: str) -> str:
            return self.arn

        def is_created(self) -> bool:
            return True

        @classmethod
        def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
            return cls(*create(resource_name, cloudformation_json["Properties"], account_id, region_name))

    return Taught


moto_clean_json = parsing.clean_json


def clean_json(node, resources_map):
    """AWS::NoValue removes what it stands for (CloudFormation Template Reference, "Pseudo parameters"), in a list, too."""
    cleaned = moto_clean_json(node, resources_map)
    return [part for part in cleaned if part is not None] if isinstance(node, list) else cleaned


def create_alarm(name: str, wanted: dict, account: str, region: str) -> tuple:
    """The properties are PutMetricAlarm's parameters (CloudFormation Template Reference, AWS::CloudWatch::Alarm).

    An alarm is on a metric or, by Metrics, on the result of a math expression; then it has no metric of its own.
    """
    queries = [metric_query(query) for query in wanted.get("Metrics", [])]
    alarm = cloudwatch_backends[account][region].put_metric_alarm(
        name=name,
        namespace=wanted.get("Namespace"),
        metric_name=wanted.get("MetricName"),
        metric_data_queries=queries or None,
        dimensions=wanted.get("Dimensions", []),
        statistic=wanted.get("Statistic"),
        period=int(wanted["Period"]) if "Period" in wanted else None,
        evaluation_periods=int(wanted["EvaluationPeriods"]),
        datapoints_to_alarm=int(wanted["DatapointsToAlarm"]) if "DatapointsToAlarm" in wanted else None,
        comparison_operator=wanted["ComparisonOperator"],
        threshold=float(wanted["Threshold"]),
        treat_missing_data=wanted.get("TreatMissingData"),
        description=wanted.get("AlarmDescription", ""),
        alarm_actions=wanted.get("AlarmActions") or [],
        ok_actions=wanted.get("OKActions") or [],
    )
    return alarm.name, alarm.alarm_arn


def metric_query(query: dict) -> MetricDataQuery:
    """One of an alarm's Metrics, as moto's PutMetricAlarm makes it (CloudFormation Template Reference, MetricDataQuery)."""
    asked = query.get("MetricStat")
    metric = asked and Metric(
        metric_name=asked["Metric"]["MetricName"],
        namespace=asked["Metric"]["Namespace"],
        dimensions=[Dimension(name=part["Name"], value=part["Value"]) for part in asked["Metric"].get("Dimensions", [])],
    )
    return MetricDataQuery(
        query_id=query["Id"],
        label=query.get("Label"),
        period=query.get("Period"),
        return_data=query.get("ReturnData", True),
        expression=query.get("Expression"),
        metric_stat=asked and MetricStat(metric=metric, period=int(asked["Period"]), stat=asked["Stat"], unit=asked.get("Unit")),
    )


def create_schedule(name: str, wanted: dict, account: str, region: str) -> tuple:
    """The properties are CreateSchedule's parameters (CloudFormation Template Reference, AWS::Scheduler::Schedule)."""
    schedule = scheduler_backends[account][region].create_schedule(
        name=name,
        group_name=wanted.get("GroupName", "default"),
        description=wanted.get("Description"),
        schedule_expression=wanted["ScheduleExpression"],
        schedule_expression_timezone=wanted.get("ScheduleExpressionTimezone"),
        flexible_time_window=wanted["FlexibleTimeWindow"],
        state=wanted.get("State", "ENABLED"),
        target=wanted["Target"],
        start_date=None,
        end_date=None,
        kms_key_arn=None,
        action_after_completion=None,
    )
    return schedule.name, schedule.arn


def create_event_invoke_config(name: str, wanted: dict, account: str, region: str) -> tuple:
    """PutFunctionEventInvokeConfig has parameters of the same names (Lambda API Reference)."""
    limits = {key: int(wanted[key]) for key in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds") if key in wanted}
    lambda_backends[account][region].put_function_event_invoke_config(wanted["FunctionName"], limits)
    return name, ""


def create_query_definition(_name: str, wanted: dict, account: str, region: str) -> tuple:
    """Moto's CloudWatch Logs has no saved queries either: they are kept here as DescribeQueryDefinitions would give them."""
    query = {"queryDefinitionId": str(uuid.uuid4()), "name": wanted["Name"], "queryString": wanted["QueryString"]}
    SAVED_QUERIES.append({**query, "logGroupNames": wanted.get("LogGroupNames", [])})
    return query["queryDefinitionId"], ""


# The name property is the one that CloudFormation makes up a value for, where the template gives none.
CREATED = {
    "AWS::CloudWatch::Alarm": ("AlarmName", create_alarm),
    "AWS::Scheduler::Schedule": ("Name", create_schedule),
    "AWS::Lambda::EventInvokeConfig": ("", create_event_invoke_config),
    "AWS::Logs::QueryDefinition": ("", create_query_definition),
}
