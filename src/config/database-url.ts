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

/**
 * Reads `postgresql://user:password@host:5432/database?sslmode=require`; the database defaults to `postgres`.
 *
 * @returns undefined if it is not such an address, or has parts that are not supported
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
    // A percent sign that does not begin an encoded byte.
    return undefined;
  }
}
