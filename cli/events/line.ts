import type { Envelope } from "../../src/events/catalog.ts";
import type { Io } from "../io.ts";
import { type Colour, isForPeople, paintFor } from "../paint.ts";
import { printable } from "../printable.ts";

const nameWidth = 20;

/** Makes one line of an event: for people on a terminal, as id, time, name, subject and data between tabs in a pipe. */
export function eventLineFor(io: Io): (event: Envelope) => string {
  if (!isForPeople(io.stdout, io)) return plainLine;
  const paint = paintFor(io.stdout, io);
  return ({ id = "", event, time, subject, data }) => {
    const clock = new Date(time).toTimeString().slice(0, 8) + time.slice(19, 23);
    const about = Object.entries(data)
      .filter(([name, value]) => `${name.replace(/_id$/, "")}:${value}` !== subject)
      .map(
        ([name, value]) =>
          `${paint("dim", `${printable(name)}=`)}${printable(typeof value === "string" ? value : JSON.stringify(value))}`,
      );
    const head = `${paint("dim", clock)}  ${paint(colourOf(event), printable(event).padEnd(nameWidth))}`;
    return `${[head, printable(subject ?? "-"), ...about, paint("dim", id)].join("  ")}\n`;
  };
}

function plainLine({ id = "", event, time, subject, data }: Envelope): string {
  return `${[id, time, event, subject ?? "", JSON.stringify(data)].map((cell) => printable(cell)).join("\t")}\n`;
}

function colourOf(name: string): Colour {
  if (/Failed$|Disabled$/.test(name)) return "red";
  if (/Retrying$|Cancelled$|Deleted$|Paused$/.test(name)) return "yellow";
  if (/Completed$|Recovered$/.test(name)) return "green";
  return name.startsWith("Note") ? "blue" : "cyan";
}
