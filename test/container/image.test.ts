import { describe, expect, inject, test } from 'vitest';
import { COMMANDS } from '../../src/program/program.ts';
import { docker, tryDocker } from './engine/docker.ts';

const MB = 1_000_000;

const provided = inject('docker');

describe.skipIf(provided === null)('the image', () => {
  // The body is run also where its tests are skipped.
  const { engine, images } = provided ?? ({} as NonNullable<typeof provided>);

  /** Runs a container as an operator should: without a network, on a file system that cannot be written. */
  function run(...args: string[]): Promise<string> {
    return docker(engine, ['run', '--rm', '--read-only', '--network=none', ...args]);
  }

  /** Runs a shell script in a container. */
  async function shell(script: string, ...options: string[]): Promise<string> {
    return (await run(...options, images.dbbackup, 'sh', '-c', script)).trim();
  }

  async function inspect(format: string): Promise<string> {
    return (await docker(engine, ['image', 'inspect', '--format', format, images.dbbackup])).trim();
  }

  test('is smaller than 350 MB with one PostgreSQL client', async () => {
    expect(await shell('ls /usr/lib/postgresql')).toBe('17');
    const size = Number(await inspect('{{.Size}}')) / MB;
    process.stderr.write(`size of the image with one PostgreSQL client: ${size.toFixed(0)} MB\n`);
    expect(size).toBeLessThan(350);
  });

  test('runs as a fixed user who is nobody, on a file system that cannot be written', async () => {
    expect(await shell('id -u; id -g')).toBe('10001\n10001');
    // What he could write to if the file system let him.
    const writable = 'find / -xdev ! -type l -writable ! -path "/proc/*" 2>/dev/null; true';
    const found = await docker(engine, ['run', '--rm', images.dbbackup, 'sh', '-c', writable]);
    expect(found.trim().split('\n')).toEqual(['/tmp', '/var/tmp', '/run/lock', '/backups']);
  });

  test('runs as whoever it is told to', async () => {
    expect(await shell('id -u; topobank-backup --version', '--user=4321')).toMatch(/^4321\n\d+\.\d+\.\d+$/);
  });

  test('holds no package manager of Node, no compiler and no cache', async () => {
    const programs = 'npm npx yarn corepack tsc cc gcc g++ make python3';
    expect(await shell(`for p in ${programs}; do command -v $p; done; true`)).toBe('');
    expect(
      await shell(
        'find / -xdev -name typescript -o -xdev -name "*.deb" -o -xdev -name _cacache 2>/dev/null; true',
      ),
    ).toBe('');
    expect(await shell('ls /var/lib/apt/lists')).toBe('');
  });

  test('says what it is', async () => {
    const version = await shell('topobank-backup --version');
    expect(JSON.parse(await inspect('{{json .Config.Labels}}'))).toMatchObject({
      'org.opencontainers.image.title': 'topobank-backup',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': 'MIT',
    });
    expect(JSON.parse(await inspect('{{json .Config.Healthcheck.Test}}'))).toEqual([
      'CMD-SHELL',
      'topobank-backup health || exit 1',
    ]);
  });

  test('keeps local time where TZ names a zone', async () => {
    const summer = 'date -d @1785000000 +%H:%M%Z';
    expect(await shell(summer, '--env=TZ=Europe/Berlin')).toBe('19:20CEST');
    expect(await shell(`node -p 'new Date(1785000000000).getHours()'`, '--env=TZ=Asia/Kolkata')).toBe('22');
  });

  test('reaps what other processes leave behind', async () => {
    // The sleep outlives its parent. Once it is over it is a zombie, for a moment, or until the end where nobody reaps.
    const sleeps = `fs.readdirSync('/proc').filter((pid) => /^\\d+$/.test(pid))
      .map((pid) => fs.readFileSync('/proc/' + pid + '/stat', 'utf8')).filter((stat) => stat.includes('(sleep)'))`;
    const look = `let looks = 0;
    const timer = setInterval(() => {
      const left = ${sleeps};
      looks += 1;
      if (left.length === 0 || looks === 500) { console.log(left.length); clearInterval(timer); }
    }, 20)`;
    expect(await shell(`sh -c 'sleep 0.1 &'; exec node -e "${look}"`)).toBe('0');
  });

  test('takes each command by its name alone', async () => {
    const names = COMMANDS.map(({ name }) => name);
    const script = `for c in ${names.join(' ')}; do /entrypoint $c --help | head -n 1; done`;
    expect((await shell(script)).split('\n').map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual(
      names.map((name) => `Usage: topobank-backup ${name}`),
    );
  });

  test.each([
    ['backup', 'backup'],
    ['backups', 'list'],
    ['restore', 'restore'],
  ])('has cookiecutter’s %s', async (typed, command) => {
    expect(await shell(`${typed} --help`)).toContain(`Usage: topobank-backup ${command} `);
  });

  test('without arguments is the service, and says what it lacks', async () => {
    const { status, stderr } = await tryDocker(engine, ['run', '--rm', '--read-only', images.dbbackup]);
    expect(stderr).toMatch(/POSTGRES_USER is not set.*AWS_ACCESS_KEY_ID is not set/);
    expect(status).toBe(2);
  });
});
