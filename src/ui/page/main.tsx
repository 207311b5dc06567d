import { options, render } from "preact";
import { createPage, PageContext } from "./page.ts";
import { Shell } from "./shell/shell.tsx";
import { pressEnterOnce } from "./shell/use-act.ts";

// What many events change is painted once for a frame.
options.debounceRendering = requestAnimationFrame;

const url = new URL(".", location.href);
url.hash = "";
const page = createPage(url.href, new URL(document.documentElement.dataset.stream ?? "", url));
const root = document.getElementById("page");
if (root) {
  root.textContent = "";
  render(
    <PageContext.Provider value={page}>
      <Shell />
    </PageContext.Provider>,
    root,
  );
}
pressEnterOnce();
page.feed.start();
void page.session.check();
