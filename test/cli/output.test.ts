import { expect, test } from "bun:test";
import { printList } from "../../cli/output.ts";
import { createClient } from "../../src/client/client.ts";
import { fakeIo } from "../support/fake-io.ts";

async function listed(count: number, { isTty = true, json = false } = {}) {
  const { io, stdout, stderr } = fakeIo({ isTty, env: { NO_COLOR: "1" } });
  const context = { io, json, client: createClient({ url: "http://127.0.0.1:1" }), signal: new AbortController().signal };
  const rows = Array.from({ length: count }, (_, index) => String(index));
  await printList(context, [{ header: "n", text: (row) => row }], rows, "There are no numbers.", 2);
  return { stdout: stdout.text, stderr: stderr.text };
}

test("a list on a terminal tells when it is empty, and when it may be longer", async () => {
  expect(await listed(0)).toEqual({ stdout: "", stderr: "There are no numbers.\n" });
  expect(await listed(1)).toEqual({ stdout: "N\n0\n", stderr: "" });
  expect(await listed(2)).toEqual({ stdout: "N\n0\n1\n", stderr: "There may be more than these 2; see --limit.\n" });
});

test("in a pipe and as JSON it is what it is", async () => {
  expect(await listed(0, { isTty: false })).toEqual({ stdout: "", stderr: "" });
  expect(await listed(2, { isTty: false })).toEqual({ stdout: "0\n1\n", stderr: "" });
  expect(await listed(0, { json: true })).toEqual({ stdout: "", stderr: "" });
  expect(await listed(2, { json: true })).toEqual({ stdout: '"0"\n"1"\n', stderr: "" });
});
