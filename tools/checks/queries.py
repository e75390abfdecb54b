"""Checks the queries of CloudWatch Logs Insights in the template, against what the function logs."""

import json
import re

from tools.checks import insights
from tools.environment import ROOT, say

# What the log lines have, in the words of the code that writes them: a test of the function writes both files.
LOGGED = ROOT / "tests" / "data"


def check_queries(template: dict) -> list:
    fields, kinds = (set(json.loads((LOGGED / f"log-{what}.json").read_text())) for what in ("fields", "kinds"))
    queries = {}
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Logs::QueryDefinition":
            queries[name] = properties["QueryString"]
        if resource["Type"] == "AWS::CloudWatch::Dashboard":
            body = json.loads(re.sub(r"\$\{\w+Seconds\}", "3600", properties["DashboardBody"]["Fn::Sub"]))
            for widget in body["widgets"]:
                if "query" in widget["properties"]:
                    queries[f"{name}, {widget['properties']['title']}"] = widget["properties"]["query"]
    say(f"The {len(queries)} queries of Logs Insights, against the {len(fields)} fields that the function logs")
    found = []
    for name, query in queries.items():
        wrong = insights.check(query, fields, kinds)
        print(f"{'wrong' if wrong else 'well '}  {name}")
        line = template["Resources"][name.partition(",")[0]].start_mark.line + 1
        found += [(line, f"the query {name} {text}", "") for text in wrong]
    return found
