import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { inBrowser } from "./browser.ts";
import { show, World } from "./world.ts";

/** Every way into a page that a text can try. Whatever runs says `hacked()`. */
const attacks = [
  "<script>hacked()</script>",
  "<img src=x onerror=hacked()>",
  '<img src="x" onerror="hacked()" style="background:url(javascript:hacked())">',
  "<svg onload=hacked()><script>hacked()</script></svg>",
  "<svg><animate onbegin=hacked() attributeName=x dur=1s></svg>",
  "<math><mtext></table></math><img src onerror=hacked()>",
  '<math><mi//xlink:href="data:x,<script>hacked()</script>">',
  "<iframe src=javascript:hacked()></iframe>",
  '<iframe srcdoc="<script>parent.hacked()</script>"></iframe>',
  "<body onload=hacked()>",
  "<details open ontoggle=hacked()><summary>x</summary></details>",
  "<video><source onerror=hacked()></video>",
  "<audio src=x onerror=hacked()>",
  "<input autofocus onfocus=hacked()>",
  "<select autofocus onfocus=hacked()>",
  "<textarea autofocus onfocus=hacked()>",
  "<marquee onstart=hacked()>x</marquee>",
  '<object data="javascript:hacked()"></object>',
  '<embed src="javascript:hacked()">',
  '<form action="javascript:hacked()"><button>Click</button></form>',
  '<button onclick="hacked()">Click</button>',
  "<button popovertarget=x>Click</button><div popover id=x onbeforetoggle=hacked()>y</div>",
  '<a href="javascript:hacked()">Click</a>',
  "[Click](javascript:hacked())",
  "[Click](JaVaScRiPt:hacked())",
  "[Click](&#106;avascript:hacked())",
  "[Click](java\tscript:hacked())",
  "[Click](data:text/html,<script>hacked()</script>)",
  "[Click](vbscript:hacked())",
  "![x](javascript:hacked())",
  '![x"onerror="hacked()](y)',
  '![x](y"onerror="hacked())',
  "<javascript:hacked()>",
  '<base href="https://evil.example/">',
  '<link rel=stylesheet href="https://evil.example/x.css">',
  "<style>@import 'https://evil.example/x.css'; body { display: none }</style>",
  '<meta http-equiv="refresh" content="0;url=javascript:hacked()">',
  '<div style="position:fixed;inset:0;background:url(https://evil.example/x)">x</div>',
  '<div id="page" name="cookie">clobbered</div><form id=document name=body><input name=attributes></form>',
  '<p class="toast problem" role="alert">Your session has ended</p>',
  '<noscript><p title="</noscript><img src=x onerror=hacked()>">',
  "<template><img src=x onerror=hacked()></template>",
  "<!--><img src=x onerror=hacked()>-->",
  "<![CDATA[><img src=x onerror=hacked()>]]>",
  "```<img src=x onerror=hacked()>\n<img src=x onerror=hacked()>\n```",
  '```"><img/src/onerror=hacked()>\nx\n```',
  "| <img src=x onerror=hacked()> | b |\n|---|---|\n| <script>hacked()</script> | [c](javascript:hacked()) |",
  "<x/onclick=hacked()>click</x>",
  "<a href='#/webhooks' onclick=hacked()>Click</a>",
  'http://evil.example/"onmouseover="hacked()',
];

inBrowser("a note full of traps", () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
    await world.browser.context.addInitScript("globalThis.hackedBy = 0; globalThis.hacked = () => { globalThis.hackedBy++; };");
  });

  afterEach(() => world.endTest());

  afterAll(() => world.stop());

  test("is shown as text, in the preview, the list, the versions and the events: nothing of it runs or leaves the machine", async () => {
    const requests: string[] = [];
    world.browser.context.on("request", (request) => requests.push(request.url()));
    const content = attacks.map((attack, index) => `## Trap ${index}\n\n${attack}`).join("\n\n");
    const title = '"><img src=x onerror=hacked()><script>hacked()</script>';
    const { page, note } = await world.openNote({ title, content, tags: ["<img src=x onerror=hacked()>"] });
    await world.client.notes.update(note.id, { content: `${content}\n\nThe end` });
    await page.locator(".preview").getByText("The end").waitFor();
    for (const mode of ["Read", "Write", "Both"] as const) await show(page, mode);
    const preview = page.locator(".preview");
    for (const link of await preview.getByText("Click").all())
      await link.click({ force: true, noWaitAfter: true }).catch(() => {});
    expect(
      await preview
        .locator("script, style, iframe, form, input, button, object, embed, svg, math, [style], [id], [name]")
        .count(),
    ).toBe(0);
    expect(await preview.locator(".toast").count()).toBe(0);
    const html = await preview.innerHTML();
    const tags = html.match(/<[a-z][^>]*>/gi) ?? [];
    expect(tags.filter((tag) => /\son|javascript:|\ssrc=/i.test(tag))).toEqual([]);

    await page.getByRole("link", { name: "Versions" }).click();
    await page.locator(".diff").getByText("The end").waitFor();
    await world.client.events.publish({ event: "Trapped", data: { text: attacks.join(" ") } });
    await page.getByRole("link", { name: "Events" }).click();
    await page.getByRole("button", { name: /Trapped/ }).click();
    await page.getByRole("complementary", { name: "Event" }).getByText("hacked()").first().waitFor();

    expect(await page.evaluate<number>("globalThis.hackedBy")).toBe(0);
    expect(requests.filter((url) => !url.startsWith(world.url))).toEqual([]);
  });

  test("may hold links to the web, which open elsewhere and tell nothing of this page", async () => {
    const { page } = await world.openNote({
      content: "[out](https://example.com) ![a cat](https://example.com/cat.png) [in](#/notes/x)",
    });
    const out = page.locator(".preview").getByRole("link", { name: "out" });
    expect(await out.getAttribute("rel")).toBe("noopener noreferrer nofollow");
    expect(await out.getAttribute("target")).toBe("_blank");
    await page.locator(".preview").getByRole("link", { name: "a cat" }).waitFor();
    expect(await page.locator(".preview img").count()).toBe(0);
    expect(await page.locator(".preview").getByRole("link", { name: "in", exact: true }).getAttribute("target")).toBe(null);
  });
});
