import { expect, test } from "bun:test";
import { runCli } from "../support/cli.ts";
import { startApp } from "../support/start-app.ts";

test.each([
  [{}],
  [{ NO_PROXY: "intranet.example" }],
  [{ no_proxy: "intranet.example" }],
  [{ NO_PROXY: "", no_proxy: "intranet.example" }],
])("a server on this machine is not asked through a proxy that is meant for others (%j)", async (env) => {
  const app = await startApp();
  const proxy = "http://127.0.0.1:9";
  const behind = { HTTP_PROXY: proxy, http_proxy: proxy, HTTPS_PROXY: proxy, ...env };
  expect(await runCli(["status"], { url: app.url, env: behind })).toMatchObject({ code: 0, stderr: "" });
  const tail = await runCli(["events", "tail", "--until-idle", "0.1"], { url: app.url, env: behind });
  expect(tail).toMatchObject({ code: 0, stderr: "" });
  await app.stop();
});

test("other servers are", async () => {
  const asked: string[] = [];
  using proxy = Bun.serve({
    port: 0,
    fetch(request) {
      asked.push(request.url);
      return new Response("", { status: 502 });
    },
  });
  const env = { HTTP_PROXY: proxy.url.href, http_proxy: proxy.url.href };
  const { code } = await runCli(["status"], { url: "http://notes.example", env });
  expect(code).toBe(1);
  expect(asked).toEqual(["http://notes.example/health"]);
});
