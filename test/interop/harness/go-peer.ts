// Builds the Go peer program once for each version of the client, into .cache, and runs it.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from './cluster.js';
import { FETCH_TIMEOUT_MS, makeOnce, requireTool, run as runCommand, stampOf } from './jars.js';
import { goRoot, repositoryRoot } from './paths.js';
import { ScenarioPeer } from './scenario-peer.js';
import { temporaryFolder } from './temporary.js';

export const GO_RELEASE = '2.1.2';
/** What is to be 2.1.3: the main branch of 26 December 2025. */
export const GO_LATER = '2.1.3-20251226';
export type GoClientVersion = typeof GO_RELEASE | typeof GO_LATER;

const BUILDS: Record<GoClientVersion, readonly string[]> = {
  [GO_RELEASE]: ['-modfile=2.1.2.mod', '-tags=v2_1_2'],
  [GO_LATER]: [],
};

/** The program, fetched and compiled when it is not there yet. Throws when there is no Go. */
export async function goPeerProgram(version: GoClientVersion): Promise<string> {
  await requireTool('go', 'version', 'install Go, 1.22 or later');
  const sources = readdirSync(goRoot)
    .sort()
    .map((file) => join(goRoot, file));
  const folder = join(repositoryRoot, `.cache/go-peer-${version}`);
  await makeOnce(folder, stampOf(...sources), async (unfinished) => {
    const flags = ['-mod=readonly', '-buildvcs=false', ...BUILDS[version]];
    await runCommand('go', ['build', ...flags, '-o', join(unfinished, 'peer'), '.'], {
      cwd: goRoot,
      env: { ...process.env, CGO_ENABLED: '0' },
      timeout: FETCH_TIMEOUT_MS,
    });
  });
  return join(folder, 'peer');
}

export function goPeerEnvironment({ brokerAddress }: Pick<Cluster, 'brokerAddress'>): Record<string, string> {
  return {
    // Where the client keeps the offsets of broadcasting, and what it has heard of name servers.
    HOME: temporaryFolder('go-peer'),
    ROCKETMQ_GO_LOG_LEVEL: 'error',
    BROKER_ADDRESS: brokerAddress,
  };
}

export class GoPeer extends ScenarioPeer {
  /** Starts the scenarios, all at once, under names that begin with `run`. */
  static async start(
    version: GoClientVersion,
    cluster: Cluster,
    run: string,
    scenarios: readonly string[],
  ): Promise<GoPeer> {
    const program = await goPeerProgram(version);
    const args = [cluster.nameServer, run, ...scenarios];
    return new GoPeer(`Go client ${version}`, program, args, { env: goPeerEnvironment(cluster) });
  }
}
