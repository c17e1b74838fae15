// Judges what the members of an orderly group have done: that no two of them had a queue at one time, and that each queue
// was consumed in order.

/** A listener call: its begin or its end. */
export interface CallEvent {
  readonly member: string;
  /** ms since the epoch */
  readonly at: number;
  readonly what: 'begin' | 'end';
  readonly queue: string;
  /** Of the message in its queue, from 0. */
  readonly seq: number;
}

/** A time in which a member's process stood still: the call that it was at then may end after it. */
export interface Freeze {
  readonly member: string;
  readonly from: number;
  readonly to: number;
}

interface Call {
  readonly member: string;
  readonly seq: number;
  readonly from: number;
  /** Infinity: the member was killed in it. */
  readonly to: number;
}

/** What is wrong, in words; empty when nothing is. */
export function faultsOf(
  events: readonly CallEvent[],
  sent: ReadonlyMap<string, number>,
  { freezes = [], killed = new Map() }: { freezes?: readonly Freeze[]; killed?: ReadonlyMap<string, number> } = {},
): string[] {
  const faults: string[] = [];
  for (const queue of new Set([...sent.keys(), ...events.map((event) => event.queue)])) {
    const calls = callsOf(events.filter((event) => event.queue === queue));
    faults.push(...overlaps(queue, calls, freezes, killed), ...disorder(queue, calls));
    const ended = new Set(calls.filter(({ to }) => to < Infinity).map(({ seq }) => seq));
    const missing = Array.from({ length: sent.get(queue) ?? 0 }, (_, seq) => seq).filter((seq) => !ended.has(seq));
    if (missing.length > 0) faults.push(`${queue}: ${missing.length} were not consumed, ${missing[0]} the first`);
  }
  return faults;
}

/** The events of a member stand in the order in which it has printed them. */
function callsOf(events: readonly CallEvent[]): Call[] {
  const calls: Call[] = [];
  for (const member of new Set(events.map((event) => event.member))) {
    const open = new Map<number, CallEvent>();
    for (const event of events.filter((each) => each.member === member)) {
      const { seq, at } = event;
      if (event.what === 'begin') open.set(seq, event);
      else calls.push({ member, seq, from: open.get(seq)?.at ?? at, to: at });
      if (event.what === 'end') open.delete(seq);
    }
    for (const { seq, at } of open.values()) calls.push({ member, seq, from: at, to: Infinity });
  }
  return calls.toSorted((a, b) => a.from - b.from || a.to - b.to);
}

function overlaps(
  queue: string,
  calls: readonly Call[],
  freezes: readonly Freeze[],
  killed: ReadonlyMap<string, number>,
): string[] {
  const faults: string[] = [];
  let last: Call | undefined;
  for (const given of calls) {
    // A process that was killed does nothing more; one that stood still did nothing while it did.
    const frozen = freezes.find(
      ({ member, from, to }) => member === given.member && given.from <= from && given.to >= to,
    );
    const call = { ...given, to: Math.min(given.to, killed.get(given.member) ?? Infinity, frozen?.from ?? Infinity) };
    if (last && call.from < last.to && call.member !== last.member) {
      faults.push(`${queue}: ${call.member} began ${call.seq} while ${last.member} was at ${last.seq}`);
    }
    if (last && call.from < last.to && call.member === last.member) {
      faults.push(`${queue}: ${call.member} was at ${last.seq} and ${call.seq} at one time`);
    }
    if (!last || call.to > last.to) last = call;
  }
  return faults;
}

/** A message begins only when all before it have been consumed once; what comes again goes on in order, too. */
function disorder(queue: string, calls: readonly Call[]): string[] {
  const faults: string[] = [];
  const ended = new Set<number>();
  let consumed = 0;
  for (const [index, call] of calls.entries()) {
    if (call.seq > consumed) {
      faults.push(`${queue}: ${call.member} began ${call.seq} before ${consumed} was consumed`);
    }
    const before = calls[index - 1];
    if (before?.member === call.member && call.seq > before.seq + 1) {
      faults.push(`${queue}: ${call.member} went from ${before.seq} to ${call.seq}`);
    }
    if (call.to < Infinity) ended.add(call.seq);
    while (ended.has(consumed)) consumed++;
  }
  return faults;
}
