import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Asked by invoke-rc.d and deb-systemd-invoke before they start a service; status 101 forbids it. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

export function isDebian(): boolean {
  return existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

/**
 * Makes sure that `programs` are on PATH: on Debian as root, their packages are installed when one is missing.
 *
 * @param what the software's name, for messages
 * @throws Error with the command to run where they cannot be installed from here
 */
export function requirePrograms(
  what: string,
  programs: readonly string[],
  packages: readonly string[],
  path = process.env.PATH ?? '',
): void {
  const isMissing = (program: string) =>
    !path.split(delimiter).some((directory) => existsSync(join(directory, program)));
  if (!programs.some(isMissing)) return;
  if (!isDebian() || process.getuid?.() !== 0) {
    const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
    throw new Error(
      `there is no ${what} on this machine — run, on Debian: ${sudo}apt-get install --yes --no-install-recommends ${packages.join(' ')}`,
    );
  }
  process.stderr.write(`no ${what} on this machine: installing the packages ${packages.join(' ')}\n`);
  installPackages(packages);
  const missing = programs.filter(isMissing);
  if (missing.length > 0) throw new Error(`the packages of ${what} brought no ${missing.join(', no ')}`);
}

/** Held while packages are installed: whoever ends first would take the policy away from the others. */
const LOCK = '/run/lock/topobank-backup-packages';

/** Another run of apt-get may hold its lock; it is waited for. */
const INSTALL = `set -e
if [ ! -e ${SERVICE_POLICY} ]; then
  trap 'rm -f ${SERVICE_POLICY}' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > ${SERVICE_POLICY}
  chmod 755 ${SERVICE_POLICY}
fi
apt-get --quiet -o DPkg::Lock::Timeout=300 update
apt-get --quiet -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"`;

/** Installs packages, of whose services none is started. */
export function installPackages(packages: readonly string[]): void {
  execFileSync('flock', [LOCK, 'sh', '-c', INSTALL, 'sh', ...packages], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
