import { Channel, OnMessage } from '@gatecast/framework';
import { dto } from '@gatecast/framework/class-validator';
import { createTestApp } from '@gatecast/framework/testing';
import { Type } from 'class-transformer';
import { IsInt, IsString, MaxLength, ValidateNested } from 'class-validator';
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
  it('hands over instances, nested ones too', async () => {
    const answer = await (await connect()).send('orders.place', 'orders', order);
    expect(answer).toMatchObject({ type: 'reply', data: { order, isMade: true } });
  });

  it('drops what it does not know, at every level', async () => {
    const answer = await (await connect()).send('orders.place', 'orders', {
      ...order,
      isAdmin: true,
      first: { ...line, price: 0 },
      lines: [{ ...line, price: 0 }],
    });
    expect(answer).toMatchObject({ data: { isMade: true } });
    expect(answer).toHaveProperty('data.order', order);
  });

  it('tells every mistake with its path', async () => {
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

  it('refuses a class without any decorator when the app is put together', () => {
    class Bare {
      text!: string;
    }
    expect(() => dto(Bare)).toThrow(
      expect.objectContaining({
        name: 'ConfigurationError',
        code: 'ERR_DTO_BARE',
        message:
          'The class Bare has no class-validator decorator, so everything would be dropped from it.',
        hint: 'Decorate its properties; they count only under "experimentalDecorators": true.',
      }),
    );
  });
});
