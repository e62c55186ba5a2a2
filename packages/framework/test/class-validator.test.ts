import { Channel, OnMessage } from '@gatecast/framework';
import { dto } from '@gatecast/framework/class-validator';
import { createTestApp } from '@gatecast/framework/testing';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { describe, expect, it } from 'vitest';

class Line {
  @IsString()
  article!: string;

  @IsInt()
  count!: number;
}

class Order {
  @IsString()
  @MaxLength(10)
  note!: string;

  @ValidateNested()
  @Type(() => Line)
  first!: Line;

  @ValidateNested({ each: true })
  @Type(() => Line)
  lines!: Line[];
}

@Channel('orders')
class OrderChannel {
  @OnMessage(dto(Order))
  place(order: Order) {
    const isMade = order instanceof Order && order.first instanceof Line;
    return { order, isMade };
  }
}

const line = { article: 'tea', count: 2 };
const order = { note: 'soon', first: line, lines: [line] };
const connect = () => createTestApp({ channels: [OrderChannel] }).connect();

describe('dto()', () => {
  it('passes on instances, also nested ones', async () => {
    const answer = await (await connect()).send('orders.place', 'orders', order);
    expect(answer).toMatchObject({ type: 'reply', data: { order, isMade: true } });
  });

  it('drops unknown properties at every level', async () => {
    const answer = await (await connect()).send('orders.place', 'orders', {
      ...order,
      isAdmin: true,
      first: { ...line, price: 0 },
      lines: [{ ...line, price: 0 }],
    });
    expect(answer).toMatchObject({ data: { isMade: true } });
    expect(answer).toHaveProperty('data.order', order);
  });

  it('reports every mistake with its path', async () => {
    const answer = await (await connect()).send('orders.place', 'orders', {
      note: 'far too long a note',
      first: { article: 1, count: 2 },
      lines: [line, { article: 'tea', count: 'two' }],
    });
    expect(answer).toMatchObject({
      type: 'error',
      error: {
        code: 'ERR_VALIDATION',
        details: [{ path: 'note' }, { path: 'first.article' }, { path: 'lines.1.count' }],
      },
    });
  });

  it.each([
    ['null', null],
    ['a list', [order]],
    ['a text', 'x'],
    ['nothing', undefined],
  ])('refuses %s', async (_what, data) => {
    const answer = await (await connect()).send('orders.place', 'orders', data);
    expect(answer).toMatchObject({
      error: { code: 'ERR_VALIDATION', details: [{ path: '', message: 'must be an object' }] },
    });
  });

  it('refuses a class without decorators when the app is created', () => {
    class Bare {
      text!: string;
    }
    expect(() => dto(Bare)).toThrow(
      expect.objectContaining({
        name: 'ConfigurationError',
        code: 'ERR_DTO_BARE',
        message:
          'The class Bare has no class-validator decorator, so every property would be dropped.',
        hint: 'Decorate its properties, and set "experimentalDecorators": true.',
      }),
    );
  });
});

class Inner {
  @IsOptional()
  @IsInt()
  size?: number;

  @IsOptional()
  @ValidateNested()
  @Type(() => Inner)
  inner?: Inner;
}

class Outer {
  @IsOptional()
  @ValidateNested()
  @Type(() => Inner)
  one?: Inner;

  @IsOptional()
  @ArrayMaxSize(2)
  @ValidateNested({ each: true })
  @Type(() => Inner)
  many?: Inner[];

  @IsOptional()
  @IsArray()
  @ValidateNested()
  @Type(() => Inner)
  list?: Inner[];

  @ValidateIf((outer: Outer) => !Array.isArray(outer.either))
  @IsOptional()
  @ValidateNested()
  @Type(() => Inner)
  either?: Inner | string[];
}

class Labelled {
  get label() {
    return 'odd';
  }
}

class Odd extends Labelled {
  @IsOptional()
  @Transform(({ value }: { value: string }) => value.trim())
  @IsString()
  trimmed?: string;

  @IsOptional()
  @IsObject()
  free?: object;
}

@Channel('nested')
class NestedChannel {
  @OnMessage(dto(Outer))
  put(outer: Outer) {
    return JSON.stringify(outer);
  }

  @OnMessage(dto(Odd))
  odd(odd: Odd) {
    return JSON.stringify(odd);
  }
}

describe('H1 a value in place of an object or a list', () => {
  const put = async (action: string, data: object) => {
    const plugins = [{ name: 'quiet', onError() {} }];
    const ann = await createTestApp({ channels: [NestedChannel], plugins }).connect();
    return ann.send(`nested.${action}`, 'nested', data);
  };

  it.each<[object, string, string]>([
    [{ one: [] }, 'one', 'must be an object'],
    [{ one: [{ size: 3 }] }, 'one', 'must be an object'],
    [{ one: { inner: [] } }, 'one.inner', 'must be an object'],
    [{ one: { inner: { inner: [{}] } } }, 'one.inner.inner', 'must be an object'],
    [{ many: [[{ size: 1 }, { size: 2 }, { size: 3 }]] }, 'many.0', 'must be an object'],
    [{ many: [{}, []] }, 'many.1', 'must be an object'],
    [{ many: [{}, { inner: [] }] }, 'many.1.inner', 'must be an object'],
    [{ many: { size: 1 } }, 'many', ''],
    [{ list: [[{}]] }, 'list.0', 'must be an object'],
    [{ list: { size: 1 } }, 'list', ''],
    [{ either: { inner: [] } }, 'either.inner', 'must be an object'],
  ])('H1 %j is refused', async (data, path, message) => {
    expect(await put('put', data)).toMatchObject({
      error: { code: 'ERR_VALIDATION', details: [{ path, ...(message && { message }) }] },
    });
  });

  it.each<[object]>([
    [{}],
    [{ one: { size: 1, inner: { size: 2 } } }],
    [{ many: [] }],
    [{ many: [{ size: 1 }, { inner: {} }] }],
    [{ list: [{ size: 1 }] }],
    [{ either: ['a', 'b'] }],
    [{ either: { size: 1 } }],
  ])('H1 %j is taken', async (data) => {
    const answer = await put('put', data);
    expect(answer).toHaveProperty('data');
    expect(JSON.parse('data' in answer ? (answer.data as string) : '')).toEqual(data);
  });

  it.each<[object]>([[{ trimmed: 5 }], [{ free: { constructor: {} } }], [{ label: 'x' }]])(
    'H2 %j is invalid data if a transformation throws on it',
    async (data) => {
      expect(await put('odd', data)).toMatchObject({ error: { code: 'ERR_VALIDATION' } });
    },
  );
});
