import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Scope } from "../../src/auth/contract.ts";
import { type Client, createClient } from "../../src/client/client.ts";
import { buildBinary } from "../support/binary.ts";
import { BinaryServer } from "../support/binary-server.ts";
import { axeFindings } from "./axe.ts";
import { inBrowser } from "./browser.ts";
import { TestBrowser } from "./chromium.ts";
import { isLive } from "./world.ts";

inBrowser("where the server asks for tokens", () => {
  let server: BinaryServer;
  let browser: TestBrowser;
  let admin: string;
  let client: Client;
  let removeFolder: () => void;

  beforeAll(async () => {
    const { path, folder, remove } = buildBinary();
    removeFolder = remove;
    const dataDir = join(folder, "data");
    mkdirSync(dataDir);
    const made = Bun.spawnSync([path, "tokens", "create", "root", "--scopes", "admin", "--data-dir", dataDir, "--json"]);
    admin = JSON.parse(made.stdout.toString()).token;
    server = new BinaryServer(path, dataDir, { MATRIC_AUTH: "on", MATRIC_DURABILITY: "normal" });
    await server.start();
    client = createClient({ url: server.url, token: admin });
    browser = await TestBrowser.open();
  });

  afterEach(async () => {
    const problems = browser.takeProblems();
    await browser.context.clearCookies();
    await browser.closePages();
    expect(problems).toEqual([]);
  });

  afterAll(async () => {
    await browser.close();
    await server.kill();
    removeFolder();
  });

  const makeToken = (scopes: Scope[]) => client.tokens.create({ name: "test", scopes });

  test("the page signs in with one that no script can read, and out again", async () => {
    browser.expectComplaints(/401/);
    await client.notes.create({ title: "For those who may", content: "" });
    const page = await browser.page();
    await page.goto(server.url);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await page.getByText("For those who may").count()).toBe(0);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByLabel("Access token").fill("mtr_wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();

    await page.getByLabel("Access token").fill(admin);
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

  test("who signs in in one tab is signed in in all", async () => {
    browser.expectComplaints(/401/);
    const [one, other] = [await browser.page(), await browser.page()];
    for (const page of [one, other]) {
      await page.goto(server.url);
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
    }
    await one.getByLabel("Access token").fill(admin);
    await one.keyboard.press("Enter");
    await isLive(one);
    await isLive(other);
    await client.notes.create({ title: "Seen in both", content: "" });
    for (const page of [one, other]) await page.getByText("Seen in both").waitFor();
  });

  test("a token that may do little shows what it may, and says what it may not", async () => {
    browser.expectComplaints(/401|403/);
    const { id } = await client.notes.create({ title: "Only to be read", content: "Words." });
    const { token } = await makeToken(["notes:read"]);
    const page = await browser.page();
    await page.goto(`${server.url}/#/notes/${id}`);
    await page.getByLabel("Access token").fill(token);
    await page.keyboard.press("Enter");
    await page.locator(".preview").getByText("Words.").waitFor();
    await page.locator("a.row").getByText("Only to be read").waitFor();
    await page.getByRole("button", { name: /^Connection: Refused.*events:read/ }).waitFor();
    await page.getByRole("button", { name: /^Jobs:/ }).click();
    await page.getByText(/The jobs could not be loaded\..*jobs:read/).waitFor();
    await page.getByRole("link", { name: "Webhooks" }).click();
    await page.getByText(/The webhooks could not be loaded\..*webhooks:read/).waitFor();
    await page.getByRole("link", { name: "Notes" }).click();
    await page.getByRole("button", { name: "New" }).click();
    await page
      .getByRole("status", { name: "Messages" })
      .getByText(/notes:write/)
      .waitFor();
  });

  test("a token that is revoked leads back to the sign-in", async () => {
    browser.expectComplaints(/401|WebSocket/);
    const { id, token } = await makeToken(["notes:read", "jobs:read", "events:read", "webhooks:read"]);
    const page = await browser.page();
    await page.goto(server.url);
    await page.getByLabel("Access token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await isLive(page);
    await client.tokens.revoke(id);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  });
});
