import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signatureHeaders } from "../../src/webhooks/signature.ts";
import { recipe } from "../support/readme.ts";

const folder = mkdtempSync(join(tmpdir(), "matric-recipes-"));
afterAll(() => rmSync(folder, { recursive: true }));

const body = '{"id":"1-abcdef","event":"NoteUpdated","data":{"title":"Grüße"}}';
const nowSeconds = Math.floor(Date.now() / 1000);

interface Request {
  what: string;
  secret: string;
  body: string;
  headers: Record<string, string>;
  isGood: boolean;
}

const plain = "0123456789abcdef";
const encoded = `whsec_${Buffer.from("twenty-four bytes of key").toString("base64")}`;

function signed(secrets: readonly string[], timestamp = nowSeconds): Record<string, string> {
  const headers = signatureHeaders(secrets, { id: "msg_1", timestamp }, body);
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

const requests: Request[] = [
  { what: "a plain secret", secret: plain, body, headers: signed([plain]), isGood: true },
  { what: "a whsec_ secret", secret: encoded, body, headers: signed([encoded]), isGood: true },
  { what: "the older secret of a rotation", secret: plain, body, headers: signed([encoded, plain]), isGood: true },
  { what: "another secret", secret: "fedcba9876543210", body, headers: signed([plain]), isGood: false },
  { what: "a changed body", secret: plain, body: body.replace("1-", "2-"), headers: signed([plain]), isGood: false },
  { what: "an old request", secret: plain, body, headers: signed([plain], nowSeconds - 600), isGood: false },
];

/** Writes the recipe with a few lines that call it, and gives back how to run it: it prints true or false. */
function prepare(file: string, code: string, harness: string): string {
  const path = join(folder, file);
  writeFileSync(path, `${code}\n${harness}\n`);
  return path;
}

function verdict(command: string[], request: Request): string {
  const { stdout, stderr } = Bun.spawnSync(command, { stdin: Buffer.from(JSON.stringify(request)), stderr: "pipe" });
  return stdout.toString().trim().toLowerCase() || stderr.toString();
}

/** A recipe whose language is not on this machine is not run here, and that is said. */
function testWith(program: string, name: string, run: () => void, timeoutMs?: number): void {
  if (Bun.which(program)) test(name, run, timeoutMs);
  else process.stderr.write(`NOT RUN, since ${program} is not on this machine: the README's recipe ${name}\n`);
}

describe("the README's recipe", () => {
  for (const request of requests) {
    testWith("node", `for Node judges ${request.what} rightly`, () => {
      const harness = `import { readFileSync } from "node:fs";
const { body, headers, secret } = JSON.parse(readFileSync(0, "utf8"));
console.log(verify(Buffer.from(body), headers, secret));`;
      expect(verdict(["node", prepare("verify.mjs", recipe("node"), harness)], request)).toBe(String(request.isGood));
    });

    testWith("python3", `for Python judges ${request.what} rightly`, () => {
      const harness = `import json, sys
request = json.load(sys.stdin)
print(verify(request["body"].encode(), request["headers"], request["secret"]))`;
      expect(verdict(["python3", prepare("verify.py", recipe("python"), harness)], request)).toBe(String(request.isGood));
    });
  }

  testWith("openssl", "for openssl accepts the body that was signed and no other", () => {
    const check = (file: string, text: string) => {
      writeFileSync(join(folder, file), text);
      const env = {
        PATH: process.env.PATH ?? "",
        SECRET: plain,
        SIGNATURE: signed([plain])["x-matric-signature"] ?? "",
        BODY: join(folder, file),
      };
      return Bun.spawnSync(["sh", "-c", recipe("openssl")], { env }).exitCode;
    };
    expect(check("good", body)).toBe(0);
    expect(check("bad", `${body} `)).toBe(1);
  });

  testWith(
    "go",
    "for Go compiles and judges every request rightly",
    () => {
      const code = recipe("go")
        .replace("package receiver", "package main")
        .replace("import (", 'import (\n\t"encoding/json"\n\t"os"');
      const harness = `func main() {
	var request struct{ Body, Secret string; Headers map[string]string }
	json.NewDecoder(os.Stdin).Decode(&request)
	header := http.Header{}
	for name, value := range request.Headers { header.Set(name, value) }
	fmt.Println(Verify([]byte(request.Body), header, request.Secret))
}`;
      const path = prepare("main.go", code, harness);
      for (const request of requests) expect(verdict(["go", "run", path], request)).toBe(String(request.isGood));
    },
    120_000,
  );
});
