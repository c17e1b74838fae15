// Reads the syntax of sources: how long their functions are, and which state their modules have.
import { parseSync } from '@swc/core';

/** A node of the syntax tree, as far as it is looked at here. */
interface Node {
  readonly type?: string;
  readonly span?: { start: number; end: number };
  readonly [member: string]: unknown;
}

interface Parsed {
  readonly body: readonly Node[];
  readonly bytes: Buffer;
  /** What the parser counts the first byte as. */
  readonly base: number;
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

function parse(text: string): Parsed {
  // The first statement tells where the parser begins to count: it leaves comments before the first one out.
  const marked = `;${text.replace(/^#!/, '//')}`;
  const { body } = parseSync(marked, { syntax: 'typescript', decorators: true, target: 'es2022' });
  const nodes = body as unknown as readonly Node[];
  return { body: nodes, bytes: Buffer.from(marked), base: nodes[0]!.span!.start };
}

function visit(value: unknown, onNode: (node: Node) => void): void {
  if (!isNode(value)) return;
  if (!Array.isArray(value) && typeof value.type === 'string') onNode(value);
  for (const [member, child] of Object.entries(value)) if (member !== 'span') visit(child, onNode);
}

const nameOf = (value: unknown): string | undefined => {
  if (!isNode(value)) return undefined;
  return typeof value['value'] === 'string' ? value['value'] : nameOf(value['id']);
};

const FUNCTIONS = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'PrivateMethod',
  'Constructor',
  'MethodProperty',
  'GetterProperty',
  'SetterProperty',
]);

export interface FunctionLength {
  readonly name: string;
  readonly lines: number;
}

/** The functions of a source, with their lengths in lines. */
export function functionsOf(text: string): FunctionLength[] {
  const { body, bytes, base } = parse(text);
  const found: FunctionLength[] = [];
  visit(body, (node) => {
    const span = node.span ?? (isNode(node['function']) ? (node['function'] as Node).span : undefined);
    if (!FUNCTIONS.has(node.type ?? '') || !span) return;
    const lines = bytes.toString('utf8', span.start - base, span.end - base).split('\n').length;
    found.push({ name: nameOf(node['identifier']) ?? nameOf(node['key']) ?? '(without a name)', lines });
  });
  return found;
}

const CHANGES = new Set(['set', 'add', 'delete', 'clear', 'push', 'pop', 'shift', 'unshift', 'splice', 'sort', 'fill']);
/** They hold nothing that changes, or only what they are made from; `Logger` is Nest's. */
const STATELESS = new Set([
  'Set',
  'Map',
  'Array',
  'RegExp',
  'Logger',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'Uint8Array',
]);

/** The names of variables at the top of a module that hold what changes. */
export function moduleStateOf(text: string): string[] {
  const { body } = parse(text);
  const changed = changedNames(body);
  return declarationsOf(body).flatMap(({ name, kind, init }) => {
    if (kind !== 'const' || changed.has(name)) return [name];
    const made = init?.type === 'NewExpression' ? nameOf(init['callee']) : undefined;
    return made !== undefined && !STATELESS.has(made) ? [name] : [];
  });
}

interface Declaration {
  readonly name: string;
  readonly kind: unknown;
  readonly init: Node | undefined;
}

function declarationsOf(body: readonly Node[]): Declaration[] {
  const statements = body.map((node) => (node.type === 'ExportDeclaration' ? (node['declaration'] as Node) : node));
  return statements
    .filter(({ type, declare }) => type === 'VariableDeclaration' && declare !== true)
    .flatMap(({ kind, declarations }) =>
      (declarations as readonly Node[]).map(({ id, init }) => ({
        name: nameOf(id) ?? '',
        kind,
        init: isNode(init) ? init : undefined,
      })),
    );
}

/** Names whose value is changed somewhere in the source: `name.set(…)`, `name[key] = …`, `name.member++`. */
function changedNames(body: readonly Node[]): Set<string> {
  const names = new Set<string>();
  const add = (target: unknown, method?: unknown): void => {
    if (!isNode(target) || target.type !== 'MemberExpression') return;
    const name =
      isNode(target['object']) && target['object'].type === 'Identifier' ? nameOf(target['object']) : undefined;
    if (name !== undefined && (method === undefined || CHANGES.has(nameOf(target['property']) ?? ''))) names.add(name);
  };
  visit(body, (node) => {
    if (node.type === 'CallExpression') add(node['callee'], 'called');
    else if (node.type === 'AssignmentExpression') add(node['left']);
    else if (node.type === 'UpdateExpression') add(node['argument']);
    else if (node.type === 'UnaryExpression' && node['operator'] === 'delete') add(node['argument']);
  });
  return names;
}

const TEST_CALLS = new Set(['describe', 'it', 'test']);

/** The names of a source's tests and of the groups around them, with what the tables of `each` put into them. */
export function testNamesOf(text: string): string[] {
  const names: string[] = [];
  const addTexts = (value: unknown): void =>
    visit(value, (node) => {
      if (node.type === 'StringLiteral') names.push(node['value'] as string);
      else if (node.type === 'TemplateElement') names.push(node['raw'] as string);
    });
  const { body } = parse(text);
  const variables = new Map<string, unknown>();
  visit(body, (node) => {
    if (node.type === 'VariableDeclarator') variables.set(nameOf(node['id']) ?? '', node['init']);
  });
  visit(body, (node) => {
    if (node.type !== 'CallExpression' || !TEST_CALLS.has(rootOf(node['callee']))) return;
    const [first] = node['arguments'] as readonly Node[];
    const given = first?.['expression'];
    addTexts(first);
    // `each` is often given a table by its name.
    if (isNode(given) && given.type === 'Identifier') addTexts(variables.get(nameOf(given) ?? ''));
  });
  return names;
}

/** The variable that a call begins with: 'it' of `it.each(rows)(name, …)`. */
function rootOf(callee: unknown): string {
  if (!isNode(callee)) return '';
  if (callee.type === 'Identifier') return nameOf(callee) ?? '';
  return rootOf(callee['object'] ?? callee['callee']);
}
