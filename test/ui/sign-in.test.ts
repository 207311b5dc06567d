import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { createClient } from "../../src/client/client.ts";
import { type AuthApp, startAuthApp } from "../support/auth.ts";
import { inBrowser } from "./browser.ts";
import { TestBrowser } from "./chromium.ts";
import { isLive } from "./world.ts";

inBrowser("where the server asks for tokens", () => {
  let server: AuthApp;
  let browser: TestBrowser;

  beforeAll(async () => {
    server = await startAuthApp();
    browser = await TestBrowser.open();
  });

  afterEach(async () => {
    const problems = browser.takeProblems();
    await browser.closePages();
    expect(problems).toEqual([]);
  });

  afterAll(async () => {
    await browser.close();
    await server.app.stop();
  });

  test("the page signs in with one that no script can read, and out again", async () => {
    browser.expectComplaints(/401/);
    const client = createClient({ url: server.app.url, token: server.admin });
    await client.notes.create({ title: "For those who may", content: "" });
    const page = await browser.page();
    await page.goto(server.app.url);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await page.getByText("For those who may").count()).toBe(0);
    await page.getByLabel("Access token").fill("mtr_wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();

    await page.getByLabel("Access token").fill(server.admin);
    await page.getByRole("button", { name: "Sign in" }).click();
    await isLive(page);
    await page.getByText("For those who may").waitFor();
    expect(await page.evaluate<string>("document.cookie")).toBe("");
    await page.reload();
    await isLive(page);
    await page.getByText("For those who may").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await page.getByText("For those who may").count()).toBe(0);
  });

  test("a token that is revoked leads back to the sign-in", async () => {
    browser.expectComplaints(/401|WebSocket/);
    const { id, token } = await server.make(["notes:read", "jobs:read", "events:read", "webhooks:read"]);
    const page = await browser.page();
    await page.goto(server.app.url);
    await page.getByLabel("Access token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await isLive(page);
    await server.revoke(id);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  });
});
