"""Evaluates a template's Rules, and what each parameter takes, since neither cfn-lint nor `sam validate` does.

It follows the CloudFormation User Guide, "Rules" and "Rule-specific intrinsic functions", and "Parameters" for the
constraints. It knows the functions that template.yaml uses; CloudFormation has no Fn::If in Rules.
"""

import re


def refused(template: dict, parameters: dict) -> list:
    """Says why CloudFormation would refuse these parameters, besides the template's defaults, before it creates anything."""
    values = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()} | parameters
    wrong = [reason for name, value in values.items() for reason in constraints(name, template["Parameters"][name], value)]
    return wrong + [text for _, texts in broken(template, values).items() for text in texts]


def broken(template: dict, values: dict) -> dict:
    """The rules that do not hold, each with its descriptions."""
    found = {}
    for name, rule in template.get("Rules", {}).items():
        if "RuleCondition" in rule and not evaluate(rule["RuleCondition"], values):
            continue
        texts = [assertion["AssertDescription"] for assertion in rule["Assertions"] if not evaluate(assertion["Assert"], values)]
        if texts:
            found[name] = texts
    return found


def evaluate(node: object, values: dict) -> object:
    if isinstance(node, list):
        return [evaluate(part, values) for part in node]
    if not isinstance(node, dict):
        return node
    ((function, operands),) = node.items()
    if function == "Ref":
        return str(values[operands])
    arguments = evaluate(operands, values)
    if function == "Fn::Equals":
        return arguments[0] == arguments[1]
    if function == "Fn::Not":
        return not arguments[0]
    if function == "Fn::And":
        return all(arguments)
    if function == "Fn::Or":
        return any(arguments)
    if function == "Fn::Contains":
        return arguments[1] in arguments[0]
    if function == "Fn::EachMemberEquals":
        # What is referred to here is a list, of which the parameter's value has the members with commas between them.
        return all(member == arguments[1] for member in arguments[0].split(","))
    raise ValueError(f"tools/checks/rules.py does not know {function} in a rule")


def mentioned(rule: object) -> set:
    """The parameters that a rule looks at."""
    if isinstance(rule, dict):
        return {rule["Ref"]} if set(rule) == {"Ref"} else set().union(*map(mentioned, rule.values()))
    return set().union(*map(mentioned, rule)) if isinstance(rule, list) else set()


def connected(template: dict, name: str) -> set:
    """A rule, and every rule that looks at a parameter that it looks at, and so on."""
    found, parameters = {name}, mentioned(template["Rules"][name])
    while more := {other for other, rule in template["Rules"].items() if other not in found and mentioned(rule) & parameters}:
        found |= more
        parameters = parameters.union(*(mentioned(template["Rules"][other]) for other in more))
    return found


def constraints(name: str, parameter: dict, value: str) -> list:
    """Says which constraints of a parameter a value does not meet. A list has to meet them with each member."""
    members = value.split(",") if parameter["Type"] == "CommaDelimitedList" else [value]
    wrong = []
    if "AllowedValues" in parameter and value not in map(str, parameter["AllowedValues"]):
        wrong.append(f"{name} is not one of its AllowedValues: {value!r}")
    if parameter["Type"] == "Number":
        low, high = parameter.get("MinValue", float("-inf")), parameter.get("MaxValue", float("inf"))
        if not re.fullmatch(r"-?[0-9]+", value) or not low <= int(value) <= high:
            wrong.append(f"{name} is not a number from {low} to {high}: {value!r}")
    if len(value) > parameter.get("MaxLength", len(value)):
        wrong.append(f"{name} is longer than {parameter['MaxLength']}")
    # CloudFormation has a pattern match the whole value.
    if not all(re.fullmatch(parameter.get("AllowedPattern", ".*"), member, re.ASCII) for member in members):
        wrong.append(f"{name} does not match {parameter['AllowedPattern']}: {value!r}")
    return wrong
