// Compiles and runs the examples of docs/converters.md. Needs the build.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/converters.md'), 'utf8');
const examples = [...page.matchAll(/^```ts (\S+)\n(.*?)^```/gms)].map(([, name = '', code = '']) => ({ name, code }));

/** Encodes and decodes `payload` with the example's topic, and prints what has become of it, or the error. */
const RUN = `
const [, , file, payload] = process.argv;
const { OrderCreated } = await import(file);
try {
  const { body, properties } = OrderCreated.converter.encode(JSON.parse(payload));
  console.log(JSON.stringify({ bytes: body.length, back: OrderCreated.converter.decode({ body: Buffer.from(body), properties }) }));
} catch (error) {
  console.log(JSON.stringify({ code: error.code }));
}
`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'converters-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, types: ['node'], skipLibCheck: true };
  const files = examples.map(({ name }) => name);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  for (const { name, code } of examples) writeFileSync(join(folder, name), code);
  writeFileSync(join(folder, 'run.mjs'), RUN);
});

afterAll(() => rmSync(folder, { recursive: true }));

test('the examples of the page compile', () => {
  expect(examples.map(({ name }) => name)).toEqual(['avro.ts', 'protobuf.ts']);
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  expect(stdout).toBe('');
});

test.each([
  ['avro.js', { id: 'o1', total: 2.5 }, { bytes: 11, back: { id: 'o1', total: 2.5 } }],
  ['avro.js', { id: 7, total: 2.5 }, { code: 'MESSAGE_ENCODE' }],
  [
    'protobuf.js',
    { id: 'o1', total: '9007199254740993' },
    { bytes: 13, back: { id: 'o1', total: '9007199254740993' } },
  ],
])('%s does with %p what it says', (file, payload, expected) => {
  const args = ['run.mjs', `./${file}`, JSON.stringify(payload)];
  const stdout = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  expect(JSON.parse(stdout)).toEqual(expected);
});
