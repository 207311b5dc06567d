import type { Command } from "commander";
import { addServerOptions } from "../context.ts";
import type { Io } from "../io.ts";
import { registerAdd } from "./add.ts";
import { registerDeliveries } from "./deliveries.ts";
import { registerDisable } from "./disable.ts";
import { registerEnable } from "./enable.ts";
import { registerList } from "./list.ts";
import { registerListen } from "./listen.ts";
import { registerRemove } from "./remove.ts";
import { registerReplay } from "./replay.ts";
import { registerRetry } from "./retry.ts";
import { registerRotateSecret } from "./rotate-secret.ts";
import { registerShow } from "./show.ts";
import { registerTest } from "./test.ts";
import { registerUpdate } from "./update.ts";
import { registerVerify } from "./verify.ts";

export function registerWebhooks(program: Command, io: Io): void {
  const webhooks = addServerOptions(program.command("webhooks")).description("send events to other systems, signed and retried");
  const registrations = [
    registerAdd,
    registerList,
    registerShow,
    registerUpdate,
    registerRemove,
    registerEnable,
    registerDisable,
    registerTest,
    registerRotateSecret,
    registerDeliveries,
    registerRetry,
    registerReplay,
    registerListen,
    registerVerify,
  ];
  for (const register of registrations) register(webhooks, io);
}
