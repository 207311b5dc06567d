import { expect, test } from "bun:test";
import { readConfig } from "../../src/config.ts";
import { readme } from "../support/readme.ts";

const { host, port } = readConfig({}, {});
const url = `http://${host}:${port}/mcp`;

/** What the README's table of agents says to write, by the agent. */
const rows = [...readme.matchAll(/^\| ([\w ]*) \| [^|]+ \| `([^`]+)` \|$/gm)]
  .map(([, agent = "", said = ""]) => ({ agent, said }))
  .filter(({ said }) => said.includes("matric") && /[{/]/.test(said));

test("every agent's configuration in the README is well-formed, and leads to the server as it is started by default", () => {
  const named = rows.map(({ agent }) => agent).filter((agent) => agent.trim() !== "");
  expect(named).toEqual([
    "Claude Code",
    "Claude Desktop",
    "Cursor",
    "VS Code",
    "Codex CLI",
    "Gemini CLI",
    "Windsurf",
    "Zed",
    "any that starts a command",
  ]);
  for (const { said } of rows) {
    if (!said.startsWith("{")) {
      expect([said, said.endsWith(` ${url}`)]).toEqual([said, true]);
      continue;
    }
    const [servers] = Object.values<{ matric?: Record<string, unknown> }>(JSON.parse(said));
    const { url: plain, httpUrl, serverUrl, args } = servers?.matric ?? {};
    expect([said, plain ?? httpUrl ?? serverUrl ?? args]).toEqual([said, args ? ["mcp"] : url]);
  }
});
