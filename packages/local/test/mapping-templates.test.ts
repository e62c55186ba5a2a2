import { describe, expect, it, vi } from 'vitest';
import type { IntegrationResponse } from '../src/gateway/routes/integration-options.js';
import { type LocalApiOptions, openLocalApi } from './local-api.js';
import { Peer } from './peer.js';

interface Rendered extends Pick<LocalApiOptions, 'authorizer' | 'stageVariables' | 'now'> {
  readonly message?: string | object;
}

/** The output of a template for a message, with a function that answers with the message. */
async function rendered(template: string, options: Rendered = {}): Promise<string> {
  const { message = {}, ...rest } = options;
  const response: IntegrationResponse = {
    integrationResponseKey: '$default',
    responseTemplates: { $default: template },
  };
  await using api = await openLocalApi({
    ...rest,
    respond: (event) => event,
    routes: [
      { routeKey: '$connect', integration: 'mock' },
      { routeKey: '$default', twoWay: true, integration: { type: 'AWS', responses: [response] } },
    ],
  });
  await using peer = await Peer.connect(api.url);
  peer.send(message);
  const frame = await peer.next();
  const failure = api.log.find(({ result }) => result === 'failed');
  if (failure) throw new Error(failure.detail);
  return frame;
}

/** Accepts everybody, with values for `$context.authorizer`. */
const authorizer = {
  function: {
    invoke: async () => {
      const allow = { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: '*' };
      return {
        type: 'response',
        payload: {
          principalId: 'ann',
          policyDocument: { Version: '2012-10-17', Statement: [allow] },
          context: { plan: 1 },
        },
      } as const;
    },
  },
};

