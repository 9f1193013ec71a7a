/** Finds the sentences that the studio's own code says to people, as templates: `There is no job {0}.` */
import { globSync, readFileSync } from 'node:fs';
import { parseAst } from 'vite';

/** Who says sentences, and which of its arguments they are. */
const SPEAKERS: ReadonlyMap<string, readonly number[]> = new Map([
  ['StudioError', [1, 2]],
  ['badInput', [0, 1]],
  ['PictureError', [1, 2]],
  ['WeightsError', [1, 2]],
  ['warning', [0, 1]],
  ['unusable', [1]],
  ['problem', [0]],
  ['TrainingError', [0]],
  ['wrongBase', [1]],
  ['push', [0]],
  ['withNote', [1]],
  ['keptExact', [1]],
  ['unsupported', [0]],
]);
/** Properties and constants that hold one. */
const HOLDERS: ReadonlySet<string> = new Set(['hint', 'message', 'reason', 'problem', 'note', 'notes']);

export interface FoundSentence {
  readonly file: string;
  readonly template: string;
}

/** As much of a syntax tree as is looked at. */
interface Node {
  readonly type: string;
  readonly [part: string]: unknown;
}

/** Every sentence in these files of the repository, once for each place. */
export function sentencesIn(root: string, patterns: readonly string[]): FoundSentence[] {
  return globSync([...patterns], { cwd: root }).flatMap((file) => {
    const tree = parseAst(readFileSync(`${root}/${file}`, 'utf8'), { lang: 'ts' });
    return [...walk(tree)].flatMap((node) => said(node).map((template) => ({ file, template })));
  });
}

function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const each of value) yield* walk(each);
  else if (isNode(value)) {
    yield value;
    for (const part of Object.values(value)) yield* walk(part);
  }
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

function said(node: Node): string[] {
  const { callee, key, id } = node as { callee?: Node; key?: Node; id?: Node };
  if (node.type === 'NewExpression' || node.type === 'CallExpression') {
    const name = callee?.['name'] ?? (callee?.['property'] as Node | undefined)?.['name'];
    const places = SPEAKERS.get(String(name)) ?? [];
    return places.flatMap((place) => templatesOf((node['arguments'] as Node[])[place]));
  }
  if (node.type === 'Property' && HOLDERS.has(String(key?.['name'])))
    return templatesOf(node['value'] as Node);
  if (node.type === 'VariableDeclarator' && HOLDERS.has(String(id?.['name'])))
    return templatesOf(node['init'] as Node);
  return [];
}

/** A text, or each of the two that a condition chooses from; nothing for what is put together elsewhere. */
function templatesOf(node: Node | undefined | null): string[] {
  if (!node) return [];
  if (node.type === 'Literal') return ofWords(String(node['value']));
  if (node.type === 'ConditionalExpression')
    return [...templatesOf(node['consequent'] as Node), ...templatesOf(node['alternate'] as Node)];
  if (node.type !== 'TemplateLiteral') return [];
  const parts = (node['quasis'] as { value: { cooked: string } }[]).map(({ value }) => value.cooked);
  return ofWords(parts.reduce((text, part, i) => `${text}{${i - 1}}${part}`));
}

const ofWords = (template: string): string[] =>
  /[a-z]{2,} [a-z]/i.test(template.replaceAll(/\{\d\}/g, '')) ? [template] : [];
