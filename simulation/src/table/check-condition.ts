import type { Names } from './evaluate.js';
import { type Condition, type Operand, ValidationException } from './expression.js';

/** Refuses a condition that DynamoDB refuses whatever the item is. */
export function checkCondition(condition: Condition, names: Names): void {
  switch (condition.kind) {
    case 'and':
    case 'or':
      for (const part of condition.of) checkCondition(part, names);
      return;
    case 'not':
      checkCondition(condition.of, names);
      return;
    case 'compare':
      if (condition.left.kind === 'path' && condition.right.kind === 'path') {
        refuseSame(condition.left, condition.right, names);
      }
      if (!/^(=|<>)$/.test(condition.comparator)) {
        for (const operand of [condition.left, condition.right]) checkOrdered(operand, names);
      }
      return;
    case 'between':
      for (const { low, high } of [condition]) {
        checkOrdered(low, names);
        checkOrdered(high, names);
      }
      return;
    case 'begins_with':
      if (condition.part.kind === 'value' && names.value(condition.part.name).S === undefined) {
        throw new ValidationException('begins_with takes a text.');
      }
      return;
    case 'exists':
      names.resolve(condition.path);
      return;
    case 'contains':
    case 'in':
  }
}

function refuseSame(
  left: Operand & { readonly kind: 'path' },
  right: Operand & { readonly kind: 'path' },
  names: Names,
): void {
  if (names.resolve(left.path).join('\0') === names.resolve(right.path).join('\0')) {
    throw new ValidationException('The operands of a comparison have to be different.');
  }
}

function checkOrdered(operand: Operand, names: Names): void {
  if (operand.kind !== 'value') return;
  const { S, N, B } = names.value(operand.name);
  if (S === undefined && N === undefined && B === undefined) {
    throw new ValidationException('Only texts, numbers and bytes have an order.');
  }
}
