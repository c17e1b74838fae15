// Owns what a filter in front of the exact record has to answer.

export abstract class SeenFilter {
  /** false: surely never added here. true: maybe. */
  abstract mightContain(key: string): boolean;
  abstract add(key: string): void;
}
