import { isSslMode } from './ssl-mode.ts';

/** A connection given as a libpq URI (manual §34.1.1.2), as far as it is supported here. */
interface DatabaseUrl {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** The libpq environment variables that it sets: `PGSSLMODE`, `PGSSLROOTCERT`. */
  readonly env: Readonly<Record<string, string>>;
}

const PARAMETERS: Readonly<Record<string, string>> = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
};

/** An IPv6 address is written in brackets where a port may follow it. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/**
 * Reads `postgresql://user:password@host:5432/database?sslmode=require`; the database defaults to `postgres`.
 *
 * @returns undefined if it is not such an address, or has parts that are not supported
 */
export function parseDatabaseUrl(text: string): DatabaseUrl | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!/^postgres(ql)?:$/.test(url.protocol) || url.hostname === '' || url.username === '') return undefined;
  // libpq's lists of hosts are not supported.
  if (url.hostname.includes(',') || url.port === '0') return undefined;
  try {
    const env = readParameters(url.search.slice(1));
    if (env === undefined) return undefined;
    return {
      host: withoutBrackets(decodeURIComponent(url.hostname)),
      port: url.port === '' ? 5432 : Number(url.port),
      user: decodeURIComponent(url.username),
      password: url.password === '' ? undefined : decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
      env,
    };
  } catch {
    // A percent sign that does not begin an encoded byte.
    return undefined;
  }
}

/** Decodes percent signs only, as libpq does: URLSearchParams would turn a plus sign into a space. */
function readParameters(query: string): Readonly<Record<string, string>> | undefined {
  const env: Record<string, string> = {};
  for (const parameter of query === '' ? [] : query.replace(/&$/, '').split('&')) {
    const [name = '', value = '', ...rest] = parameter.split('=').map(decodeURIComponent);
    const variable = PARAMETERS[name];
    if (variable === undefined || rest.length > 0) return undefined;
    if (name === 'sslmode' && !isSslMode(value)) return undefined;
    env[variable] = value;
  }
  return env;
}
