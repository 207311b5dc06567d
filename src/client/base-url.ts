import { ClientError } from "./errors.ts";

/** Makes addresses below one server. */
export interface BaseUrl {
  /** For messages: without credentials. */
  readonly shown: string;
  /** `path` begins without a slash: `api/v1/notes`. */
  to(path: string, query?: Query): URL;
}

/** Undefined values and empty lists are left out; a list is joined by commas. */
export type Query = Record<string, string | number | readonly string[] | undefined>;

/**
 * Takes an address as people write it: with or without `http://`, a path prefix of a proxy, a slash at the end, or the
 * `/api/v1` that they copied along. Throws `invalid`.
 */
export function createBaseUrl(text: string): BaseUrl {
  const trimmed = text.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`);
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw new ClientError("invalid", `"${text}" is not the address of a server; write it like http://127.0.0.1:6287.`, {
      field: "url",
    });
  }
  const prefix = url.pathname.replace(/(\/api\/v1)?\/*$/, "");
  return {
    shown: `${url.origin}${prefix}`,
    to(path, query = {}) {
      const target = new URL(url);
      target.pathname = `${prefix}/${path}`;
      target.hash = "";
      target.search = new URLSearchParams(Object.entries(query).flatMap(pair)).toString();
      return target;
    },
  };
}

function pair([name, value]: [string, Query[string]]): [string, string][] {
  const text = typeof value === "object" ? value.join(",") : value;
  return text === undefined || text === "" ? [] : [[name, String(text)]];
}

/** An id as one segment of a path. Dots alone would be read as "the folder above". */
export function segment(id: string): string {
  if (/^\.{0,2}$/.test(id)) throw new ClientError("not_found", `"${id}" is not an id.`);
  return encodeURIComponent(id);
}
