import { settings } from "../src/config.ts";
import { nearestOf } from "../src/spelling.ts";
import type { Io } from "./io.ts";

export interface UnknownSetting {
  name: string;
  /** What was probably meant. */
  nearest: string | undefined;
}

const known = Object.values(settings).map(({ env }) => env);
/** The clients' own, and what `events tail --exec` gives to its command. */
const ofOthers = ["MATRIC_URL", "MATRIC_TOKEN", "MATRIC_EVENT", "MATRIC_EVENT_ID"];
/** Kubernetes puts the addresses of a service called matric into the environment. */
const ofKubernetes = /^MATRIC_(SERVICE_|PORT_\d)/;

/** Variables that look like settings and are none: a typing error must not be a default in silence. */
export function unknownSettings(env: Io["env"]): UnknownSetting[] {
  return Object.keys(env)
    .filter((name) => name.startsWith("MATRIC_") && !ofKubernetes.test(name) && ![...known, ...ofOthers].includes(name))
    .map((name) => ({ name, nearest: nearestOf(name, known) }));
}
