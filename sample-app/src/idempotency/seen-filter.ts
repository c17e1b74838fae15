// Defines the filter in front of the exact record.

export abstract class SeenFilter {
  /** false: surely never added here. true: maybe. */
  abstract mightContain(key: string): boolean;
  abstract add(key: string): void;
}
