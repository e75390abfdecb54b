"""Combinations of the template's parameters that its Rules allow, and what CloudFormation would create under each."""

import copy
import itertools
import json
import re
import sys

from tools.checks import rules

# Values of the parameters that conditions look at and that have no list of allowed values.
SAMPLES = {
    "TableKey": ["", "modelId:S"],
    "CodeDeployApplication": ["", "pipeline"],
    "ReservedConcurrency": ["", "2"],
    "ExistingRoleArn": ["", "arn:aws:iam::123456789012:role/existing"],
    "ExpectedRegion": ["", "eu-west-1"],
    "AssumeRoleArn": ["", "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role"],
    "AlarmTopicArn": ["", "arn:aws:sns:us-east-1:123456789012:alarms"],
    "AlarmEmail": ["", "someone@example.com"],
    "ChatTopicArn": ["", "arn:aws:sns:us-east-1:123456789012:chat"],
    "ChatTopicKeyArn": ["", "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
    "PipelineFunctionArns": ["", "arn:aws:lambda:us-east-1:123456789012:function:PreprocessLambda"],
    "CheckFunctionArns": ["", "arn:aws:lambda:us-east-1:123456789012:function:a,arn:aws:lambda:us-east-1:123456789012:function:b"],
}


def factors(template: dict) -> dict:
    """The values to try of each parameter that a condition looks at, its default first."""
    names = sorted(set(re.findall(r'"Ref": "(\w+)"', json.dumps(template["Conditions"]))) & set(template["Parameters"]))
    values = {}
    for name in names:
        parameter = template["Parameters"][name]
        allowed = parameter.get("AllowedValues") or SAMPLES.get(name)
        if not allowed:
            sys.exit(f"error: a condition looks at {name}; add values of it to SAMPLES in tools/checks/combinations.py")
        default = str(parameter["Default"])
        values[name] = [default, *(str(value) for value in allowed if str(value) != default)]
    return values


def cover(template: dict, parameters: dict, strength: int) -> list:
    """Combinations that the rules allow, in which every `strength` values of as many parameters occur together, the defaults first."""

    def groups(combination: dict) -> set:
        return set(itertools.combinations(sorted(combination.items()), strength))

    def closed(combination: dict, name: str) -> int:
        """How many open groups a parameter's value closes."""
        item = (name, combination[name])
        return sum(group <= combination.items() for group in map(set, open_groups) if item in group)

    open_groups = {
        tuple(zip(names, values, strict=True))
        for names in itertools.combinations(sorted(parameters), strength)
        for values in itertools.product(*(parameters[name] for name in names))
    }
    chosen = [{name: values[0] for name, values in parameters.items()}]
    open_groups -= groups(chosen[0])
    while open_groups:
        # Begins with a group that is still open, then gives each parameter the value that closes the most others.
        group = dict(min(open_groups))
        combination = dict(group)
        for name in (name for name in parameters if name not in combination):
            combination[name] = max(parameters[name], key=lambda value: closed(combination | {name: value}, name))
        combination = allowed(template, parameters, combination, group)
        if not combination:
            # The rules refuse this group in any company.
            open_groups.remove(tuple(sorted(group.items())))
            continue
        chosen.append({name: combination[name] for name in parameters})
        open_groups -= groups(combination)
    return chosen


def allowed(template: dict, parameters: dict, combination: dict, group: dict) -> dict:
    """The combination, changed outside the group as little as the rules ask for; nothing if they refuse the group."""
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    while broken := rules.broken(template, defaults | combination):
        # What one rule asks for, another that looks at the same parameter may refuse.
        together = rules.connected(template, min(broken))
        free = sorted(set().union(*(rules.mentioned(template["Rules"][name]) for name in together)) & set(parameters) - set(group))
        changed = (combination | dict(zip(free, values, strict=True)) for values in itertools.product(*(parameters[name] for name in free)))
        holding = [candidate for candidate in changed if not together & set(rules.broken(template, defaults | candidate))]
        if not holding:
            return {}
        combination = max(holding, key=lambda candidate: len(candidate.items() & combination.items()))
    return combination


def resolve(template: dict, combination: dict) -> dict:
    """What CloudFormation would create under a combination: no conditions are left."""
    resolved = copy.deepcopy(template)
    for name, value in combination.items():
        resolved["Parameters"][name]["Default"] = value
        resolved["Parameters"][name]["AllowedValues"] = [value]

    def value(node: object) -> object:
        if not isinstance(node, dict):
            return node
        (function, operands), *_ = node.items()
        if function == "Ref":
            return resolved["Parameters"][operands]["Default"]
        if function == "Condition":
            return value(template["Conditions"][operands])
        if function == "Fn::Not":
            return not value(operands[0])
        if function == "Fn::And":
            return all(map(value, operands))
        if function == "Fn::Or":
            return any(map(value, operands))
        if function == "Fn::Equals":
            return str(value(operands[0])) == str(value(operands[1]))
        if function == "Fn::Join":
            return value(operands[1])
        sys.exit(f"error: tools/checks/combinations.py does not know {function} in a condition")

    def prune(node: object) -> object:
        """Replaces every Fn::If by its branch, within a node that is kept, so that line numbers are kept, too."""
        while isinstance(node, dict) and set(node) == {"Fn::If"}:
            condition, then, otherwise = node["Fn::If"]
            node = then if value(template["Conditions"][condition]) else otherwise
        if isinstance(node, dict):
            for key in list(node):
                node[key] = prune(node[key])
                if node[key] == {"Ref": "AWS::NoValue"}:
                    del node[key]
        elif isinstance(node, list):
            node[:] = [part for part in map(prune, node) if part != {"Ref": "AWS::NoValue"}]
        return node

    for section in ("Resources", "Outputs"):
        for name, entry in list(resolved[section].items()):
            if "Condition" in entry and not value(template["Conditions"][entry.pop("Condition")]):
                del resolved[section][name]
        prune(resolved[section])
    return resolved
