// HTTP with answers that a test gives.
import { type Http, HttpFailure, type HttpResponse } from '../../src/host/host.ts';

type Open = (url: string, options: Parameters<Http['open']>[1]) => Promise<HttpResponse>;
type Probe = (
  url: string,
  request?: Parameters<Http['probe']>[2],
) => Promise<{ status: number; body: string } | undefined> | { status: number; body: string } | undefined;

export class FakeHttp implements Http {
  /** Every URL opened, oldest first. */
  readonly opened: string[] = [];
  onOpen: Open = async (url) => {
    throw new HttpFailure(url, 'this test expects no download', { transient: false });
  };
  onProbe: Probe = () => undefined;

  open(url: string, options: Parameters<Http['open']>[1]): Promise<HttpResponse> {
    this.opened.push(url);
    return this.onOpen(url, options);
  }

  async probe(
    url: string,
    _timeoutMs: number,
    request?: Parameters<Http['probe']>[2],
  ): Promise<{ status: number; body: string } | undefined> {
    return this.onProbe(url, request);
  }
}

/** A response with a whole body, in one chunk. */
export function respond(
  url: string,
  body: string | Uint8Array,
  options: { status?: number; headers?: Record<string, string> } = {},
): HttpResponse {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return {
    status: options.status ?? 200,
    headers: { 'content-length': String(bytes.length), ...options.headers },
    url,
    body: (async function* () {
      yield bytes;
    })(),
    discard: async () => {},
  };
}
