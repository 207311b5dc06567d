import { expect, test } from "bun:test";
import { runCli } from "../support/cli.ts";
import { startApp } from "../support/start-app.ts";

test("the dashboard is printed as the JSON that Grafana imports", async () => {
  const { code, stdout } = await runCli(["telemetry", "dashboard"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ title: "matric", schemaVersion: 39, panels: expect.any(Array) });
});

test("the alerts are printed as a rule file", async () => {
  const { code, stdout } = await runCli(["telemetry", "alerts"]);
  expect(code).toBe(0);
  expect(Bun.YAML.parse(stdout)).toMatchObject({ groups: [{ name: "matric", rules: expect.any(Array) }] });
  expect(JSON.parse((await runCli(["telemetry", "alerts", "--json"])).stdout)).toEqual(Bun.YAML.parse(stdout));
});

test("status shows the essential figures", async () => {
  const app = await startApp();
  try {
    const { code, stdout } = await runCli(["status"], { url: app.url });
    expect(code).toBe(0);
    expect(
      Object.fromEntries(
        stdout
          .trim()
          .split("\n")
          .map((line) => line.split("\t")),
      ),
    ).toMatchObject({
      status: "ok",
      queue: "0 pending, 0 running",
      "oldest job": "none waits",
      webhooks: "none",
      streams: "none",
      storage: expect.stringMatching(/^\d+\.\d MB$/),
    });
  } finally {
    await app.stop();
  }
});
