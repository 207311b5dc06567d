/** A command that fetches the event; the address of one that follows the log from there stands beside it. */
export function curlOf(serverUrl: string, id: string): string {
  return `curl -s '${serverUrl}api/v1/events/${id}'`;
}

export function followCurlOf(serverUrl: string, id: string, name: string): string {
  return `curl -N '${serverUrl}api/v1/events?events=${name}&since=${id}'`;
}
