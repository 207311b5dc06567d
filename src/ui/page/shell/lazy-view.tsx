import { type Signal, signal } from "@preact/signals";
import type { FunctionComponent } from "preact";

/** A view that is loaded when it is first shown. Until then its place is empty. */
export function lazyView<Props extends object>(load: () => Promise<FunctionComponent<Props>>): FunctionComponent<Props> {
  const view: Signal<{ Loaded: FunctionComponent<Props> } | undefined> = signal(undefined);
  let isLoading = false;
  return function Lazy(props: Props) {
    if (view.value) {
      const { Loaded } = view.value;
      return <Loaded {...props} />;
    }
    if (!isLoading) {
      isLoading = true;
      load().then(
        (Loaded) => {
          view.value = { Loaded };
        },
        () => {
          // The network was away; showing it again asks again.
          isLoading = false;
        },
      );
    }
    return <div class="lazy" aria-busy="true" />;
  };
}
