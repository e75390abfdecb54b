"""The AWS SAM CLI builds the function without being told to use a beta feature."""

import unittest
from types import SimpleNamespace
from unittest import mock

from samcli.commands.build import build_context
from samcli.yamlhelper import yaml_parse

from tools.environment import ROOT


def is_asked_for(method: str) -> bool:
    """Whether `sam build` asks for the consent to a beta feature before it builds a function with this method."""
    context = build_context.BuildContext.__new__(build_context.BuildContext)
    context._output = None
    function = SimpleNamespace(metadata={"BuildMethod": method})
    wanted = mock.patch.object(context, "get_resources_to_build", lambda: SimpleNamespace(functions=[function]))
    with wanted, mock.patch.object(build_context, "prompt_experimental") as prompt:
        context._check_build_method_experimental_flag()
    return prompt.called


class BuildMethod(unittest.TestCase):
    def test_the_functions_build_method_is_no_beta_feature_and_none_is_turned_on(self):
        self.assertTrue(is_asked_for("python-uv"), "the SAM CLI asks in another way, so that this test sees nothing")
        template = yaml_parse((ROOT / "template.yaml").read_text())
        self.assertFalse(is_asked_for(template["Resources"]["Function"]["Metadata"]["BuildMethod"]))
        self.assertNotIn("beta", (ROOT / "samconfig.toml").read_text())
