// Lambda's runtime API, as far as the benchmark needs it: `node runtime.mjs`.
//
// The official client (aws-lambda-ric) compiles curl and a native module when it
// is installed, which needs CMake, and its current release needs Node.js 22.

import { Agent, request } from "node:http";

import { handler } from "./index.mjs";

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new Agent({ keepAlive: true });

// An event can be long in coming, for which `fetch` would not wait forever.
const ask = (method, path, body) =>
  new Promise((resolve, reject) => {
    const options = { agent, hostname, port, method, path: `/2018-06-01/runtime/invocation/${path}` };
    const asking = request(options, async (answer) => {
      try {
        resolve({ headers: answer.headers, body: Buffer.concat(await answer.toArray()).toString() });
      } catch (error) {
        reject(error);
      }
    });
    asking.on("error", reject).end(body);
  });

for (;;) {
  const event = await ask("GET", "next");
  const id = event.headers["lambda-runtime-aws-request-id"];
  try {
    const result = await handler(JSON.parse(event.body));
    await ask("POST", `${id}/response`, JSON.stringify(result));
  } catch (error) {
    const failure = { errorType: error.name, errorMessage: error.message, stackTrace: error.stack?.split("\n") };
    await ask("POST", `${id}/error`, JSON.stringify(failure));
  }
}
