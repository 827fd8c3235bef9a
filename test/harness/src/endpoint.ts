/** Where a server listens, always on the loopback interface of this machine. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export const LOOPBACK = "127.0.0.1";

export function loopback(port: number): Endpoint {
  return { host: LOOPBACK, port };
}
