import { createRequire } from 'node:module';
import type * as velocity from 'velocityjs';
import { textOf } from '../json-path.js';
import { calculations } from './calculations.js';
import { callMethod, ownProperty } from './template-methods.js';

/** Renders a mapping template. @throws Error if it fails. */
export type MappingTemplate = (variables: Readonly<Record<string, unknown>>) => string;

/** One step of a reference after its name, as the parser returns it. */
type Step =
  | { readonly type: 'method'; readonly id: string; readonly args?: readonly Node[] | false }
  | { readonly type: 'property'; readonly id: string }
  | { readonly type: 'index'; readonly id: Node };

type Velocity = typeof velocity;
type Node = ReturnType<Velocity['parse']>[number];
type SetNode = Extract<Node, { type: 'set' }>;

const load = createRequire(import.meta.url);
let compile: ((text: string) => MappingTemplate) | undefined;

/**
 * Compiles a mapping template in the Velocity Template Language. The language's library is loaded with
 * the first template.
 *
 * @throws Error if it cannot be parsed.
 */
export function mappingTemplate(text: string): MappingTemplate {
  compile ??= compiler(load('velocityjs') as Velocity);
  return compile(text);
}

function compiler({ Compile, Helper, parse }: Velocity): (text: string) => MappingTemplate {
  /** Velocity as in API Gateway: with Java's values and numbers, and empty text for missing values. */
  class Rendering extends Compile {
    protected override getReferences(node: Node, isText?: boolean): string {
      const value: unknown = super.getReferences(node, false);
      const isMissing = value === undefined || value === null;
      const { id } = node as { readonly id: string };
      // An unset variable equals "" (row 8.6).
      if (!isText) return (isMissing && alwaysText.has(id) ? '' : value) as string;
      // Velocity does not change a reference that begins with an unknown name.
      return isMissing && !this.#isKnown(id) && !isQuiet(node)
        ? Helper.getRefText(node as Parameters<typeof Helper.getRefText>[0])
        : textOf(value);
    }

    /** Called by the base class for each step of a reference. */
    getAttributes(step: Step, subject: unknown): unknown {
      if (step.type === 'method') {
        const args = (step.args || []).map((arg) => this.getLiteral(arg));
        return callMethod(subject, step.id, args);
      }
      const key = step.type === 'property' ? step.id : textOf(this.getLiteral(step.id));
      return ownProperty(subject, key);
    }

    /** Called by the base class for a call such as `$name()`. Variables are never functions. */
    getPropMethod(): undefined {
      return undefined;
    }

    protected override getExpression(node: Node): string {
      const { operator = '', expression, value } = node as MathNode;
      if (operator === EVALUATED) return value as string;
      const calculate = calculations.get(operator);
      if (!calculate || !expression) return super.getExpression(node);
      const [left, right] = expression.map((side): unknown => this.getExpression(side));
      return calculate(left, right) as string;
    }

    /** As in Velocity, a variable keeps its value if it is set to nothing. */
    override setValue(node: SetNode): void {
      const [target, source] = node.equal;
      const value: unknown =
        source.type === 'math' ? this.getExpression(source) : this.getLiteral(source);
      if (value === undefined || value === null) return;
      const evaluated = { type: 'math', operator: EVALUATED, value } as unknown as Node;
      super.setValue({ ...node, equal: [target, evaluated] });
    }

    /**
     * The base class would finish the pass of a loop after `#break`. Velocity drops white space between a
     * reference or directive and `#set`.
     */
    override renderAstList(nodes: readonly Node[] = this.asts, contextId?: string): string {
      let text = super.renderAstList([], contextId);
      let space = '';
      for (const node of nodes) {
        if (isSpace(node)) {
          space += node;
          continue;
        }
        text += (node.type === 'set' ? '' : space) + super.renderAstList([node], contextId);
        space = '';
        if (this.runState.break) break;
      }
      return text + space;
    }

    /** A template only has the macros that it defines, not properties that every object inherits. */
    protected override getMacro(node: Node): string {
      const { id } = node as { readonly id: string };
      return id === 'stop' || Object.hasOwn(this.macrosStore, id) ? super.getMacro(node) : '';
    }

    #isKnown(id: string): boolean {
      return (
        Object.hasOwn(this.context, id) ||
        this.conditions.some((scope) => ownProperty(this.local[scope], id) !== undefined)
      );
    }
  }

  return (text) => {
    const nodes = parse(text);
    return (variables) => new Rendering(nodes).render({ __proto__: null, ...variables });
  };
}

/** The operator of a value that is known already, so that the base class does not evaluate it again. */
const EVALUATED = 'evaluated';

interface MathNode {
  readonly operator?: string;
  readonly expression?: readonly Node[];
  readonly value?: unknown;
}

/** The variables whose members are always strings. */
const alwaysText = new Set(['context', 'stageVariables']);

/** The parser returns text as strings, unlike its types say. */
function isSpace(node: Node | string): node is string {
  return typeof node === 'string' && /^[ \t]+$/.test(node);
}

function isQuiet(node: Node): boolean {
  return (node as { readonly leader?: string }).leader === '$!';
}
