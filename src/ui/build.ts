import { join } from "node:path";
import type { BunPlugin } from "bun";

/** One file of the page, as the browser gets it. */
export interface PageFile {
  /** Below the page's own address: `index.html`, `assets/main-x1y2z3.js`. The names of assets change with their content. */
  path: string;
  body: Uint8Array<ArrayBuffer>;
}

const source = join(import.meta.dir, "page");

/** Where index.html says `{{main}}`, the name of what became of main.tsx is written. */
const entries = {
  main: "main.tsx",
  stream: "live/stream-worker.ts",
  theme: "shell/early-theme.ts",
  style: "style/page.css",
};

/**
 * TypeBox hands its builders around as one constant, so that no bundler can leave out those that nobody uses. As a namespace it
 * can, and the page becomes 9 KB smaller (compressed).
 */
const typeboxNamespace: BunPlugin = {
  name: "typebox-namespace",
  setup(build) {
    build.onLoad({ filter: /typebox\/build\/esm\/type\/type\/index\.mjs$/ }, () => ({
      contents: 'export * as Type from "./type.mjs"; export { JavaScriptTypeBuilder } from "./javascript.mjs";',
      loader: "js",
    }));
  },
};

/** Builds the page from its sources. Throws when they have an error. */
export async function buildPage(): Promise<PageFile[]> {
  const { outputs } = await Bun.build({
    entrypoints: Object.values(entries).map((entry) => join(source, entry)),
    root: source,
    target: "browser",
    splitting: true,
    minify: true,
    naming: { entry: "assets/[name]-[hash].[ext]", chunk: "assets/chunk-[hash].[ext]", asset: "assets/[name]-[hash].[ext]" },
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [typeboxNamespace],
  });
  const assets = await Promise.all(
    outputs.map(async (output) => ({
      path: output.path.replace(/^\.\//, ""),
      body: new Uint8Array(await output.arrayBuffer()),
    })),
  );
  const icon = await hashed("icon.svg");
  const names: Record<string, string> = { icon: icon.path };
  for (const [name, entry] of Object.entries(entries)) {
    const stem = /([\w-]+)\.\w+$/.exec(entry)?.[1];
    const found = assets.find(({ path }) => path.startsWith(`assets/${stem}-`));
    if (!found) throw new Error(`the page's build made nothing of ${entry}`);
    names[name] = found.path;
  }
  const template = await Bun.file(join(source, "index.html")).text();
  const html = template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => names[name] ?? "");
  return [{ path: "index.html", body: new TextEncoder().encode(html) }, icon, ...assets];
}

async function hashed(name: string): Promise<PageFile> {
  const body = new Uint8Array(await Bun.file(join(source, name)).arrayBuffer());
  const [stem, extension] = name.split(".");
  return { path: `assets/${stem}-${Bun.hash(body).toString(36).slice(0, 8)}.${extension}`, body };
}
