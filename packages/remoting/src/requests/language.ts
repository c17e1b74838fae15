// Lists the languages of the header, and the versions that decide how peers behave.

/** In the order of their codes in the binary header. */
export const LANGUAGES = [
  'JAVA',
  'CPP',
  'DOTNET',
  'PYTHON',
  'DELPHI',
  'ERLANG',
  'RUBY',
  'OTHER',
  'HTTP',
  'GO',
  'PHP',
  'OMS',
  'RUST',
  'NODE_JS',
] as const;

/** The language that we report: 4.x peers fail on a name they do not know, and NODE_JS came with 5.x. */
export const OUR_LANGUAGE = 'OTHER';

/** Ordinals of Apache's MQVersion. */
export const MQVersion = {
  V3_0_11: 37,
  V3_4_9: 121,
  V4_1_0: 233,
  V4_9_0: 393,
  V4_9_4: 401,
  V4_9_7: 407,
  V5_0_0: 413,
  V5_5_0: 513,
} as const;

/** The version that we report: 5.0.0, new enough for strict JSON routes, too old to be sent GO_AWAY. */
export const OUR_VERSION: number = MQVersion.V5_0_0;
