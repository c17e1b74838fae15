// Decides which listeners belong to a cluster, and reads what their decorators declare.
import { UnknownClusterError } from '../errors.js';
import { inside } from '../option-checks.js';
import { OptionReader, environmentReader } from '../options/option-reader.js';
import type { Configurable, FromConfig } from '../options/option-reader.js';
import type { ClusterIdentity, ResolvedOptions } from '../options/rocketmq.options.js';
import { DEFAULT_CLUSTER } from '../rocketmq.tokens.js';

interface Declared {
  readonly cluster?: string | FromConfig<string | undefined>;
}

export class ListenerSelection {
  constructor(
    private readonly cluster: ClusterIdentity,
    private readonly reader: OptionReader,
  ) {}

  /**
   * Whether the listener is this cluster's.
   * @param name of the listener
   * @throws UnknownClusterError, InvalidOptionError
   */
  takes({ cluster: declared }: Declared, name: string): boolean {
    const wanted =
      inside(name, undefined, () => this.reader.readOne<string | undefined>('cluster', declared)) ?? DEFAULT_CLUSTER;
    if (!this.cluster.known.includes(wanted)) throw new UnknownClusterError(name, wanted, this.cluster.known);
    return wanted === this.cluster.name;
  }

  /** @param name of the listener, with its decorator @throws InvalidOptionError */
  read<T extends object>(declared: Configurable<T>, name: string): T {
    return inside(name, undefined, () => this.reader.read<T>(declared));
  }
}

/** The listeners of a cluster. */
export function selectionOf({ cluster, reader }: Pick<ResolvedOptions, 'cluster' | 'reader'>): ListenerSelection {
  return new ListenerSelection(cluster, reader);
}

/** For an app whose one cluster has no name. */
export function everyListener(): ListenerSelection {
  const cluster = { name: DEFAULT_CLUSTER, known: [DEFAULT_CLUSTER] };
  return new ListenerSelection(cluster, new OptionReader(environmentReader()));
}
