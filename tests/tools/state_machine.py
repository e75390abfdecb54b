"""A small interpreter of Step Functions' state machines, for those of the template, whose expressions are JSONata.

It follows the Step Functions Developer Guide, "Transforming data with JSONata in Step Functions", "Passing data between
states with variables", "Handling errors in Step Functions workflows" and "Service quotas". What it does not know is an
error. jsonata-python evaluates the expressions; Step Functions has JSONata 2.0.6 ("Supported JSONata version").
"""

import json
import re

# "Service quotas": the maximum input or result size of a task or state, and of a variable.
MOST_BYTES = 256 * 1024
CAUGHT = ("States.ALL", "States.TaskFailed")
KNOWN = {
    "Task": {"Resource", "Arguments", "TimeoutSeconds", "Retry", "Catch", "Assign", "Output", "Next", "End"},
    "Map": {"Items", "ItemSelector", "ItemProcessor", "MaxConcurrency", "Output", "Next", "End"},
    "Choice": {"Choices", "Default"},
    "Succeed": set(),
}


class Failed(Exception):
    """A state failed, with the name of its error."""


class Machine:
    """A state machine with its substitutions made. `tasks` has what answers for each resource."""

    def __init__(self, definition: dict, substitutions: dict, tasks: dict) -> None:
        text = re.sub(r"\$\{(\w+)\}", lambda match: json.dumps(substitutions[match[1]])[1:-1], json.dumps(definition))
        self.definition, self.tasks = json.loads(text), tasks
        assert self.definition["QueryLanguage"] == "JSONata"

    def run(self, given: object) -> object:
        context = {"Execution": {"Name": "execution-1", "Input": given}}
        return self.states(self.definition, given, {}, context)

    def states(self, machine: dict, given: object, variables: dict, context: dict) -> object:
        """Runs states until one ends. Variables that are assigned here are not seen outside."""
        variables, name = dict(variables), machine["StartAt"]
        while name:
            state = machine["States"][name]
            unknown = set(state) - KNOWN[state["Type"]] - {"Type", "Comment"}
            assert not unknown, f"{name} has {unknown}, which tests/tools/state_machine.py does not know"
            try:
                given, name, assigned = self.state(state, given, variables, context)
            except Failed as failed:
                given, name, assigned = self.caught(state, given, variables, context, failed)
            variables |= assigned
            for what in (given, *assigned.values()):
                assert len(json.dumps(what, ensure_ascii=False).encode()) <= MOST_BYTES, f"too much after a state: {len(json.dumps(what))}"
        return given

    def state(self, state: dict, given: object, variables: dict, context: dict) -> tuple:
        """A state's output, the name of the next state, and what it assigns."""
        known = {"input": given, "context": context}
        if state["Type"] == "Succeed":
            return given, None, {}
        if state["Type"] == "Choice":
            chosen = (choice["Next"] for choice in state["Choices"] if self.value(choice["Condition"], known, variables) is True)
            return given, next(chosen, state.get("Default")), {}
        if state["Type"] == "Task":
            result = self.tasks[state["Resource"]](self.value(state["Arguments"], known, variables))
        else:
            result = []
            items = self.value(state["Items"], known, variables)
            if not isinstance(items, list):
                raise Failed("States.QueryEvaluationError")
            for index, item in enumerate(items):
                of_item = context | {"Map": {"Item": {"Index": index, "Value": item}}}
                selected = self.value(state["ItemSelector"], known | {"context": of_item}, variables) if "ItemSelector" in state else item
                result.append(self.states(state["ItemProcessor"], selected, variables, of_item))
        known["result"] = result
        assigned = self.value(state.get("Assign", {}), known, variables)
        output = self.value(state["Output"], known, variables) if "Output" in state else result
        return output, state.get("Next"), assigned

    def caught(self, state: dict, given: object, variables: dict, context: dict, failed: Failed) -> tuple:
        for catcher in state.get("Catch", []):
            if set(catcher["ErrorEquals"]) & {*CAUGHT, str(failed)}:
                known = {"input": given, "context": context, "errorOutput": {"Error": str(failed), "Cause": "arn:aws:…:123456789012:…"}}
                assigned = self.value(catcher.get("Assign", {}), known, variables)
                return self.value(catcher["Output"], known, variables), catcher["Next"], assigned
        raise failed

    def value(self, node: object, states: dict, variables: dict) -> object:
        """The node with each of its expressions evaluated."""
        if isinstance(node, dict):
            return {name: self.value(part, states, variables) for name, part in node.items()}
        if isinstance(node, list):
            return [self.value(part, states, variables) for part in node]
        if not (isinstance(node, str) and node.startswith("{%") and node.endswith("%}")):
            return node
        found = evaluate(node[2:-2], {"states": states, **variables})
        # "An expression has to return a defined value": an undefined one fails the state.
        if found is None:
            raise Failed("States.QueryEvaluationError")
        return found


def evaluate(expression: str, variables: dict) -> object:
    # It is in .local/checks, which support.py makes known.
    from jsonata import Jsonata

    try:
        found = Jsonata(expression).evaluate(None, variables)
    except Exception as error:
        raise Failed("States.QueryEvaluationError") from error
    # What the library returns can be of its own kinds of lists.
    return None if found is None else json.loads(json.dumps(found))
