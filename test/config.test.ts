import { describe, expect, test } from "bun:test";
import { readConfig, type SettingName, settings } from "../src/config.ts";
import { MatricError } from "../src/errors.ts";

function refusal(flags: Partial<Record<SettingName, string>>, env: Record<string, string> = {}): MatricError {
  try {
    readConfig(flags, env);
  } catch (error) {
    if (error instanceof MatricError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

const names = Object.keys(settings) as SettingName[];

describe("the configuration", () => {
  test("has a default for everything", () => {
    const config = readConfig({}, {});
    expect(config).toMatchObject({
      host: "127.0.0.1",
      port: 6287,
      durability: "full",
      retentionDays: 7,
      retentionEvents: 1_000_000,
      slowSeconds: 60,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test("takes flags before the environment before the defaults", () => {
    const env = { MATRIC_PORT: "7001", MATRIC_HOST: "127.0.0.2" };
    expect(readConfig({ port: "7002" }, env)).toMatchObject({ port: 7002, host: "127.0.0.2" });
    expect(readConfig({}, env).port).toBe(7001);
  });

  test("takes an empty variable for none, and an empty flag for a mistake", () => {
    expect(readConfig({}, { MATRIC_PORT: "" }).port).toBe(6287);
    expect(refusal({ port: "" }).message).toStartWith("--port ");
  });

  test("tells of a value that it cannot use in one line: where, what would be right, and what was there", () => {
    expect(refusal({}, { MATRIC_PORT: "banana" })).toMatchObject({
      code: "invalid",
      message: 'MATRIC_PORT must be a whole number from 0 to 65535, not "banana".',
      details: { field: "MATRIC_PORT" },
    });
    expect(refusal({ port: "65536" }).message).toBe('--port must be a whole number from 0 to 65535, not "65536".');
    expect(refusal({ durability: "some" }).message).toBe('--durability must be one of full, normal, not "some".');
  });

  test.each(["-1", "1.5", "1e3", "0x10", " ", "NaN", "Infinity", "1,000", "٣", "99999999999999999999"])(
    "%j is no whole number",
    (text) => {
      expect(refusal({}, { MATRIC_PORT: text }).code).toBe("invalid");
      expect(refusal({}, { MATRIC_RETENTION_EVENTS: text }).code).toBe("invalid");
    },
  );

  test.each([
    ["MATRIC_RETENTION_DAYS", "0"],
    ["MATRIC_RETENTION_DAYS", "-7"],
    ["MATRIC_SLOW_SECONDS", "0"],
    ["MATRIC_LOG_LEVEL", "verbose"],
    ["MATRIC_LOG_FORMAT", "xml"],
    ["MATRIC_JOB_TYPES", "Resize"],
    ["MATRIC_JOB_TYPES", "a b"],
    ["MATRIC_AI_URL", "api.openai.com"],
    ["MATRIC_AI_URL", "ftp://example.com"],
    ["MATRIC_HOST", "   "],
  ])("%s=%s is refused", (env, value) => {
    const { message } = refusal({}, { [env]: value });
    expect(message).toStartWith(`${env} must `);
    expect(message).toEndWith(`, not "${value}".`);
  });

  test("takes fractions where they mean something", () => {
    expect(readConfig({}, { MATRIC_RETENTION_DAYS: "0.5", MATRIC_SSE_HEARTBEAT_SECONDS: "2.5" })).toMatchObject({
      retentionDays: 0.5,
      sseHeartbeatSeconds: 2.5,
    });
  });

  test("reads lists, and takes each name once", () => {
    expect(readConfig({}, { MATRIC_JOB_TYPES: " resize, embed ,resize," }).jobTypes).toEqual(["resize", "embed"]);
  });

  test("an AI server without a model is a mistake that is told at the start", () => {
    expect(refusal({}, { MATRIC_AI_URL: "http://localhost:11434/v1" }).message).toContain("MATRIC_AI_MODEL");
    expect(readConfig({}, { MATRIC_AI_URL: "http://localhost:11434/v1", MATRIC_AI_MODEL: "m" }).aiModel).toBe("m");
  });

  test("does not show a secret in an error", () => {
    for (const name of names.filter((name) => /key|secret|token/i.test(name) && !name.endsWith("Max"))) {
      expect(() => readConfig({}, { [settings[name].env]: "hunter2" })).not.toThrow("hunter2");
    }
  });
});

test("every setting has a variable of its own, a help, and a default that it would take itself", () => {
  expect(new Set(names.map((name) => settings[name].env)).size).toBe(names.length);
  for (const name of names) {
    const { env, help, default: byDefault } = settings[name];
    expect(env).toMatch(/^(MATRIC|OTEL)_[A-Z_]+$/);
    expect(help).not.toBe("");
    if (typeof byDefault !== "string" && typeof byDefault !== "number") continue;
    expect(readConfig({}, { [env]: String(byDefault) })[name]).toEqual(byDefault);
  }
});
