const thisMachine = "localhost,127.0.0.1,::1";

/**
 * Lets nothing on this machine be asked for through a proxy. Where HTTP_PROXY is set for the internet, a server on a loopback address
 * would seem to be away, and so would a model's.
 */
export function reachThisMachineDirectly(env: Record<string, string | undefined>): void {
  const direct = [env.NO_PROXY, env.no_proxy, thisMachine].filter(Boolean).join(",");
  env.NO_PROXY = direct;
  env.no_proxy = direct;
}
