import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { isSslMode, SSL_MODES, type SslMode } from '../config/ssl-mode.ts';
import { ConfigError } from '../errors.ts';

/** How connections are encrypted, following libpq's `PGSSLMODE` (manual §34.19, "SSL Support"). */
export interface TlsPlan {
  /** Options of the TLS connection; false for none. */
  readonly ssl: ConnectionOptions | false;
  /**
   * What to try if the server refuses that: none if it has no TLS (`prefer`, libpq's default), TLS if it demands it
   * (`allow`).
   */
  readonly fallBack?: ConnectionOptions | false;
}

/** The value of `PGSSLROOTCERT` that means the system's trusted authorities. */
const SYSTEM = 'system';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * @param host a host name, or a directory (a Unix socket, never encrypted)
 * @throws ConfigError for an unknown mode, an unreadable certificate, or `verify-ca` without a CA's certificate
 */
export function planTls(host: string, env: Env): TlsPlan {
  const trustsSystem = env.PGSSLROOTCERT === SYSTEM;
  const mode = readMode(env, trustsSystem);
  if (host.startsWith('/') || mode === 'disable') return { ssl: false };
  // Without verification libpq reads it too, but nothing depends on it.
  const verifies = mode === 'require' || mode.startsWith('verify-');
  const root = trustsSystem ? undefined : env.PGSSLROOTCERT || (verifies ? usualRoot(env) : undefined);
  const files = {
    ...readPem('ca', 'PGSSLROOTCERT', root),
    ...readPem('cert', 'PGSSLCERT', env.PGSSLCERT),
    ...readPem('key', 'PGSSLKEY', env.PGSSLKEY),
  };
  const unverified = { ...files, rejectUnauthorized: false };
  const ofAnyName = { ...files, checkServerIdentity: () => undefined };
  switch (mode) {
    case 'allow':
      return { ssl: false, fallBack: unverified };
    case 'prefer':
      return { ssl: unverified, fallBack: false };
    case 'require':
      // Given a root certificate, libpq verifies under `require` as it does under `verify-ca`.
      return { ssl: files.ca === undefined ? unverified : ofAnyName };
    case 'verify-ca':
      // Node would trust every public authority, from which anybody gets a certificate.
      if (files.ca === undefined) {
        throw new ConfigError({
          doing: 'cannot read the configuration',
          problem: 'PGSSLMODE: "verify-ca" needs the certificate of a CA',
          remedy: 'set PGSSLROOTCERT to the CA’s certificate file',
        });
      }
      return { ssl: ofAnyName };
    case 'verify-full':
      // Without a root certificate a public authority has to vouch for the host's name.
      return { ssl: files };
  }
}

function readMode(env: Env, trustsSystem: boolean): SslMode {
  const mode = env.PGSSLMODE || (trustsSystem ? 'verify-full' : 'prefer');
  // Anybody can get a certificate from such an authority, for a name of their own (libpq, from version 16).
  if (trustsSystem && mode !== 'verify-full') {
    throw new ConfigError({
      doing: 'cannot read the configuration',
      problem: `PGSSLMODE: ${JSON.stringify(mode)} is not accepted with PGSSLROOTCERT=${SYSTEM}`,
      remedy: 'use verify-full, or set PGSSLROOTCERT to a CA’s certificate file',
    });
  }
  if (isSslMode(mode)) return mode;
  throw new ConfigError({
    doing: 'cannot read the configuration',
    problem: `PGSSLMODE: ${JSON.stringify(mode)} is not accepted`,
    remedy: `use ${SSL_MODES.slice(0, -1).join(', ')} or ${SSL_MODES.at(-1)}`,
  });
}

/** The file that libpq reads if `PGSSLROOTCERT` is not set; undefined if there is none. */
function usualRoot(env: Env): string | undefined {
  const path = join(env.HOME || homedir(), '.postgresql', 'root.crt');
  return existsSync(path) ? path : undefined;
}

function readPem<N extends 'ca' | 'cert' | 'key'>(
  name: N,
  variable: string,
  path: string | undefined,
): { readonly [K in N]?: string } {
  if (!path) return {};
  try {
    return { [name]: readFileSync(path, 'utf8') } as { readonly [K in N]?: string };
  } catch (error) {
    throw new ConfigError({
      doing: 'cannot read the configuration',
      problem: `${variable}: cannot read ${JSON.stringify(path)}`,
      remedy: 'give a readable PEM file',
      cause: error,
    });
  }
}
