// The Inspector's command line: the same plan and the same summary as python_client.py.
//
//     MCPGEN_NODE_DIR=... node inspector.mjs '{"transport": "stdio", "era": "legacy", ...}'
//
// The Inspector is a command, so each step of the plan is a run of it with a connection of its own.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const inspector = join(
  process.env.MCPGEN_NODE_DIR,
  'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
);
const plan = JSON.parse(process.argv[2]);
const target = plan.transport === 'http' ? [plan.url, '--transport', 'http'] : plan.command;

function run(...options) {
  const args = [inspector, '--cli', '--protocol-era', plan.era, ...target, ...options, '--format', 'json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

function result(...options) {
  const { status, stdout, stderr } = run(...options);
  if (stdout.trim() === '') throw new Error(`exit ${status}: ${stderr}`);
  return JSON.parse(stdout).result;
}

function outcome(name, args) {
  const { stdout, stderr } = run('--method', 'tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args));
  if (stdout.trim() === '') {
    // An error is one JSON line on standard error, among the server's own lines.
    const line = stderr.split('\n').find((text) => text.startsWith('{') && text.includes('"error"'));
    if (line === undefined) throw new Error(stderr);
    return { protocolError: JSON.parse(line).error };
  }
  const { result } = JSON.parse(stdout);
  return {
    isError: result.isError ?? false,
    structured: result.structuredContent ?? null,
    content: result.content,
  };
}

const { serverInfo, protocolVersion } = result('--method', 'initialize');
const summary = {
  protocolVersion,
  server: serverInfo?.name,
  tools: result('--method', 'tools/list').tools.map((tool) => tool.name),
  calls: {},
};
for (const [name, [tool, args]] of Object.entries(plan.calls)) {
  summary.calls[name] = outcome(tool, args);
}
console.log(JSON.stringify(summary));
