import type { Static, TObject } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { invalid } from "../errors.ts";
import { mismatch } from "../mismatch.ts";
import { refuseLargePage } from "./page-query.ts";

/** What some clients add to every request, so that no cache answers it. */
const againstCaches = "_";

/**
 * Reads a query string as `schema` says; an empty value counts as none. The reader throws `invalid` for a value that does not
 * fit, for a parameter given twice, and for one that is not known: a misspelt filter must not look as if it had filtered.
 */
export function queryReader<Schema extends TObject>(schema: Schema): (request: Request) => Static<Schema> {
  const check = TypeCompiler.Compile(schema);
  return ({ url }) => {
    const start = url.indexOf("?");
    const query: Record<string, unknown> = {};
    for (const [name, text] of start < 0 ? [] : new URLSearchParams(url.slice(start + 1))) {
      const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      if (name === againstCaches) continue;
      if (!property) throw unknownParameter(name, schema);
      if (text === "") continue;
      if (Object.hasOwn(query, name)) throw invalid(name, `${name} must be given once.`);
      query[name] = property.type === "integer" && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
    }
    if (check.Check(query)) return query;
    refuseLargePage(Number(query.limit), Number(schema.properties.limit?.maximum));
    throw mismatch(check.Errors(query).First(), "The query");
  };
}

function unknownParameter(name: string, schema: TObject) {
  const known = Object.keys(schema.properties).join(", ");
  const shown = name.slice(0, 80);
  return invalid(shown, `There is no parameter "${shown}" here; the parameters are ${known}.`);
}
