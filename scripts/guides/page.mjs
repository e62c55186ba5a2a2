// What a guide asks its reader to do, in the order of the page.

const FENCE = /^( *)```(\w*)$/;
const NOT_RUN = /^ *<!-- not run: (.+) -->$/;
/** Before a block of what a server has printed during the commands above. */
const MEANWHILE = /^ *<!-- meanwhile -->$/;
const AFTER = /^<!-- after: ([\w-]+) -->$/m;
/** The first line of a block that is written to a file: a comment with nothing but its name. */
const FILE_NAME = /^(?:\/\/|#|<!--|\/\*) ([\w@./-]*\.\w+)(?: -->| \*\/)?$/;

/**
 * Reads a page of Markdown. A step has the number of its first line and one of these:
 * - `file` and `text`: a block that names its file;
 * - `commands`: those of a block of sh, each with its line;
 * - `output`: the lines that the commands of the step before, or a server meanwhile, must have printed;
 * - `reason`: why a block is not run.
 */
export function readPage(markdown) {
  const steps = [];
  const lines = markdown.split('\n');
  let reason;
  let wasCommands = false;
  for (let index = 0; index < lines.length; index += 1) {
    reason = NOT_RUN.exec(lines[index])?.[1] ?? reason;
    wasCommands ||= MEANWHILE.test(lines[index]);
    const [opening, indentation = '', language] = FENCE.exec(lines[index]) ?? [];
    if (opening === undefined) continue;
    const line = index + 1;
    const end = lines.indexOf(`${indentation}\`\`\``, line);
    if (end === -1) throw new Error(`The block in line ${line} has no end.`);
    const block = lines.slice(line, end).map((text) => text.slice(indentation.length));
    index = end;
    const step =
      reason === undefined ? stepOf({ language, block, line: line + 1, wasCommands }) : { reason };
    if (step) steps.push({ line, ...step });
    wasCommands = step?.commands !== undefined;
    reason = undefined;
  }
  return { after: AFTER.exec(markdown)?.[1], steps };
}

function stepOf({ language, block, line, wasCommands }) {
  if (language === 'sh') return { commands: commandsOf(block, line) };
  if (language === 'text' && wasCommands) {
    return { output: block.filter((text) => text.trim() !== '') };
  }
  const [, file] = FILE_NAME.exec(block[0] ?? '') ?? [];
  return file === undefined ? undefined : { file, text: `${block.join('\n')}\n` };
}

/** A line that ends in a backslash goes on in the next one, and a heredoc up to its end. */
function commandsOf(block, first) {
  const commands = [];
  for (let index = 0; index < block.length; index += 1) {
    const line = first + index;
    if (/^\s*(?:#|$)/.test(block[index])) continue;
    let text = block[index];
    while (text.endsWith('\\')) text += `\n${block[++index] ?? ''}`;
    const [, delimiter] = /<<-?\s*['"]?(\w+)/.exec(text) ?? [];
    if (delimiter !== undefined) {
      do text += `\n${block[++index] ?? delimiter}`;
      while (block[index] !== undefined && block[index].trim() !== delimiter);
    }
    commands.push({ line, text });
  }
  return commands;
}

/**
 * The first of the expected lines that the output does not have after those before it. An expected line may be
 * a part of a printed one; `…` stands for any text.
 */
export function missingLine(expected, output) {
  const printed = output.split('\n');
  let next = 0;
  for (const line of expected) {
    const parts = line.trim().split('…').map(escaped);
    const pattern = new RegExp(parts.join('.*'));
    const found = printed.findIndex((text, index) => index >= next && pattern.test(text));
    if (found === -1) return line;
    next = found + 1;
  }
  return undefined;
}

function escaped(text) {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
