// Records what the reference implementation gives for the expressions of the *.txt files here.
//
// A line "> EXPRESSION" (continued by lines "| ...") is followed by one line that this script writes: "= JSON", or
// "undefined", or "! CODE POSITION TOKEN" with what the error has of them. "data NAME" chooses the input NAME.json for what follows. Other lines are left alone.
//
//   npm install jsonata@2.2.2
//   NODE_PATH=node_modules TZ=UTC node record.js *.txt
//
// The clock stands still at 2024-05-17T12:34:56.789Z.
'use strict';
const fs = require('fs');
const path = require('path');
const jsonata = require('jsonata');

const RealDate = Date;
global.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length ? args : [1715949296789]));
  }
  static now() { return 1715949296789; }
};

async function outcome(expression, input) {
  try {
    const value = await jsonata(expression).evaluate(input);
    return value === undefined ? 'undefined' : '= ' + JSON.stringify(value);
  } catch (err) {
    if (!err.code) return '! no code: ' + err.message;
    return ['!', err.code, err.position || undefined, err.token].filter((part) => part !== undefined).join(' ');
  }
}

async function record(file) {
  const out = [];
  let input;
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (/^(= |! |undefined$)/.test(line)) continue;
    out.push(line);
    if (line.startsWith('data ')) {
      input = fs.readFileSync(path.join(path.dirname(file), line.slice(5) + '.json'), 'utf8');
    }
    if (!line.startsWith('> ')) continue;
    let expression = line.slice(2);
    while (i + 1 < lines.length && lines[i + 1].startsWith('| ')) {
      expression += '\n' + lines[++i].slice(2);
      out.push(lines[i]);
    }
    out.push(await outcome(expression, input === undefined ? undefined : JSON.parse(input)));
  }
  fs.writeFileSync(file, out.join('\n'));
}

(async () => {
  for (const file of process.argv.slice(2)) await record(file);
})();
