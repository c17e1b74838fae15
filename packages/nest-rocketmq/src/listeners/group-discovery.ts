// Finds the app's listeners and groups them, those that are switched off left out.
import type { Logger } from '@nestjs/common';
import { takeUnprovided } from '../decorators/unserved-listeners.js';
import type { DiscoveredListener, ListenerExplorer } from '../discovery/listener-explorer.js';
import { selectionOf } from '../discovery/listener-selection.js';
import type { ResolvedOptions } from '../options/rocketmq.options.js';
import { groupListeners } from './listener-groups.js';
import type { ListenerGroup } from './listener-groups.js';
import { ListenerSwitch } from './listener-switch.js';

export class GroupDiscovery {
  readonly #included = new Set<DiscoveredListener>();
  readonly #switch: ListenerSwitch;

  constructor(
    private readonly explorer: ListenerExplorer,
    private readonly options: ResolvedOptions,
    private readonly logger: Logger,
  ) {
    this.#switch = new ListenerSwitch(options, logger);
  }

  /** @throws GroupMissingError, ListenerConflictError, InvalidListenerError, InvalidOptionError */
  async groups(): Promise<ListenerGroup[]> {
    const { group, groupNeededOn, consumer } = this.options;
    const found = [...(await this.explorer.messageListeners(selectionOf(this.options))), ...this.#included];
    const grouped = (some: readonly DiscoveredListener[]): ListenerGroup[] =>
      groupListeners(some, group, groupNeededOn, consumer.consumeMode);
    // Also those that do not run here: a mistake in them must not wait for the process in which they do.
    const all = grouped(found);
    const on = this.#switch.select(found, all);
    return on.length === found.length ? all : grouped(on);
  }

  /** Adds listeners that are no decorated methods. @returns takes them out again */
  include(listeners: readonly DiscoveredListener[]): () => void {
    for (const each of listeners) this.#included.add(each);
    return () => listeners.forEach((each) => this.#included.delete(each));
  }

  tellWhatIsOff(): void {
    this.#switch.tell();
  }

  /** Warns of decorated classes that no module provides, as far as can be known. */
  warnOfUnprovided(): void {
    const names = takeUnprovided(this.explorer.classes());
    if (names.length === 0) return;
    this.logger.warn(
      `nobody will call the listeners of ${names.join(', ')}: no module of this app has the class among its providers ` +
        `or controllers. Add it to one. If a request-scoped or transient factory makes it, the class must be its token.`,
    );
  }
}
