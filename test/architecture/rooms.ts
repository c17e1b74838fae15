// Draws the rooms of a package, which are its folders, and their imports.
import type { Source } from './sources.js';

export interface RoomGraph {
  readonly rooms: readonly string[];
  /** `from` imports `to`. */
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>;
}

/** A file that lies beside the folders, in `src` or in the broker's `store`, is a room by itself. */
function roomOf(path: string): string {
  const parts = path
    .replace(/^.*?\/src\//, '')
    .replace(/\.ts$/, '')
    .split('/');
  const isLoose = parts.length === 1 || (parts.length === 2 && parts[0] === 'store');
  return isLoose ? parts.join('/') : parts.slice(0, -1).join('/');
}

export function roomsOf(sources: readonly Source[]): RoomGraph {
  const edges = new Map<string, Set<string>>();
  for (const { path } of sources) edges.set(roomOf(path), new Set());
  for (const { path, imports } of sources) {
    for (const { file } of imports) {
      if (file && roomOf(file) !== roomOf(path)) edges.get(roomOf(path))!.add(roomOf(file));
    }
  }
  return { rooms: [...edges.keys()].toSorted(), edges };
}

/** The rooms of a cycle in their order, or undefined where there is none. */
export function cycleOf({ rooms, edges }: RoomGraph): string[] | undefined {
  const done = new Set<string>();
  const visit = (room: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(room)) return [...trail.slice(trail.indexOf(room)), room];
    if (done.has(room)) return undefined;
    for (const next of edges.get(room) ?? []) {
      const cycle = visit(next, [...trail, room]);
      if (cycle) return cycle;
    }
    done.add(room);
    return undefined;
  };
  for (const room of rooms) {
    const cycle = visit(room, []);
    if (cycle) return cycle;
  }
  return undefined;
}

function reaches(edges: RoomGraph['edges'], from: string, to: string): boolean {
  const seen = new Set<string>();
  const queue = [from];
  for (let room = queue.pop(); room !== undefined; room = queue.pop()) {
    if (room === to) return true;
    if (seen.has(room)) continue;
    seen.add(room);
    queue.push(...(edges.get(room) ?? []));
  }
  return false;
}

/** The picture in Mermaid. An arrow that follows from others is left out, or nobody could read it. */
export function mermaidOf({ rooms, edges }: RoomGraph): string {
  const lines = ['flowchart TD'];
  for (const room of rooms) {
    const targets = [...(edges.get(room) ?? [])].toSorted();
    for (const to of targets) {
      if (targets.some((other) => other !== to && reaches(edges, other, to))) continue;
      lines.push(`  ${idOf(room)} --> ${idOf(to)}`);
    }
  }
  return lines.join('\n');
}

/** `end` and other words have a meaning in Mermaid, and `/` may not stand in an id. */
const idOf = (room: string): string => `${room.replace(/[^a-z]/gi, '_')}_["${room}"]`;
