/** How much a connection demands of TLS, by libpq's names (manual §34.19, "SSL Support"). */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** One of {@link SSL_MODES}. */
export type SslMode = (typeof SSL_MODES)[number];

/** Whether libpq knows a mode of this name. */
export function isSslMode(name: string): name is SslMode {
  return SSL_MODES.some((mode) => mode === name);
}