describe('a mapping template', () => {
  it('8.5 knows the context of the message', async () => {
    const template =
      '$context.connectionId $context.messageId $context.requestId $context.extendedRequestId ' +
      '$context.domainName $context.apiId $context.stage $context.eventType $context.routeKey ' +
      '$context.connectedAt $context.requestTimeEpoch $context.identity.sourceIp $context.status';
    const id = '[\\w-]{15}=';
    expect(await rendered(template, { now: () => 1_701_245_041_796 })).toMatch(
      new RegExp(
        `^${id} ${id} (${id}) \\1 localhost:\\d+ local00000 dev MESSAGE \\$default ` +
          '1701245041796 1701245041796 127\\.0\\.0\\.1 200$',
      ),
    );
  });

  it("8.5 knows the authorizer's context and the stage variables", async () => {
    const template =
      '$context.authorizer.principalId $context.authorizer.plan $stageVariables.color ' +
      "$stageVariables['color'] ${stageVariables['color']}";
    const stageVariables = { color: 'red' };
    expect(await rendered(template, { authorizer, stageVariables })).toBe('ann 1 red red red');
  });

  const pets = { pets: [{ id: 1 }, { id: 2 }], name: "it's", none: null };
  it.each([
    ['$input.body', JSON.stringify(pets)],
    ["$input.json('$')", JSON.stringify(pets)],
    ["$input.json('$.pets')", '[{"id":1},{"id":2}]'],
    ["$input.json('$.pets[1].id') $input.json('$[\"name\"]')", '2 "it\'s"'],
    ["$input.json('$.missing')", '""'],
    ["$input.path('$.name')", "it's"],
    ["$input.path('$.pets').size() $input.path('$.pets').count()", '2 2'],
    ["$input.path('$.pets')[1].id $input.path('$').pets.get(0).id", '2 1'],
    ["$input.path('$.pets')", '[{id=1}, {id=2}]'],
    ["[$input.path('$.missing')] [$input.path('$').missing] [$input.path('$.none')]", '[] [] []'],
  ])('8.5 reads the payload by %s', async (template, expected) => {
    expect(await rendered(template, { message: pets })).toBe(expected);
  });

  it('8.5 fails on unsupported JSONPath, with a message', async () => {
    await expect(rendered("$input.json('$..id')")).rejects.toThrow(
      'The template "$default" of the integration response "$default" of the integration of the ' +
        'route "$default" failed. The path "$..id" cannot be read.',
    );
    await expect(rendered("$input.json('x.id')")).rejects.toThrow(
      'The path "x.id" cannot be read. Of JSONPath, use "$" with ".name", "[\'name\']", "[0]" and "[*]".',
    );
  });

  it('I18 2.12 8.5 makes a list of the wildcards in a path', async () => {
    const message = { items: [{ id: 'a' }, { id: 'b' }] };
    expect(await rendered("$input.json('$.items[*].id')", { message })).toBe('["a","b"]');
    const loop = "#foreach($id in $input.path('$.items[*].id'))<$id>#end";
    expect(await rendered(loop, { message })).toBe('<a><b>');
  });

  it.each([
    ['base64Encode("hi é")', 'aGkgw6k='],
    ['base64Decode("aGkgw6k=")', 'hi é'],
    ['urlEncode("a b&c=d~é*")', 'a+b%26c%3Dd%7E%C3%A9*'],
    ['urlDecode("a+b%26c%3Dd&e=f")', 'a b&c=d&e=f'],
    ["escapeJavaScript($input.path('$.text'))", 'it\\\'s \\"quoted\\"\\n'],
    [
      'escapeJavaScript($input.path(\'$.text\')).replaceAll("\\\\\'","\'")',
      'it\'s \\"quoted\\"\\n',
    ],
    ["parseJson($input.path('$.json')).key2.arr[0]", '7'],
  ])('8.5 has $util.%s', async (call, expected) => {
    const message = { text: 'it\'s "quoted"\n', json: '{"key2":{"arr":[7]}}' };
    expect(await rendered(`$util.${call}`, { message })).toBe(expected);
  });

  it('8.5 reads the headers and the query string of a handshake', async () => {
    const template =
      '{"plan":"$input.params(\'plan\')","host":"$input.params().header.get(\'Host\')",' +
      '"none":"$input.params(\'none\')","body":"$input.body",' +
      '"query":{#foreach($name in $input.params().querystring.keySet())' +
      '"$name":"$input.params($name)"#if($foreach.hasNext),#end#end}}';
    await using api = await openLocalApi({
      routes: [
        {
          routeKey: '$connect',
          integration: {
            type: 'AWS',
            requestTemplates: { $default: template },
            responses: [{ integrationResponseKey: '$default' }],
          },
        },
      ],
    });
    await Peer.connect(`${api.url}?plan=gold&x=1`);
    await vi.waitFor(() => expect(api.handler.events).toHaveLength(1));
    expect(api.handler.events).toEqual([
      {
        plan: 'gold',
        host: `localhost:${api.gateway.port}`,
        none: '',
        body: '',
        query: { plan: 'gold', x: '1' },
      },
    ]);
  });

  it.each([
    ['#set($x = "a")$x#set($x = $x + "b") $x', 'a ab'],
    ['#if($context.stage == "dev")dev#elseif(true)other#else none#end', 'dev'],
    [
      '#foreach($n in $input.path("$.list"))$foreach.index:$n#if($foreach.hasNext),#end#end',
      '0:a,1:b',
    ],
    ['#set($map = {})$map.put("k", 1)#foreach($k in $map.keySet())$k=$map.get($k)#end', 'k=1'],
    ['#set($list = [])#set($ok = $list.add("x"))$list.size() $list.isEmpty()', '1 false'],
    ["$input.path('$.list')[0].toUpperCase().concat('!').contains('A')", 'true'],
    ['#macro(tag $name)<$name>#end#tag("x")', '<x>'],
    ['a#stop() b', 'a'],
    ['[$!none] $none #if($none == "")empty#{else}unset#end', '[] $none unset'],
    ['#foreach($n in $input.path("$.nulls"))[$n]#end', '[]'],
    [
      '## a comment\n{"price":"$5.00","$default":1,"room":"#general"}',
      '{"price":"$5.00","$default":1,"room":"#general"}',
    ],
  ])('8.5 is written in Velocity: %s', async (template, expected) => {
    expect(await rendered(template, { message: { list: ['a', 'b'], nulls: [null] } })).toBe(
      expected,
    );
  });

  const javaValues = {
    text: 'Hello-World-o',
    list: ['a', 'b', 'c'],
    map: { k: 1, l: 2 },
    number: 7,
    nulls: [null],
  };
  it.each([
    ['$text.charAt(1)', 'e'],
    ["$text.concat('!')", 'Hello-World-o!'],
    ["$text.contains('World') $text.contains('world')", 'true false'],
    ["$text.endsWith('-o') $text.endsWith('Hello')", 'true false'],
    ["$text.equals('Hello-World-o') $text.equals('Hello')", 'true false'],
    ["$text.equalsIgnoreCase('hELLO-world-O') $text.equalsIgnoreCase('x')", 'true false'],
    ["$text.indexOf('o') $text.lastIndexOf('o') $text.indexOf('x')", '4 12 -1'],
    ['$text.isEmpty() $text.substring(13).isEmpty() $text.length()', 'false true 13'],
    ["$text.matches('Hello') $text.matches('H.*o|x') $text.matches('x|o')", 'false true false'],
    ["$text.replace('o', '$&')", 'Hell$&-W$&rld-$&'],
    ["$text.replaceAll('(l)[lo]?', '<$1$0>')", 'He<lll>o-Wor<ll>d-o'],
    ["$text.replaceAll('-', '\\$1$&')", 'Hello$1$&World$1$&o'],
    ["$text.replaceFirst('-', '\\x')", 'HelloxWorld-o'],
    ["$text.replaceFirst('(o)-', '[$1]')", 'Hell[o]World-o'],
    ["$text.split('-') $text.split('[lo]+').size()", '[Hello, World, o] 5'],
    ["$text.startsWith('Hello') $text.startsWith('-o')", 'true false'],
    ['$text.substring(6) $text.substring(6, 11)', 'World-o World'],
    ['$text.toLowerCase() $text.toUpperCase()', 'hello-world-o HELLO-WORLD-O'],
    ["$text.concat('  ').trim()!", 'Hello-World-o!'],
    ["$list.add('d') $list", 'true [a, b, c, d]'],
    ["$list.contains('b') $list.contains('x')", 'true false'],
    ["$list.get(1) $list.indexOf('c') $list.isEmpty() $list.size()", 'b 2 false 3'],
    ['$list.remove(1) $list', 'b [a, c]'],
    ['$list.subList(1, 2)', '[b]'],
    ["$map.containsKey('k') $map.containsKey('x')", 'true false'],
    ['#foreach($entry in $map.entrySet())$entry.key=$entry.value #end', 'k=1 l=2 '],
    [
      "$map.get('l') $map.isEmpty() $map.keySet() $map.size() $map.values()",
      '2 false [k, l] 2 [1, 2]',
    ],
    ["$map.put('k', 3)$map.put('m', 4)$map", '{k=3, l=2, m=4}'],
    ["$map.remove('k') $map", '1 {l=2}'],
    ["$number.equals('7') $number.toString() $list.toString()", 'true 7 [a, b, c]'],
    ['[$number.length()] [$text.size()] [$list.length()] [$map.length()]', '[] [] [] []'],
    ['[$none.toString()] [$map.none.equals("")]', '[$none.toString()] []'],
    ['[$nulls[0].equals("")] [$nulls.get(0).x] [$number.size()]', '[] [] []'],
    [
      '#set($new = [])$new.add("x") $new.isEmpty()|#set($map = {})$map.isEmpty()',
      'true false|true',
    ],
    ["$map.put('m', 3)$map.put('m', 4)$map.remove('m') $map", '4 {k=1, l=2}'],
  ])('8.5 has the methods of values in Java: %s', async (template, expected) => {
    const set = Object.keys(javaValues).map((name) => `#set($${name} = $input.path('$.${name}'))`);
    expect(await rendered(set.join('') + template, { message: javaValues })).toBe(expected);
  });

  it('8.6 treats an unset value of the context as an empty string', async () => {
    const template = '#if($context.authorizer.plan == "")none#end[$context.authorizer.plan]';
    expect(await rendered(template)).toBe('none[]');
    expect(await rendered('[$context.nothing.at.all][$stageVariables.none]')).toBe('[][]');
  });

  it('8.7 divides whole numbers to a whole number', async () => {
    const template = '#set($ttl = ($context.requestTimeEpoch / 1000) + 9000)$ttl';
    expect(await rendered(template, { now: () => 1_701_245_041_796 })).toBe('1701254041');
    expect(await rendered('#set($a = -7 / 2)$a|#set($b = 7.5 / 2)$b')).toBe('-3|3.75');
    expect(await rendered('#set($a = 7 / 2.5)$a')).toBe('2.8');
    expect(await rendered('#set($x = 1 / 0)[$!x]')).toBe('[]');
  });

  it("8.7 does not calculate with texts, such as the authorizer's values", async () => {
    const template = '#set($x = $context.authorizer.plan * 2)[$!x]#if($x > 1)more#{else}none#end';
    expect(await rendered(template, { authorizer })).toBe('[]none');
    expect(await rendered('#set($x = $context.authorizer.plan + 2)$x', { authorizer })).toBe('12');
  });
});

