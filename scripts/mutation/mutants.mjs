// Finds the mutants of a source file, and writes the file with all of them: each is behind a switch next
// to the original code, so that a test can immediately run again with another mutant.
import ts from 'typescript';

const K = ts.SyntaxKind;

/** Replacements of operators. */
const operators = new Map([
  [K.LessThanToken, ['<=', '>=']],
  [K.LessThanEqualsToken, ['<', '>']],
  [K.GreaterThanToken, ['>=', '<=']],
  [K.GreaterThanEqualsToken, ['>', '<']],
  [K.EqualsEqualsEqualsToken, ['!==']],
  [K.ExclamationEqualsEqualsToken, ['===']],
  [K.AmpersandAmpersandToken, ['||']],
  [K.BarBarToken, ['&&']],
  [K.QuestionQuestionToken, ['&&']],
  [K.PlusToken, ['-']],
  [K.MinusToken, ['+']],
  [K.AsteriskToken, ['/']],
  [K.SlashToken, ['*']],
  [K.PercentToken, ['*']],
  [K.PlusEqualsToken, ['-=']],
  [K.MinusEqualsToken, ['+=']],
]);

/** Replacements of methods; an empty name means the object itself. */
const methods = new Map([
  ['every', 'some'],
  ['some', 'every'],
  ['startsWith', 'endsWith'],
  ['endsWith', 'startsWith'],
  ['min', 'max'],
  ['max', 'min'],
  ['filter', ''],
  ['slice', ''],
  ['sort', ''],
  ['reverse', ''],
  ['trim', ''],
  ['toLowerCase', ''],
]);

/**
 * Returns the mutants of a source text, and the text with all of them.
 *
 * @param name - Prefix of the ids of the mutants.
 */
export function mutate(name, source) {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true);
  const mutants = [];
  return { code: write(file), mutants };

  /** The text of a node, including the mutants of its descendants. */
  function write(node) {
    if (skipped(node)) return source.slice(node.pos, node.end);
    let text = '';
    let from = node.pos;
    ts.forEachChild(node, (child) => {
      text += source.slice(from, child.pos) + write(child);
      from = child.end;
    });
    text += source.slice(from, node.end);
    const start = node.getStart(file);
    const lead = source.slice(node.pos, start);
    return lead + (node.parent ? switched(node, text.slice(lead.length)) : text.slice(lead.length));
  }

  function switched(node, text) {
    if (removable(node)) return `{ if (!${on(node, '')}) { ${text} } }`;
    return replacements(node).reduce(
      (inner, replacement) => `(${on(node, replacement)} ? (${replacement}) : (${inner}))`,
      text,
    );
  }

  function on(node, replacement) {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
    const id = `${name}#${mutants.length}`;
    mutants.push({ id, line: line + 1, from: node.getText(file), to: replacement });
    return `globalThis.mutant(${JSON.stringify(id)})`;
  }

  /** The possible replacements of this expression. */
  function replacements(node) {
    const text = node.getText(file);
    const found = [];
    if (ts.isBinaryExpression(node)) {
      const words = operators.get(node.operatorToken.kind) ?? [];
      if (!isText(node.left) && !isText(node.right)) {
        const [left, right] = [node.left.getText(file), node.right.getText(file)];
        // Parentheses, because ?? cannot be combined with && without them.
        found.push(...words.map((word) => `(${left}) ${word} (${right})`));
      }
    }
    if (ts.isPrefixUnaryExpression(node) && node.operator === K.ExclamationToken) {
      found.push(node.operand.getText(file));
    }
    found.push(...decisions(node));
    if (node.kind === K.TrueKeyword) found.push('false');
    if (node.kind === K.FalseKeyword) found.push('true');
    // A string with a space is a message for people.
    if (ts.isStringLiteral(node) && !node.text.includes(' '))
      found.push(node.text === '' ? '"x"' : '""');
    if (ts.isTemplateExpression(node) && !text.includes(' ')) found.push('""');
    if (ts.isNumericLiteral(node)) found.push(`${text} + 1`);
    if (ts.isArrayLiteralExpression(node) && node.elements.length > 0) found.push('[]');
    if (ts.isObjectLiteralExpression(node) && node.properties.length > 0) found.push('{}');
    if (isReturned(node) && text !== 'undefined') found.push('undefined');
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { expression: object, name: method } = node.expression;
      const other = methods.get(method.text);
      if (other === '') found.push(object.getText(file));
      else if (other) found.push(text.replace(`.${method.text}(`, `.${other}(`));
    }
    return [...new Set(found)];
  }
}

function isText(node) {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

/**
 * The replacements of a condition. Half of a condition is only replaced so that the other half decides.
 */
function decisions(node) {
  const { parent } = node;
  if (ts.isIfStatement(parent) && parent.expression === node) return ['true', 'false'];
  if (ts.isConditionalExpression(parent) && parent.condition === node) return ['true', 'false'];
  if (ts.isWhileStatement(parent) && parent.expression === node) return ['false'];
  if (!ts.isBinaryExpression(parent)) return [];
  if (parent.operatorToken.kind === K.AmpersandAmpersandToken) return ['true'];
  return parent.operatorToken.kind === K.BarBarToken ? ['false'] : [];
}

function isReturned(node) {
  const { parent } = node;
  if (ts.isReturnStatement(parent)) return true;
  return ts.isArrowFunction(parent) && parent.body === node && !ts.isBlock(node);
}

/** Statements that can be removed from the program. */
function removable(node) {
  if (ts.isThrowStatement(node) || ts.isBreakStatement(node) || ts.isContinueStatement(node))
    return true;
  if (ts.isReturnStatement(node)) return node.expression === undefined;
  return ts.isExpressionStatement(node) && !node.getText().startsWith('super(');
}

/** Whether the node is the left side of a destructuring assignment: `({ a } = b)`. */
function isAssigned(node) {
  if (!ts.isObjectLiteralExpression(node) && !ts.isArrayLiteralExpression(node)) return false;
  const { parent } = node;
  return (
    ts.isBinaryExpression(parent) &&
    parent.operatorToken.kind === K.EqualsToken &&
    parent.left === node
  );
}

/** Nodes that are not executable code or cannot be replaced. */
function skipped(node) {
  const { parent } = node;
  if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return true;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true;
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true;
  if (ts.isHeritageClause(node)) return true;
  if (isAssigned(node)) return true;
  // A name, such as that of a property, or an operator, which is replaced together with its operands.
  return parent !== undefined && [parent.name, parent.operatorToken].includes(node);
}
