// Downloads over HTTP: undici, with redirects followed here, so that each hop gets the proxy and the headers it may have.
import tls from 'node:tls';
import type { Dispatcher } from 'undici';
import { HttpFailure, type HttpResponse, type Proxies } from '../host.ts';
import { proxyFor } from './proxies.ts';

const redirectsAtMost = 10;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
/** Headers that are for the first host alone. */
const privateHeaders = new Set(['authorization', 'cookie', 'proxy-authorization']);
/** Failures that the next try may not meet: a connection that broke, a silence, a resolver that is not up yet. */
const transientCodes = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_ABORTED',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_PRX_CONN',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_SOCKET',
]);

interface OpenOptions {
  headers?: Record<string, string>;
  proxies?: Proxies;
  stallMs: number;
  signal?: AbortSignal;
}

/** See `Http.open`. A redirect from https to http is refused: what follows it could be anybody's. */
export async function open(url: string, options: OpenOptions): Promise<HttpResponse> {
  let target = parse(url, url);
  let headers = options.headers ?? {};
  for (let redirects = 0; redirects <= redirectsAtMost; redirects += 1) {
    const response = await openOnce(target, headers, options);
    const location = response.headers.location;
    if (!redirectStatuses.has(response.status) || location === undefined) return response;
    await response.discard();
    const next = parse(location, url, target);
    if (target.protocol === 'https:' && next.protocol !== 'https:') {
      throw new HttpFailure(url, `redirects from https to ${next.href}`, { transient: false });
    }
    if (next.origin !== target.origin) headers = withoutPrivate(headers);
    target = next;
  }
  throw new HttpFailure(url, `more than ${redirectsAtMost} redirects`, { transient: false });
}

async function openOnce(
  url: URL,
  headers: Record<string, string>,
  options: OpenOptions,
): Promise<HttpResponse> {
  options.signal?.throwIfAborted();
  const { Agent, ProxyAgent, request } = await import('undici');
  trustMachine();
  const timeouts = {
    headersTimeout: options.stallMs,
    bodyTimeout: options.stallMs,
    connect: { timeout: options.stallMs },
  };
  const proxy = proxyFor(url, options.proxies ?? {});
  const dispatcher =
    proxy === undefined
      ? new Agent(timeouts)
      : new ProxyAgent({ uri: parse(proxy, proxy).href, ...timeouts });
  const letGo = () => dispatcher.destroy();
  try {
    const response = await request(url, {
      dispatcher,
      headers,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return {
      status: response.statusCode,
      headers: flat(response.headers),
      url: url.href,
      body: chunks(response.body, url, options.signal, letGo),
      discard: async () => {
        // Destroying a body that nobody reads emits an error that nobody would hear.
        response.body.on('error', () => {});
        await letGo();
      },
    };
  } catch (error) {
    await letGo();
    throw failure(error, url, options.signal);
  }
}

/** Node brings a list of authorities of its own and looks at no other. A site's own authority is where the machine's
 * administrator put it (update-ca-certificates), and a mirror or a proxy that it vouches for is trusted. */
function trustMachine(): void {
  if (machineTrusted) return;
  const known = [...tls.getCACertificates('default'), ...tls.getCACertificates('system')];
  tls.setDefaultCACertificates([...new Set(known)]);
  machineTrusted = true;
}

let machineTrusted = false;

async function* chunks(
  body: Dispatcher.ResponseData['body'],
  url: URL,
  signal: AbortSignal | undefined,
  letGo: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (error) {
    throw failure(error, url, signal);
  } finally {
    await letGo();
  }
}

/** Everything that undici throws, as one kind; an abort stays the caller's own reason. */
function failure(error: unknown, url: URL, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  if (!(error instanceof Error) || error instanceof HttpFailure) return error;
  const codes = codesOf(error);
  const transient = codes.some((code) => transientCodes.has(code));
  const what = error.message === '' ? codes.join(', ') : error.message;
  return new HttpFailure(url.href, what || error.name, { transient, cause: error });
}

/** The codes of an error, of its causes and of the addresses tried (`AggregateError`). */
function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const inner = error instanceof AggregateError ? error.errors : [];
  return [...own, ...codesOf(error.cause), ...inner.flatMap(codesOf)];
}

function parse(text: string, url: string, base?: URL): URL {
  const parsed = URL.parse(text, base?.href);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new HttpFailure(url, `not a URL that can be fetched: ${text}`, { transient: false });
  }
  return parsed;
}

function withoutPrivate(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !privateHeaders.has(name.toLowerCase())),
  );
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