describe('a mapping template can only access its variables', () => {
  it.each([
    '$context.constructor',
    '$context.constructor.constructor("return process")',
    '$context.toString',
    '$context.__proto__.toString',
    '$context["constructor"]',
    '$context.hasOwnProperty("stage")',
    '$util.constructor',
    '$util.base64Encode',
    '$util.call("base64Encode")',
    '$util.toString()',
    '$input.json.constructor',
    '$input.body.constructor',
    '$input.body.at(0)',
    "$input.path('$').constructor",
    "$input.path('$.constructor')",
    "$input.path('$.list').map",
    "$input.path('$.list').constructor",
    '#@toString()#end',
  ])('as nothing: %s', async (template) => {
    expect(await rendered(`[${template}]`, { message: { list: [1] } })).toBe('[]');
  });

  it('even if the message has such names', async () => {
    const message = '{"toString":1,"constructor":{"name":"x"},"__proto__":{"y":2}}';
    expect(await rendered("$input.path('$')", { message })).toBe(
      '{toString=1, constructor={name=x}, __proto__={y=2}}',
    );
    expect(await rendered("$input.path('$').constructor.name", { message })).toBe('x');
  });

  it('even if it writes', async () => {
    const template =
      '#set($map = {})#set($map.__proto__.polluted = 1)#set($map.constructor.prototype.polluted = 1)' +
      '$map.put("__proto__", {"polluted": 1})|$map.polluted|';
    expect(await rendered(template)).toBe('||');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('and does not change them for the next one', async () => {
    const template = '#set($stageVariables.color = "blue")$stageVariables.color';
    const stageVariables = { color: 'red' };
    expect(await rendered(template, { stageVariables })).toBe('blue');
    expect(stageVariables).toEqual({ color: 'red' });
  });
});
