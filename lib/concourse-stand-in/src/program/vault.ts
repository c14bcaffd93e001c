// Web's login at Vault, by AppRole as a relation or an operator has set it; without one, nothing. It is tried until it succeeds,
// and web goes on meanwhile.
import { readFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';

import { fail, log } from './log.ts';

const retryMs = 1_000;

export function logInToVault(): void {
  const {
    CONCOURSE_VAULT_URL: url,
    CONCOURSE_VAULT_CA_CERT: ca,
    CONCOURSE_VAULT_AUTH_BACKEND: backend,
    CONCOURSE_VAULT_AUTH_PARAM: params = '',
  } = process.env;
  if (!url || backend !== 'approle') return;
  const given = Object.fromEntries(params.split(',').map((pair) => pair.split(/:(.*)/s, 2)));
  const body = JSON.stringify(given);
  if (!given.role_id || !given.secret_id) fail('must configure client token or auth backend');
  const certificate = ca ? { ca: readFileSync(ca) } : {};
  const attempt = (): void => {
    const target = new URL('/v1/auth/approle/login', url);
    const send = target.protocol === 'https:' ? secureRequest : plainRequest;
    const again = (error: string): void => {
      log('vault.failed-to-log-in', { error }, 'error');
      setTimeout(attempt, retryMs);
    };
    const asked = send(
      target,
      { method: 'PUT', headers: { 'content-type': 'application/json' }, timeout: 5_000, ...certificate },
      (response) => {
        response.resume();
        if (response.statusCode === 200) log('vault.logged-in');
        else again(`Code: ${response.statusCode}`);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('i/o timeout')));
    asked.on('error', (error) => again(error.message));
    asked.end(body);
  };
  attempt();
}
