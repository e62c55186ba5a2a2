import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { LocalRoute } from '../src/dev/make-deployment.js';
import { readTemplate } from '../src/dev/template/read-template.js';
import { connectionOf, connections, describeVelocity, renderTwice } from './velocity.js';

const snippets: readonly string[] = [
  // Numbers: whole ones stay whole, and texts are not calculated with.
  '#set($s = ($context.requestTimeEpoch / 1000) + 8100){"N":"${s}000"}',
  '#set($s = $context.requestTimeEpoch/1000+8100)$s ${s} $!s "$s"',
  '#set($s = ($context.connectedAt - 1) * 2)$s',
  '#set($s = 7 / 2)$s#set($s = -7 / 2)$s#set($s = 7 % 3)$s#set($s = 2 + 3 * 4)$s#set($s = 5 - 7)$s',
  '#set($s = 1 / 0)[$!s]#set($s = 5 % 0)[$!s]#set($s = $none + 1)[$!s]#set($s = $none - 1)[$!s]',
  '#set($s = $context.authorizer.gatecastExpiresAt / 1000)[$!s]',
  '#set($s = $context.authorizer.gatecastExpiresAt + 1)[$!s]#set($s = 1 + "x")[$s]',
  '#if($context.authorizer.gatecastExpiresAt > 5)a#{else}b#end#if($none > 5)a#{else}b#end',
  '#if($context.requestTimeEpoch > 5 && "$!none" == "")a#elseif(true)b#{else}c#end',
  '#if($context.requestTimeEpoch == 1)a#elseif($context.connectedAt < 1)b#{else}c#end',
  // Missing values.
  '#if("$!context.authorizer.x" != "")yes#{else}no#end#if("$!context.authorizer.x" == "")yes#end',
  '#if("$!context.authorizer.gatecastUserId" != "")yes#else no#end',
  '#if($none)a#{else}b#end#if(!$none)a#{else}b#end#if($context.stage)a#{else}b#end',
  '[$!context.none] [$!{context.none}] [$none] [$!none] [${none}]',
  '#set($x = $none)$x#set($x = 1)#set($x = $none)$x',
  // Texts.
  '#set($s = "x")${s}000 $s.length() ${s}-$s#set($s = "x" + "y")$s#set($s = "$s$s")$s',
  "#set($quote = \"'\")$quote#set($text = 'no $s here')$text",
  '$util.escapeJavaScript("it\'s").replaceAll("\\\\\'", "\'")',
  '$util.escapeJavaScript("it\'s").replaceAll("\\\'", "\'")',
  "$util.escapeJavaScript($input.path('$.Item.name.S'))",
  '$context.stage.replaceAll("l", "L").toUpperCase() $context.stage.substring(1, 3) $context.stage.indexOf("v")',
  '#if($context.stage == "live")a#end#if($context.stage.equals("live"))b#end#if($context.stage != "live")c#end',
  'C#$context.connectionId $context.stage. $context.stage:$context.stage $context["stage"] $100 #1 a@b.c \\ "',
  'a ## comment\nb #* block *# c \\$context.stage',
  // The payload.
  "$input.path('$.Item.name.S') [$input.path('$.Item.none.S')]",
  "#set($item = $input.path('$.Item'))$item.name.S ${item.name.S}x $!item.none.S",
  "#if($input.path('$.Item.none') == '')a#{else}b#end",
  // Lists, maps and loops.
  '#set($map = {"a": 1, "b": "two"})$map.a $map.b $map.get("b") #set($map.c = 3)$map.c',
  '#set($list = ["a", "b"])#foreach($each in $list)$each#if($foreach.hasNext),#end#end $list[1] $list.size()',
  '#foreach($i in [1..3])#if($i == 2)#break#end$i#end',
  '#foreach($i in [1..3])#foreach($j in [1..3])#if($j == 2)#break#end$i$j #end;#end',
  '#foreach($i in [])a#end#foreach($i in [1..3])$foreach.count $foreach.index;#set($last = $i)#end$last',
  // White space around directives.
  '$context.stage  #set($x = 1) $x#if(true)  #set($x = 2)\t#set($x = 3)$x#end #set($x = 4)',
  'a #set($x = 1) b\n#set($x = 1)\n  #if(true)\n  c\n  #end\nd #if(false) e #else f #end g\n\n#foreach($i in [1..2])\n$i\n#end\nh',
];

const body = { Item: { name: { S: 'Ann\'s "row"' }, age: { N: '7' } } };

/** The request templates of a template. */
async function templatesOf(file: string): Promise<readonly string[]> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { options } = await readTemplate(path, { parameters: {}, stage: undefined });
  return (options.routes as readonly LocalRoute[]).flatMap(({ integration }) =>
    typeof integration === 'object' ? Object.values(integration.requestTemplates ?? {}) : [],
  );
}

describeVelocity('8.19 a mapping template', () => {
  it('8.19 has the output of Apache Velocity 1.7, and writes the row of any user', async () => {
    const { context } = connectionOf('ann');
    const templates = await templatesOf('fixtures/direct-writes/template.json');
    const [here, there] = await renderTwice([
      ...snippets.map((template) => ({ template, context, body })),
      ...templates.flatMap((template) => connections.map((each) => ({ ...each, template }))),
    ]);
    expect(here).toEqual(there);
    const users = there.flatMap(({ output }) => (output as Output).Item?.userId ?? []);
    const awkward = connections.flatMap(({ user }) => user ?? []);
    expect(users.map(({ S }) => S)).toEqual(awkward);
  });
});

interface Output {
  readonly Item?: { readonly userId?: { readonly S: string } };
}
