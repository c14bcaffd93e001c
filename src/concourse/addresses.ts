// What Concourse listens on: everything on a machine of its own, one loopback address where units share a machine.

export interface BindAddresses {
  /** Web's interface and its TSA. */
  public: string;
  /** What is without authentication and only for this machine: garden, baggageclaim, debug and health ports. */
  private: string;
}

/** `address` is the bind address that `network-get` gives. Go's `0.0.0.0` listens on IPv6 too, and Concourse joins address
 * and port without brackets, so an IPv6 address cannot be given to it at all. */
export function bindAddresses(address: string): BindAddresses {
  const loopback = /^127(?:\.\d{1,3}){3}$/.test(address);
  return loopback ? { public: address, private: address } : { public: '0.0.0.0', private: '127.0.0.1' };
}

/** Host and port as they stand in a URL or in `CONCOURSE_TSA_HOST`: IPv6 in brackets. */
export const hostAndPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
