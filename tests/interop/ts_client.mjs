// The TypeScript client's view of a server: the same plan and the same summary as python_client.py.
//
//     MCPGEN_NODE_DIR=... node ts_client.mjs '{"transport": "stdio", "era": "legacy", ...}'
//
// MCPGEN_NODE_DIR is the folder whose node_modules has the client.

import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.MCPGEN_NODE_DIR, 'package.json'));
const { Client, ProtocolError, StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');
const { StdioClientTransport } = require('@modelcontextprotocol/client/stdio');

const plan = JSON.parse(process.argv[2]);

async function outcome(client, name, args) {
  let result;
  try {
    result = await client.callTool({ name, arguments: args });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { protocolError: { code: error.code, message: error.message } };
  }
  return {
    isError: result.isError ?? false,
    structured: result.structuredContent ?? null,
    content: result.content,
  };
}

function transport() {
  if (plan.transport === 'http') return new StreamableHTTPClientTransport(new URL(plan.url));
  const [command, ...args] = plan.command;
  return new StdioClientTransport({ command, args });
}

const mode = plan.era === 'legacy' ? 'legacy' : 'auto';
const client = new Client({ name: 't', version: '0' }, { versionNegotiation: { mode }, capabilities: {} });
await client.connect(transport());
const summary = {
  protocolVersion: client.getNegotiatedProtocolVersion(),
  server: client.getServerVersion()?.name,
  tools: (await client.listTools()).tools.map((tool) => tool.name),
  calls: {},
};
for (const [name, [tool, args]] of Object.entries(plan.calls)) {
  summary.calls[name] = await outcome(client, tool, args);
}
await client.close();
console.log(JSON.stringify(summary));
