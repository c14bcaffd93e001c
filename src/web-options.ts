// The options that say how people and workers reach web.
import { option } from 'juju-ts-ops';
import { z } from 'zod';
import { areCertificates } from './concourse/certificate.ts';

/** `ci.example.com:2222`, `10.0.0.5:2222`, `[fd00::5]:2222`. */
const hostPort = z
  .string()
  .trim()
  .refine((text) => {
    const [, host, port] = /^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})$/.exec(text) ?? [];
    return host !== undefined && Number(port) >= 1 && Number(port) <= 65535;
  }, 'HOST:PORT, such as ci.example.com:2222');

/** In the order in which the reference has them. */
export const webOptions = {
  'tls-certificate': option.secret({
    description:
      'Secret with the keys certificate and private-key (PEM; also chain, ca), by which web serves HTTPS. juju add-secret tls certificate#file=… private-key#file=….',
  }),
  'tls-port': option.int({
    schema: z.int().min(1).max(65535),
    default: 443,
    description: 'Port of HTTPS, where web has a certificate.',
  }),
  'tsa-address': option.string({
    schema: hostPort,
    description:
      'HOST:PORT at which workers reach the SSH gateway of web, where that is not its own address and port 2222: one behind a load balancer, say.',
  }),
  'vault-ca-cert': option.string({
    schema: z.string().refine(areCertificates, 'certificates in PEM form: vault-ca-cert=@FILE'),
    description:
      "Certificates, in PEM form, of the authority that vouches for vault-url. Empty: those of the web unit's machine.",
  }),
} as const;
