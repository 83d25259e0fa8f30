/** A connection as libpq's URIs say it (manual §34.1.1.2), in so far as it is understood here. */
interface DatabaseUrl {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** What of libpq's environment it sets: `PGSSLMODE`, `PGSSLROOTCERT`. */
  readonly env: Readonly<Record<string, string>>;
}

const PARAMETERS: Readonly<Record<string, string>> = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
};

/**
 * Reads `postgresql://user:password@host:5432/database?sslmode=require`; without a database it is `postgres`.
 *
 * @returns undefined for what is no such address, or says more than is understood
 */
export function parseDatabaseUrl(text: string): DatabaseUrl | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!/^postgres(ql)?:$/.test(url.protocol) || url.hostname === '' || url.username === '') return undefined;
  const parameters = [...url.searchParams].map(([name, value]) => [PARAMETERS[name], value] as const);
  if (parameters.some(([name]) => name === undefined)) return undefined;
  try {
    return {
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 5432 : Number(url.port),
      user: decodeURIComponent(url.username),
      password: url.password === '' ? undefined : decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
      env: Object.fromEntries(parameters),
    };
  } catch {
    // A per cent sign that begins no byte.
    return undefined;
  }
}
