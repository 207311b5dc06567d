import DOMPurify, { type Config } from "dompurify";
import { Marked, type Tokens } from "marked";

/** One part of a rendered text: a paragraph, a list, a table. */
export interface Block {
  /** The same for the same part of two versions, so that what did not change is not touched. */
  key: string;
  html: string;
}

const isImage = /^data:image\/(png|jpeg|gif|webp|avif);base64,/i;
const isLink = /^(https?:|mailto:|#\/notes\/)/i;

/** What people write in Markdown where it has no signs of its own; without attributes these do nothing. */
const harmless = new Set(
  "abbr b br cite del details em hr i ins kbd mark q s samp small strong sub summary sup u var wbr".split(" "),
);

const marked = new Marked({
  gfm: true,
  renderer: {
    // All other HTML is shown as the text it is: browsers complain about what a sanitiser only has to look at.
    html({ text }: Tokens.HTML | Tokens.Tag): string {
      if (/^\s*<!--[\s\S]*-->\s*$/.test(text)) return "";
      return text.replace(/<\/?([a-z]+) ?\/?>|[<>"]/gi, (piece, name?: string) =>
        name !== undefined && harmless.has(name.toLowerCase()) ? piece : escaped(piece),
      );
    },
    // Nothing is fetched from elsewhere, pictures neither: a link leads there.
    image({ href, text, tokens }: Tokens.Image): string {
      const alt = escaped(text || (tokens?.length ? "" : "picture"));
      return isImage.test(href)
        ? `<img src="${escaped(href)}" alt="${alt}">`
        : `<a href="${escaped(href)}">${alt || "picture"}</a>`;
    },
    checkbox({ checked }: Tokens.Checkbox): string {
      return `<span class="box${checked ? " checked" : ""}" role="img" aria-label="${checked ? "done" : "to do"}"></span> `;
    },
    code({ text, lang }: Tokens.Code): string {
      return `<pre tabindex="0"${lang ? ` aria-label="${escaped(lang.split(/\s/)[0] ?? "")}"` : ""}><code>${escaped(text)}\n</code></pre>`;
    },
  },
});

const rules: Config = {
  USE_PROFILES: { html: true },
  FORBID_TAGS: [
    "style",
    "form",
    "input",
    "button",
    "textarea",
    "select",
    "option",
    "dialog",
    "audio",
    "video",
    "source",
    "track",
    "picture",
    "map",
    "area",
    "menu",
  ],
  FORBID_ATTR: [
    "style",
    "id",
    "name",
    "srcset",
    "background",
    "autofocus",
    "popover",
    "popovertarget",
    "contenteditable",
    "draggable",
  ],
  ALLOW_DATA_ATTR: false,
  RETURN_TRUSTED_TYPE: true,
};

const classes = new Set(["box", "box checked"]);

DOMPurify.addHook("uponSanitizeAttribute", (_node, data) => {
  if (data.attrName === "class" && !classes.has(data.attrValue)) data.keepAttr = false;
  if (data.attrName === "src" && !isImage.test(data.attrValue)) data.keepAttr = false;
  if (data.attrName === "href" && !isLink.test(data.attrValue)) data.keepAttr = false;
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName !== "A" || !node.hasAttribute("href") || node.getAttribute("href")?.startsWith("#")) return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
});

/** What was rendered before, by its HTML before sanitising: typing changes one block, and the others are not worth the work. */
let rendered = new Map<string, string>();

/** Markdown as HTML that can do no harm, in blocks. */
export function renderBlocks(markdown: string): Block[] {
  const tokens = marked.lexer(markdown);
  levelHeadings(tokens);
  const next = new Map<string, string>();
  const counts = new Map<string, number>();
  const blocks: Block[] = [];
  for (const token of tokens) {
    if (token.type === "space" || token.type === "def") continue;
    const dirty = marked.parser([token]);
    const html = next.get(dirty) ?? rendered.get(dirty) ?? sanitised(dirty);
    next.set(dirty, html);
    if (html === "") continue;
    const count = counts.get(dirty) ?? 0;
    counts.set(dirty, count + 1);
    blocks.push({ key: `${dirty}#${count}`, html });
  }
  rendered = next;
  return blocks;
}

/** The note's title is the page's first heading; those of the text follow it, and skip no level. */
function levelHeadings(tokens: readonly { type: string; depth?: number }[]): void {
  let before = 1;
  for (const token of tokens) {
    if (token.type !== "heading") continue;
    before = Math.min((token.depth ?? 1) + 1, before + 1, 6);
    token.depth = before;
  }
}

function sanitised(html: string): string {
  // A TrustedHTML where the browser knows such; it goes nowhere but into innerHTML.
  return DOMPurify.sanitize(html, rules) as unknown as string;
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
