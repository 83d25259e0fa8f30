import { existsSync } from 'node:fs';
import { type CommandOptions, type CommandResult, runCommand, tryCommand } from '../command.ts';

/** A Docker engine, and what this run of the tests calls its things there. */
export interface Engine {
  /** Variables for the clients: where the engine is. */
  readonly env: Readonly<Record<string, string>>;
  /** What the names of all containers, networks, volumes and images of this run begin with. */
  readonly run: string;
}

/**
 * The distribution's own client, which builds with BuildKit; another one on PATH may lack the plugin for it. Asked for at
 * each use, for the first use may be what installs it.
 */
export function dockerClient(): string {
  return existsSync('/usr/bin/docker') ? '/usr/bin/docker' : 'docker';
}

/** @throws Error with all that the client printed, when it fails */
export function docker({ env }: Engine, args: readonly string[], options?: CommandOptions): Promise<string> {
  return runCommand(dockerClient(), args, { ...options, env: { ...env, ...options?.env } });
}

export function tryDocker({ env }: Engine, args: readonly string[]): Promise<CommandResult> {
  return tryCommand(dockerClient(), args, { env });
}

/** Builds an image with BuildKit. */
export async function buildImage(
  engine: Engine,
  tag: string,
  context: string,
  args: readonly string[] = [],
): Promise<void> {
  const env = { DOCKER_BUILDKIT: '1', BUILDKIT_PROGRESS: 'plain' };
  await docker(engine, ['build', '--tag', tag, ...args, context], { env });
}
