// Records what was sent and acknowledged, and compares it with what is read back.

export interface Sent {
  id: number;
  topic: string;
  queueId: number;
  queueOffset: number;
  body: string;
  /** Where its record ends in the log. */
  end: number;
  fate: 'pending' | 'acknowledged' | 'refused';
}

export interface Findings {
  lost: string[];
  duplicated: string[];
  altered: string[];
  ghosts: string[];
  /** Acknowledged under a place in its queue that now holds something else. */
  moved: string[];
}

export function bodyFor(id: number, length: number): string {
  return `${id}:${length}:${'abcdefghijklmnopqrstuvwxyz'.repeat(Math.ceil(length / 26) + 1).slice(id % 26, (id % 26) + length)}`;
}

export class Oracle {
  readonly sent: Sent[] = [];
  /** Acknowledged, and the fault was one that may take it. */
  readonly excused = new Set<number>();

  /** @param mayBeLost those with this property need not be there: acknowledged, not flushed, and the power was lost */
  excuse(mayBeLost: (sent: Sent) => boolean): void {
    for (const one of this.sent) if (one.fate === 'acknowledged' && mayBeLost(one)) this.excused.add(one.id);
  }

  /** @param read bodies by `topic/queue/offset` */
  compare(read: ReadonlyMap<string, string>): Findings {
    const findings: Findings = { lost: [], duplicated: [], altered: [], ghosts: [], moved: [] };
    const seen = new Map<number, string>();
    for (const [place, body] of read) {
      const id = Number(/^(\d+):/.exec(body)?.[1] ?? -1);
      const sent = this.sent[id];
      if (!sent) findings.ghosts.push(`${place} ${body.slice(0, 20)}`);
      else if (sent.body !== body) findings.altered.push(`${place} ${body.slice(0, 20)}`);
      else if (seen.has(id)) findings.duplicated.push(`${id} at ${place} and ${seen.get(id)}`);
      else if (place !== placeOf(sent)) findings.moved.push(`${id} at ${place}, not ${placeOf(sent)}`);
      seen.set(id, place);
    }
    for (const sent of this.sent) {
      if (sent.fate === 'acknowledged' && !this.excused.has(sent.id) && !seen.has(sent.id)) {
        findings.lost.push(`${sent.id} of ${placeOf(sent)} ending at ${sent.end}`);
      }
    }
    return findings;
  }
}

function placeOf({ topic, queueId, queueOffset }: Sent): string {
  return `${topic}/${queueId}/${queueOffset}`;
}

export function isClean(findings: Findings): boolean {
  return Object.values(findings).every((list: string[]) => list.length === 0);
}
