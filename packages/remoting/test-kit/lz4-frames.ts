// Frames of LZ4 that others have written: lz4-java 1.10.3, as Apache's clients use it, and the lz4 command 1.9.

/** LZ4FrameOutputStream with its defaults: `letter()`. */
export const JAVA_DEFAULT = [
  'BCJNGGBwc0UBAADxB2xpbmUgMCBvZiB0aGUgbGV0dGVyOyAWAB8xFgACHzIWAAIfMxYAAh80FgACHzUWAAIfNhYAAh83FgACHzgWAAIfORYAAh',
  '8x3QAED94AAx8x3wADHzHgAAMfMeEAAx8x4gADHzHjAAMfMeQAAx8x5QADHzHmAAMfMuYAAx8y5gADHzLmAAMfMuYAAx8y5gADHzLmAAMfMuYA',
  'Ax8y5gADHzLmAAMfMuYAAx8z5gADHzPmAAMfM+YAAx8z5gADHzPmAAMfM+YAAx8z5gADHzPmAAMfM+YAAx8z5gADHzTmAAMfNOYAAx805gADHz',
  'TmAAMfNOYAAx805gADHzTmAAMfNOYAAx805gADHzTmAAMfNeYAAx815gADHzXmAAMfNeYAAx815gADHzXmAAMfNeYAAx815gADHzXmAAMYNeYA',
  'UHRlcjsgAAAAAA==',
].join('');

/** With the checksums of blocks and content, and the content's size: `letter()`. */
export const JAVA_CHECKSUMS = [
  'BCJNGHxAWgUAAAAAAAC9RQEAAPEHbGluZSAwIG9mIHRoZSBsZXR0ZXI7IBYAHzEWAAIfMhYAAh8zFgACHzQWAAIfNRYAAh82FgACHzcWAAIfOB',
  'YAAh85FgACHzHdAAQP3gADHzHfAAMfMeAAAx8x4QADHzHiAAMfMeMAAx8x5AADHzHlAAMfMeYAAx8y5gADHzLmAAMfMuYAAx8y5gADHzLmAAMf',
  'MuYAAx8y5gADHzLmAAMfMuYAAx8y5gADHzPmAAMfM+YAAx8z5gADHzPmAAMfM+YAAx8z5gADHzPmAAMfM+YAAx8z5gADHzPmAAMfNOYAAx805g',
  'ADHzTmAAMfNOYAAx805gADHzTmAAMfNOYAAx805gADHzTmAAMfNOYAAx815gADHzXmAAMfNeYAAx815gADHzXmAAMfNeYAAx815gADHzXmAAMf',
  'NeYAAxg15gBQdGVyOyD8lNNzAAAAADN07Kw=',
].join('');

/** Not compressed: 'tiny'. */
export const JAVA_STORED = 'BCJNGGBwcwQAAIB0aW55AAAAAA==';

/** Several blocks of 64 KiB: 200,000 times 'a'. */
export const JAVA_BLOCKS = [
  'BCJNGGRApwsBAAAfYQEA//////////////////////////////////////////////////////////////////////////////////////////',
  '//////////////////////////////////////////////////////////////////////////////////////////////////////////////',
  '//////////////////////////////////////////////////////////////////////////////////////////////////////////////',
  '///////////////////////////////+dQYWFhYWELAQAAH2EBAP//////////////////////////////////////////////////////////',
  '//////////////////////////////////////////////////////////////////////////////////////////////////////////////',
  '//////////////////////////////////////////////////////////////////////////////////////////////////////////////',
  '///////////////////////////////////////////////////////////////nUGFhYWFhCwEAAB9hAQD///////////////////////////',
  '//////////////////////////////////////////////////////////////////////////////////////////////////////////////',
  '//////////////////////////////////////////////////////////////////////////////////////////////////////////////',
  '//////////////////////////////////////////////////////////////////////////////////////////////51BhYWFhYRgAAAAf',
  'YQEA/////////////////zRQYWFhYWEAAAAAydv3tg==',
].join('');

/** `lz4 -9 -BD -B4`: blocks of 64 KiB that refer to the one before, with a checksum of the content: `counting()`. */
export const LINKED_BLOCKS = [
  'BCJNGERAXiQCAAD//wswIDEgMiAzIDQgNSA2IDcgOCA5IDEwIDExIDEyIDEzIDE0IDE1IDE2IDE3IDE4IDE5IDIwIDIxIDIyIDIzIDI0IDI1ID',
  'I2IDI3IDI4IDI5IDMwIDMxIDMyIDMzIDM0IDM1IDM2IDM3IDM4IDM5IDQwIDQxIDQyIDQzIDQ0IDQ1IDQ2IDQ3IDQ4IDQ5IDUwIDUxIDUyIDUz',
  'IDU0IDU1IDU2IDU3IDU4IDU5IDYwIDYxIDYyIDYzIDY0IDY1IDY2IDY3IDY4IDY5IDcwIDcxIDcyIDczIDc0IDc1IDc2IDc3IDc4IDc5IDgwID',
  'gxIDgyIDgzIDg0IDg1IDg2IDg3IDg4IDg5IDkwIDkxIDkyIDkzIDk0IDk1IDk2IBkB////////////////////////////////////////////',
  '//////////////////////////////////////////////////////////////////////////////////////////////////////////////',
  '//////////////////////////////////////////////////////////////////////////////////////////////////////////////',
  '////////////////////////////////////////////////////////////////////////////zlAgMjMgMl0AAAAPGQH///////////////',
  '///////////////////////////////////////////////////////////////////////////////////////////////69QNSAyNiAAAAAA',
  'V1ujjw==',
].join('');

/** XXH32 of lz4-java over n bytes, of which byte i is (37 i + 200) mod 256. */
export const JAVA_XXHASH32: readonly (readonly [bytes: number, hash: number])[] = [
  [0, 46_947_589],
  [1, 2_856_274_085],
  [3, 2_892_841_603],
  [4, 17_714_249],
  [15, 3_719_742_729],
  [16, 4_260_813_411],
  [17, 270_662_188],
  [31, 2_690_261_880],
  [100, 3_407_673_024],
];

export function letter(): string {
  return Array.from({ length: 60 }, (_, i) => `line ${i} of the letter; `).join('');
}

export function counting(): string {
  return Array.from({ length: 30_000 }, (_, i) => `${i % 97} `).join('');
}
