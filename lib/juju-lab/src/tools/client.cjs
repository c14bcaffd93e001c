#!{{interpreter}}
// The program of client.pl for machines without Perl: see there and server.ts.
const path = '{{socket}}';
const lab = require('node:net').connect(path);
const received = [];
const cwd = process.cwd();
const tool = process.argv[1].slice(process.argv[1].lastIndexOf('/') + 1);
const request = Buffer.from(
  [tool, cwd, process.env.JUJU_CONTEXT_ID ?? '', ...process.argv.slice(2)].join('\0'),
);
lab.write(Buffer.concat([Buffer.from(`${request.length}\n`), request]));
lab.on('data', (chunk) => {
  if (received.length === 0 && chunk.toString('latin1') === 'stdin\n') process.stdin.pipe(lab);
  else received.push(chunk);
});
lab.on('end', () => {
  const answer = Buffer.concat(received);
  const end = answer.indexOf('\n');
  if (end < 0) fail(`unexpected EOF from ${path}`);
  const [code, stdoutBytes] = answer.toString('latin1', 0, end).split(' ').map(Number);
  const bodies = answer.subarray(end + 1);
  process.stdout.write(bodies.subarray(0, stdoutBytes));
  process.stderr.write(bodies.subarray(stdoutBytes));
  process.exitCode = code;
});
lab.on('error', (error) => fail(`dial unix ${path}: connect: ${error.code}`));

function fail(reason) {
  require('node:fs').writeSync(2, `ERROR ${reason}\n`);
  process.exit(1);
}
