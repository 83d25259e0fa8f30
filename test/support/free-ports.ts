import { createServer, type Server } from 'node:net';

/** A free port of loopback for each name, no two the same. */
export async function freePorts<N extends string>(...names: readonly N[]): Promise<Record<N, number>> {
  // Held until all are found, so that none is found twice.
  const probes: Server[] = [];
  try {
    const found: [string, number][] = [];
    for (const name of names) {
      const probe = createServer();
      probes.push(probe);
      found.push([name, await listen(probe)]);
    }
    return Object.fromEntries(found) as Record<N, number>;
  } finally {
    await Promise.all(probes.map((probe) => new Promise((closed) => probe.close(closed))));
  }
}

function listen(probe: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}
