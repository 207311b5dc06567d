import { expect, test } from "bun:test";
import { unknownSettings } from "../../cli/unknown-settings.ts";
import { lineReader, spawnCli } from "../support/cli.ts";

test("variables that look like settings and are none are told, with what was probably meant", () => {
  expect(unknownSettings({ MATRIC_PROT: "1", MATRIC_PORT: "1", MATRIC_COLOUR: "red", HOME: "/" })).toEqual([
    { name: "MATRIC_PROT", nearest: "MATRIC_PORT" },
    { name: "MATRIC_COLOUR", nearest: undefined },
  ]);
});

test("variables of clients, and those that Kubernetes sets for a service called matric, are nobody's mistake", () => {
  const env = { MATRIC_URL: "x", MATRIC_TOKEN: "x", MATRIC_SERVICE_HOST: "10.0.0.1", MATRIC_PORT_6287_TCP_ADDR: "10.0.0.1" };
  expect(unknownSettings(env)).toEqual([]);
});

test("the server's log says so before anything else", async () => {
  const server = spawnCli(["serve", "--port", "banana", "--data-dir", "/nowhere"], { env: { MATRIC_RETENTION_DAY: "1" } });
  expect(await server.exited).toBe(2);
  const wellSet = spawnCli(["serve", "--data-dir", "/proc/nowhere"], { env: { MATRIC_RETENTION_DAY: "1" } });
  expect(JSON.parse(await lineReader(wellSet.stdout).next())).toMatchObject({
    level: "WARN",
    message: "unknown setting",
    fields: { name: "MATRIC_RETENTION_DAY", did_you_mean: "MATRIC_RETENTION_DAYS" },
  });
  await wellSet.exited;
});
