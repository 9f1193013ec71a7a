/**
 * A1111's prompt editing: which prompt holds at which step.
 * [from:to:when] changes from one text to the other, [to:when] adds, [from::when] removes; `when` is a fraction of the
 * steps if it has a decimal point, else a step number. [a|b|c] takes another alternative at every step.
 */
import { MAX_DEPTH, parseNumber } from './weightedText.ts';

/** `prompt` holds for the steps up to and including `endStep` (1-based), from where the stage before ended. */
export interface PromptStage {
  readonly endStep: number;
  readonly prompt: string;
}

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'switch'; readonly from: Sequence; readonly to: Sequence; readonly when: string }
  | { readonly kind: 'alternate'; readonly options: readonly Sequence[] };
type Sequence = readonly Node[];

/** The stages of `prompt` over `steps` steps, neighbours different; a prompt without editing is one stage. Never throws. */
export function promptStages(prompt: string, steps: number): PromptStage[] {
  const nodes = parseSequence(prompt, 0, '', 0).nodes;
  const stages: PromptStage[] = [];
  for (let step = 1; step <= Math.max(1, steps); step++) {
    const text = render(nodes, step, steps);
    if (stages.at(-1)?.prompt === text) stages.pop();
    stages.push({ endStep: step, prompt: text });
  }
  return stages;
}

function render(nodes: Sequence, step: number, steps: number): string {
  return nodes.map((node) => renderNode(node, step, steps)).join('');
}

function renderNode(node: Node, step: number, steps: number): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'switch':
      return render(step <= lastStepBefore(node.when, steps) ? node.from : node.to, step, steps);
    case 'alternate':
      return render(node.options[(step - 1) % node.options.length]!, step, steps);
  }
}

/** With a decimal point `when` is a fraction of all steps, without one a step. */
function lastStepBefore(when: string, steps: number): number {
  const value = parseNumber(when) ?? 0;
  return Math.min(steps, Math.trunc(when.includes('.') ? value * steps : value));
}

/** Reads from `start` up to one of the characters in `stops` outside parentheses, or to the end of `text`. */
function parseSequence(
  text: string,
  start: number,
  stops: string,
  depth: number,
): { nodes: Node[]; end: number } {
  const nodes: Node[] = [];
  let parentheses = 0;
  let plainStart = start;
  let i = start;
  const flush = (): void => {
    if (i > plainStart) nodes.push({ kind: 'text', text: text.slice(plainStart, i) });
  };
  while (i < text.length && !(parentheses === 0 && stops.includes(text[i]!))) {
    if (text[i] === '[' && depth < MAX_DEPTH) {
      flush();
      const bracket = parseBracket(text, i, depth + 1);
      nodes.push(...bracket.nodes);
      i = plainStart = bracket.end;
      continue;
    }
    if (text[i] === '(') parentheses++;
    else if (text[i] === ')') parentheses = Math.max(0, parentheses - 1);
    i += text[i] === '\\' ? 2 : 1;
  }
  i = Math.min(i, text.length);
  flush();
  return { nodes, end: i };
}

/** Reads the bracket that opens at `open`; one that is neither a switch nor an alternation stays as it is written. */
function parseBracket(text: string, open: number, depth: number): { nodes: Node[]; end: number } {
  const parts: Node[][] = [];
  let separators = '';
  let end = open;
  do {
    const part = parseSequence(text, end + 1, ':|]', depth);
    parts.push(part.nodes);
    end = part.end;
    separators += text[end] ?? '';
  } while (end < text.length && text[end] !== ']');
  const node = interpretBracket(parts, separators);
  const literal = (): Node[] => [
    { kind: 'text', text: '[' },
    ...parts.flatMap((nodes, i): Node[] => [...nodes, { kind: 'text', text: separators[i] ?? '' }]),
  ];
  return { nodes: node ? [node] : literal(), end: Math.min(end + 1, text.length) };
}

/** `separators` holds what ended each part: "::]" for [from:to:when], "||]" for [a|b|c]. */
function interpretBracket(parts: readonly Sequence[], separators: string): Node | undefined {
  if (/^\|+\]$/.test(separators)) return { kind: 'alternate', options: parts };
  const last = parts.at(-1);
  const when = last?.length === 1 && last[0]?.kind === 'text' ? last[0].text : '';
  if (!/^::?\]$/.test(separators) || parseNumber(when) === undefined) return undefined;
  const [from, to] = parts.length === 3 ? [parts[0]!, parts[1]!] : [[], parts[0]!];
  return { kind: 'switch', from, to, when };
}
