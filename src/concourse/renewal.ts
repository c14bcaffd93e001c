// Which of web's signing requests is in use, and when another is due: as one pure function, so that a certificate that runs out, is
// revoked or is for a name of yesterday is replaced before web goes without.
import type { Answer, SigningRequest } from '../relations/certificates.ts';
import { type CertificatePair, certificatePair } from './certificate.ts';

/** What is to be done and said about web's certificate. */
export interface CertificateView {
  /** The end of the one that nobody renews by himself, or that is not renewed yet (ms since the epoch). */
  ends?: number | undefined;
  /** When that of the relation is to be renewed, or asked for again. */
  lookAt?: number | undefined;
  /** The names for which one has to be asked for now. */
  due?: readonly string[] | undefined;
  /** The signing requests that the other application should see. */
  asked: readonly string[];
}

/** After so much of its life a certificate is renewed, as the interface's own library does it. */
const renewedAfter = 0.9;
/** A request that did not lead to a certificate that can be used is not made anew more often than this. */
const againMs = 3_600_000;

export interface Standing {
  /** What web serves; undefined as long as there is no answer that can be used. */
  pair: CertificatePair | undefined;
  /** What is asked for in the databag. */
  asked: string[];
  /** Another request is due. */
  due: boolean;
  /** Why the latest answer cannot be used. */
  problem: string | undefined;
  /** The end of the one in use, while another is asked for. */
  ends: number | undefined;
  /** When to look again although nobody tells (ms since the epoch). */
  lookAt: number | undefined;
}

export function standing(given: {
  requests: readonly SigningRequest[];
  answers: readonly Answer[];
  names: readonly string[];
  host: string | undefined;
  now: number;
}): Standing {
  const { requests, names, now } = given;
  const read = requests.map((request) => ({ request, ...answered(request, given) }));
  const used = read.findLast(({ pair }) => pair !== undefined);
  const latest = read.at(-1);
  const stale = latest === undefined || latest.request.names.join() !== names.join();
  const renewAt = latest?.pair && renewalOf(latest.pair);
  const over = latest?.lost === true || (renewAt !== undefined && now >= renewAt);
  const againAt = (latest?.request.madeAt ?? 0) + againMs;
  return {
    pair: used?.pair,
    asked: read.slice(read.findIndex((each) => each === used)).map(({ request }) => request.csr),
    due: stale || (over && now >= againAt),
    problem: latest?.problem,
    ends: used === latest ? undefined : used?.pair?.notAfter,
    lookAt: over ? againAt : renewAt,
  };
}

const renewalOf = ({ notBefore, notAfter }: CertificatePair): number =>
  Math.round(notBefore + renewedAfter * (notAfter - notBefore));

/** `lost`: it was answered, and the answer is of no use any more. */
function answered(
  request: SigningRequest,
  { answers, host, now }: { answers: readonly Answer[]; host: string | undefined; now: number },
): { pair?: CertificatePair; problem?: string; lost?: boolean } {
  const answer = answers.find((each) => each.certificate_signing_request.trim() === request.csr.trim());
  if (answer === undefined) return {};
  if (answer.revoked === true) return { problem: 'the certificate was revoked', lost: true };
  const certificates = [answer.certificate, ...answer.chain, answer.ca];
  const read = certificatePair({ certificates, key: request.key, now, host });
  if (!('pair' in read)) return { problem: read.problem };
  const { pair, outOfDate } = read;
  if (outOfDate === undefined) return { pair };
  return { problem: outOfDate, lost: outOfDate.includes('expired') };
}
