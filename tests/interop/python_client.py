"""The Python client's view of a server: connects, lists, calls, prints one JSON summary.

    python_client.py {"transport": "stdio", "era": "legacy", "command": [...], "calls": {...}}

`transport` is `stdio` (with `command`) or `http` (with `url`); `era` is `legacy` or `modern`; `calls`
maps a name of the caller's choice to a tool and its arguments. A tool error is told apart from a
protocol error; `valid` is whether a result is one of the tool's advertised schema, if it has one.
"""

import asyncio
import json
import sys

from jsonschema import Draft202012Validator
from mcp import Client, MCPError, StdioServerParameters


async def outcome(client, schemas, tool, arguments):
    try:
        result = await client.call_tool(tool, arguments)
    except MCPError as error:
        return {"protocolError": {"code": error.code, "message": error.message}}
    schema = schemas.get(tool)
    valid = None
    if schema and not result.is_error:
        valid = Draft202012Validator(schema).is_valid(result.structured_content)
    return {
        "isError": bool(result.is_error),
        "valid": valid,
        "structured": result.structured_content,
        "content": [
            block.model_dump(mode="json", by_alias=True, exclude_none=True)
            for block in result.content
        ],
    }


async def main(plan):
    if plan["transport"] == "stdio":
        command, *args = plan["command"]
        server = StdioServerParameters(command=command, args=args)
    else:
        server = plan["url"]
    mode = "legacy" if plan["era"] == "legacy" else "auto"
    async with Client(server, mode=mode, read_timeout_seconds=30) as client:
        tools = (await client.list_tools()).tools
        schemas = {tool.name: tool.output_schema for tool in tools}
        summary = {
            "protocolVersion": client.session.protocol_version,
            "server": client.server_info.name,
            "tools": [tool.name for tool in tools],
            "calls": {
                name: await outcome(client, schemas, tool, arguments)
                for name, (tool, arguments) in plan["calls"].items()
            },
        }
    print(json.dumps(summary))


asyncio.run(main(json.loads(sys.argv[1])))
