import { type Command, Option } from "commander";
import { listUpTo } from "../../src/client/paging.ts";
import { type Delivery, type DeliveryDetail, DeliveryStatus } from "../../src/webhooks/contract.ts";
import { addServerOptions, type Context, contextOf } from "../context.ts";
import type { Io } from "../io.ts";
import { examples, wholeNumber } from "../options.ts";
import { printJson, printList } from "../output.ts";
import { renderTable } from "../table.ts";
import { deliveryColumns } from "./columns.ts";

interface DeliveriesOptions {
  status?: Delivery["status"];
  limit: number;
}

export function registerDeliveries(webhooks: Command, io: Io): void {
  const command = webhooks
    .command("deliveries")
    .description("list what was sent to a webhook, newest first, or show one delivery with all its attempts")
    .argument("<id>", "the webhook")
    .argument("[delivery]", "one delivery")
    .addOption(new Option("--status <status>", "only these").choices(DeliveryStatus.anyOf.map((one) => one.const)))
    .option("--limit <n>", "at most so many", wholeNumber(1), 50);
  addServerOptions(command)
    .addHelpText("after", examples("matric webhooks deliveries <id> --status exhausted"))
    .action((id: string, delivery: string | undefined, options: DeliveriesOptions, self: Command) =>
      run(id, delivery, options, contextOf(self, io)),
    );
}

export async function run(
  id: string,
  delivery: string | undefined,
  { status, limit }: DeliveriesOptions,
  context: Context,
): Promise<void> {
  const { client, signal } = context;
  if (delivery !== undefined) return show(await client.webhooks.delivery(id, delivery, signal), context);
  const query = status === undefined ? {} : { status };
  const deliveries = listUpTo(limit, (page) => client.webhooks.deliveries(id, { ...page, ...query }, signal));
  await printList(context, deliveryColumns, await Array.fromAsync(deliveries), "There are no such deliveries.", limit);
}

async function show(delivery: DeliveryDetail, context: Context): Promise<void> {
  if (context.json) return printJson(context, delivery);
  const { io } = context;
  const attempts = renderTable(
    io,
    [
      { header: "attempt", text: ({ number }) => String(number) },
      { header: "at", text: ({ at }) => at },
      { header: "took", text: ({ duration_ms }) => `${Math.round(duration_ms.total)} ms` },
      { header: "answer", text: ({ status }) => (status === null ? "" : String(status)) },
      { header: "error", text: ({ error, error_code }) => error ?? error_code ?? "", shrinks: true },
    ],
    delivery.attempt_log,
  );
  await io.stdout.write(renderTable(io, deliveryColumns, [delivery]) + attempts);
}
