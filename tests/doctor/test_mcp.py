"""The official client of the Model Context Protocol speaks with `permissions-doctor mcp`."""

import asyncio
import unittest

from doctor import PROGRAM, account
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tools.account import ask

DENIAL = "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied"


class Session(unittest.TestCase):
    def talk(self, environment: dict, calls: list) -> tuple:
        async def session():
            server = StdioServerParameters(command=str(PROGRAM), args=["mcp"], env=environment)
            async with Client(stdio_client(server)) as client:
                tools = {tool.name: tool for tool in (await client.list_tools()).tools}
                return tools, [await client.call_tool(name, arguments) for name, arguments in calls]

        return asyncio.run(asyncio.wait_for(session(), 120))

    def test_the_tools_say_that_they_only_read_and_what_they_take(self):
        tools, _ = self.talk({}, [])
        self.assertEqual(set(tools), {"check", "explain"})
        for tool in tools.values():
            self.assertTrue(tool.annotations.read_only_hint)
            self.assertFalse(tool.annotations.destructive_hint)
            self.assertTrue(tool.description)
        self.assertFalse(tools["explain"].annotations.open_world_hint)
        self.assertEqual(tools["explain"].input_schema["required"], ["text"])
        self.assertIn("role_arns", tools["check"].input_schema["properties"])

    def test_explain_works_offline_and_check_asks_aws(self):
        with account() as own:
            ask(own.account, "without", {"action": "dynamodb:PutItem"})
            calls = [
                ("explain", {"text": DENIAL}),
                ("check", {"bucket": own.bucket}),
                ("check", {"bucket": "NO", "role_arns": ["x"]}),
                ("explain", {"txt": ""}),
            ]
            _, (explained, checked, refused, wrong) = self.talk(own.environment, calls)
        self.assertEqual(explained.structured_content["action"], "s3:PutObject")
        self.assertEqual(checked.structured_content["verdict"], "denied")
        self.assertEqual([row["action"] for row in checked.structured_content["wrong"]], ["dynamodb:PutItem"])
        self.assertTrue(refused.is_error and wrong.is_error)
        self.assertIn("--role-arn", refused.content[0].text)


if __name__ == "__main__":
    unittest.main()
