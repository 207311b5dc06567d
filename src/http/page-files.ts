import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { PageFile } from "../ui/build.ts";

/** One file of the page in every encoding that it is sent in. */
export interface ServedFile extends PageFile {
  br: Uint8Array<ArrayBuffer>;
  gzip: Uint8Array<ArrayBuffer>;
}

/** Which folder of the binary the build embeds, with each file's compressed forms beside it. */
export const embeddedFolder = "dist/page";

let loaded: Promise<ReadonlyMap<string, ServedFile>> | undefined;

/** The page by path: from the binary it is part of; in a source checkout built now, once, which takes a second. */
export function loadPage(): Promise<ReadonlyMap<string, ServedFile>> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<ReadonlyMap<string, ServedFile>> {
  // Of an embedded folder's path Bun keeps the last name.
  const folder = join(import.meta.dir, basename(embeddedFolder));
  const files = Bun.isStandaloneExecutable && existsSync(folder) ? readEmbedded(folder) : await buildNow();
  return new Map(files.map((file) => [file.path, file]));
}

const brotliAsync = promisify(brotliCompress);
const gzipAsync = promisify(gzip);

/** `quality` as brotli counts: 11 is the best it can do, 10 takes a third of the time and 2 % more bytes. */
export async function compress({ path, body }: PageFile, quality: number): Promise<ServedFile> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality };
  const [br, zipped] = await Promise.all([
    brotliAsync(body, { params }),
    gzipAsync(body, { level: constants.Z_BEST_COMPRESSION }),
  ]);
  return { path, body, br: new Uint8Array(br), gzip: new Uint8Array(zipped) };
}

function readEmbedded(folder: string): ServedFile[] {
  const read = (path: string) => new Uint8Array(readFileSync(join(folder, path)));
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => existsSync(join(folder, `${path}.br`)))
    .map((path) => ({ path, body: read(path), br: read(`${path}.br`), gzip: read(`${path}.gz`) }));
}

async function buildNow(): Promise<ServedFile[]> {
  const { buildPage } = await import("../ui/build.ts");
  return Promise.all((await buildPage()).map((file) => compress(file, 10)));
}
