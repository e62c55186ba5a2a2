// A stand-in for the @connections API, for fanout.mjs. It accepts every post.
import http from 'node:http';
import https from 'node:https';

const { key, cert } = JSON.parse(process.argv[2]);
const answer = (request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'content-length': '0' });
    response.end();
  });
};
const server = key ? https.createServer({ key, cert }, answer) : http.createServer(answer);
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit());
