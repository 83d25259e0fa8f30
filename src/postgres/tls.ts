import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { ConfigError } from '../errors.ts';

/** How connections are encrypted, following libpq's `PGSSLMODE` (manual §34.19, "SSL Support"). */
export interface TlsPlan {
  /** Options of the TLS connection; false for none. */
  readonly ssl: ConnectionOptions | false;
  /** Whether to fall back to an unencrypted connection if the server has no TLS (`prefer`, libpq's default). */
  readonly fallBack: boolean;
}

/** The value of `PGSSLROOTCERT` that means the system's trusted authorities. */
const SYSTEM = 'system';

/**
 * @param host a host name, or a directory (a Unix socket, never encrypted)
 * @throws ConfigError for an unknown mode or an unreadable certificate
 */
export function planTls(host: string, env: Readonly<Record<string, string | undefined>>): TlsPlan {
  const trustsSystem = env.PGSSLROOTCERT === SYSTEM;
  const mode = env.PGSSLMODE || (trustsSystem ? 'verify-full' : 'prefer');
  // Anybody can get a certificate from such an authority, for a name of their own (libpq, from version 16).
  if (trustsSystem && mode !== 'verify-full') {
    throw new ConfigError({
      doing: 'cannot read the configuration',
      problem: `PGSSLMODE: ${JSON.stringify(mode)} is not accepted with PGSSLROOTCERT=${SYSTEM}`,
      remedy: 'use verify-full, or set PGSSLROOTCERT to a CA’s certificate file',
    });
  }
  if (host.startsWith('/')) return { ssl: false, fallBack: false };
  const files = {
    ...readPem('ca', 'PGSSLROOTCERT', env),
    ...readPem('cert', 'PGSSLCERT', env),
    ...readPem('key', 'PGSSLKEY', env),
  };
  switch (mode) {
    case 'disable':
    case 'allow':
      return { ssl: false, fallBack: false };
    case 'prefer':
      return { ssl: { ...files, rejectUnauthorized: false }, fallBack: true };
    case 'require':
      // Given a root certificate, libpq verifies under `require` as it does under `verify-ca`.
      return files.ca === undefined
        ? { ssl: { ...files, rejectUnauthorized: false }, fallBack: false }
        : { ssl: { ...files, checkServerIdentity: () => undefined }, fallBack: false };
    case 'verify-ca':
      return { ssl: { ...files, checkServerIdentity: () => undefined }, fallBack: false };
    case 'verify-full':
      return { ssl: files, fallBack: false };
    default:
      throw new ConfigError({
        doing: 'cannot read the configuration',
        problem: `PGSSLMODE: ${JSON.stringify(mode)} is not accepted`,
        remedy: 'use disable, allow, prefer, require, verify-ca or verify-full',
      });
  }
}

function readPem<N extends 'ca' | 'cert' | 'key'>(
  name: N,
  variable: string,
  env: Readonly<Record<string, string | undefined>>,
): { readonly [K in N]?: string } {
  const path = env[variable];
  if (!path || path === SYSTEM) return {};
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
