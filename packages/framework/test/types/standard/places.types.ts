// Compiled, never run. A standard decorator knows the place of its method.
import {
  OnConnect,
  OnDisconnect,
  OnMessage,
  OnSubscribe,
  OnUnsubscribe,
} from '@gatecast/framework';
import * as v from 'valibot';

class Methods {
  // @ts-expect-error a static method belongs to no instance
  @OnMessage()
  static raw() {}

  // @ts-expect-error a schema makes no difference
  @OnMessage(v.object({ text: v.string() }))
  static post(message: { text: string }) {
    return message;
  }

  // @ts-expect-error a static method belongs to no instance
  @OnConnect()
  static begin() {}

  // @ts-expect-error a static method belongs to no instance
  @OnSubscribe()
  static join() {}

  // @ts-expect-error a static method belongs to no instance
  @OnUnsubscribe()
  static leave() {}

  // @ts-expect-error a static method belongs to no instance
  @OnDisconnect()
  static close() {}

  // @ts-expect-error no one but the class can call it, whatever it takes
  @OnMessage(v.object({ text: v.string() }))
  #post(message: { text: string }) {
    return message;
  }

  // @ts-expect-error no one but the class can call it
  @OnSubscribe()
  #join() {}

  // @ts-expect-error it is both
  @OnConnect()
  static #open() {}

  use() {
    Methods.#open();
    return [this.#post({ text: '' }), this.#join()];
  }
}

class Accessors {
  // @ts-expect-error an accessor is not a method
  @OnMessage()
  accessor text = '';

  // @ts-expect-error not even one that holds a function
  @OnSubscribe()
  accessor join = () => this.text;
}

export { Accessors, Methods };
