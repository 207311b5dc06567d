import type { Command } from "commander";
import { signatureProblem } from "../../src/webhooks/signature.ts";
import { jsonOption, optionsOf } from "../context.ts";
import { Failure } from "../failure.ts";
import type { Io } from "../io.ts";
import { each, examples, wholeNumber } from "../options.ts";
import { headersFrom } from "./settings.ts";

interface VerifyOptions {
  secret: string;
  header: string[];
  tolerance?: number;
  json?: boolean;
}

export function registerVerify(webhooks: Command, io: Io): void {
  webhooks
    .command("verify")
    .description("check the signature of a request by hand; its body is the input")
    .requiredOption("--secret <secret>", "the webhook's secret")
    .requiredOption("--header <line>", "a header of the request, as 'Name: value'; can be given several times", each)
    .option("--tolerance <seconds>", "how old webhook-timestamp may be; any age, if not given", wholeNumber(0))
    .addOption(jsonOption())
    .addHelpText("after", examples("matric webhooks verify --secret S --header 'X-Matric-Signature: sha256=…' < body"))
    .action((_options: object, self: Command) => run(optionsOf<VerifyOptions>(self), io));
}

export async function run({ secret, header, tolerance, json }: VerifyOptions, io: Io): Promise<void> {
  const headers = Object.fromEntries(Object.entries(headersFrom(header)).map(([name, value]) => [name.toLowerCase(), value]));
  const body = await io.stdin.read();
  const freshness = tolerance === undefined ? undefined : { nowMs: Date.now(), toleranceMs: tolerance * 1000 };
  const problem = signatureProblem({ headers, body }, secret, freshness);
  if (problem !== undefined) throw new Failure("bad_signature", problem);
  await io.stdout.write(json ? `${JSON.stringify({ valid: true })}\n` : "valid\n");
}
