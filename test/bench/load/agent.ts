import { type Revision, revisions } from "../../support/mcp.ts";

const [present] = revisions;
const meta = { "io.modelcontextprotocol/protocolVersion": present, "io.modelcontextprotocol/clientCapabilities": {} };
const usual = { "content-type": "application/json", accept: "application/json, text/event-stream" };

type Handle = (request: Request) => Promise<Response>;

/** Calls tools with as little work of its own as can be, so that the server is what is measured. */
export class BenchAgent {
  #id = 0;

  private constructor(
    private readonly handle: Handle,
    private readonly revision: Revision,
    private readonly headers: Record<string, string>,
    private readonly url: string,
  ) {}

  static overNetwork(port: number, revision: Revision): Promise<BenchAgent> {
    return BenchAgent.connect((request) => fetch(request), revision, `http://127.0.0.1:${port}/mcp`);
  }

  /** Speaks to `handle`, which may be in this very process. */
  static async connect(handle: Handle, revision: Revision, url = "http://127.0.0.1/mcp"): Promise<BenchAgent> {
    const headers = { ...usual, "mcp-protocol-version": revision };
    if (revision === present) return new BenchAgent(handle, revision, { ...headers, "mcp-method": "tools/call" }, url);
    const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: "bench", version: "1" } };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params });
    const opened = await handle(new Request(url, { method: "POST", headers: usual, body }));
    await opened.text();
    return new BenchAgent(handle, revision, { ...headers, "mcp-session-id": opened.headers.get("mcp-session-id") ?? "" }, url);
  }

  /** What the server said, whatever its form. Fails when it is not an answer of the tool. */
  async call(name: string, args: Record<string, unknown>): Promise<string> {
    const { headers, body } = this.#message(name, args);
    const response = await this.handle(new Request(this.url, { method: "POST", headers, body }));
    const text = await response.text();
    if (!text.includes('"content":[{') || text.includes('"isError"'))
      throw new Error(`${name} answered ${response.status}: ${text}`);
    return text;
  }

  /** The same call as bytes, for connections that nobody reads. */
  bytes(name: string, args: Record<string, unknown>): Buffer {
    const { headers, body } = this.#message(name, args);
    const lines = Object.entries(headers).map(([key, value]) => `${key}: ${value}\r\n`);
    const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join("")}\r\n`;
    return Buffer.from(head + body, "latin1");
  }

  #message(name: string, args: Record<string, unknown>): { headers: Record<string, string>; body: string } {
    const isPresent = this.revision === present;
    const params = { name, arguments: args, ...(isPresent ? { _meta: meta } : {}) };
    const body = JSON.stringify({ jsonrpc: "2.0", id: ++this.#id, method: "tools/call", params });
    const headers = { ...this.headers, "content-length": String(body.length) };
    return { headers: isPresent ? { ...headers, "mcp-name": name } : headers, body };
  }
}
