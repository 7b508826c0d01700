// Asks a server one question with openai-node and tells, as one JSON line, how that went:
// the text, the error as the SDK raised it, and how many requests were sent for it.
//
//   cd tests/conformance/node && npm ci
//   node ask.mjs                 # what `make run` serves, a whole answer
//   node ask.mjs --stream
//   MAX_RETRIES=2 BASE_URL=http://127.0.0.1:7055/v1 API_KEY=… MODEL=gpt-5.4 node ask.mjs
//
// The exit status is 0 either way: an error is an answer too.

import OpenAI, { APIError } from "openai";

const told = { text: "", error: null, requests: 0 };

const client = new OpenAI({
  baseURL: process.env.BASE_URL ?? "http://127.0.0.1:7055/v1",
  apiKey: process.env.API_KEY ?? "none",
  maxRetries: Number(process.env.MAX_RETRIES ?? 0),
  fetch: (url, options) => {
    told.requests += 1;
    return fetch(url, options);
  },
});
const question = {
  model: process.env.MODEL ?? "gpt-5.4",
  messages: [{ role: "user", content: "Say hello in one short sentence." }],
};

try {
  if (process.argv.includes("--stream")) {
    const stream = await client.chat.completions.create({ ...question, stream: true });
    for await (const chunk of stream) told.text += chunk.choices[0].delta.content ?? "";
  } else {
    const answer = await client.chat.completions.create(question);
    told.text = answer.choices[0].message.content;
  }
} catch (error) {
  if (!(error instanceof APIError)) throw error;
  const { status = null, code, type, message } = error;
  told.error = { name: error.constructor.name, status, code, type, message };
}
console.log(JSON.stringify(told));
