// Which proxy, if any, a URL is to be fetched through.
import { BlockList, isIP } from 'node:net';
import type { Proxies } from '../host.ts';

/** The proxy's URL, or undefined for a direct connection. A proxy given without a scheme is taken as http. */
export function proxyFor(url: URL, proxies: Proxies): string | undefined {
  const proxy = (url.protocol === 'https:' ? proxies.https : proxies.http)?.trim();
  if (!proxy || bypasses(url, proxies.no ?? '')) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** Whether NO_PROXY names this URL's host: '*', a host (which takes its subdomains in, with or without a leading dot or
 * '*.'), an address, a CIDR block, each optionally with a port. Names are not resolved. */
export function bypasses(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry.toLowerCase(), host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const [, bracketed, bracketedPort] = /^\[(.+)\](?::(\d+))?$/.exec(entry) ?? [];
  const [, plain, plainPort] = /^([^:]+):(\d+)$/.exec(entry) ?? [];
  const wantedPort = bracketedPort ?? plainPort;
  if (wantedPort !== undefined && wantedPort !== port) return false;
  const name = bracketed ?? plain ?? entry;
  if (isIP(host) !== 0) return addressMatches(name, host);
  const suffix = name.replace(/^\*?\./, '');
  return host === suffix || host.endsWith(`.${suffix}`);
}

function addressMatches(entry: string, address: string): boolean {
  const [network = '', bits] = entry.split('/', 2);
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(network) === 0 || isIP(network) !== isIP(address)) return false;
  const most = family === 'ipv6' ? 128 : 32;
  const prefix = bits === undefined ? most : Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > most) return false;
  const block = new BlockList();
  block.addSubnet(network, prefix, family);
  return block.check(address, family);
}
