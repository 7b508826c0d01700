// What openai-node makes of a server: one JSON line per check, {"check", "ok", …}.
//
//   cd tests/conformance/node && npm ci
//   node chat.mjs                                        # asks what `make run` serves
//   BASE_URL=http://127.0.0.1:7055/v1 API_KEY=… MODEL=gpt-5.4 node chat.mjs
//
// It asks a handful of short questions. The exit status is 1 when a check failed.

import OpenAI, { BadRequestError, NotFoundError } from "openai";

const baseURL = process.env.BASE_URL ?? "http://127.0.0.1:7055/v1";
const apiKey = process.env.API_KEY ?? "none";
const model = process.env.MODEL ?? "gpt-5.4";
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Say hello in one short sentence." }];

const tool = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const call = {
  model,
  messages: [{ role: "user", content: "Call get_weather for Geneva." }],
  tools: [tool],
  tool_choice: { type: "function", function: { name: "get_weather" } },
};

function want(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}

async function raised(kind, ask) {
  try {
    await ask();
  } catch (error) {
    want(error instanceof kind, `${error.constructor.name} instead of ${kind.name}`);
    return error;
  }
  throw new Error(`no ${kind.name}`);
}

const checks = {
  async models() {
    const ids = [];
    for await (const each of client.models.list()) ids.push(each.id);
    want(ids.length > 0, "the list is empty");
    want((await client.models.retrieve(ids[0])).id === ids[0], "retrieved another model");
    const error = await raised(NotFoundError, () => client.models.retrieve("no/such/model"));
    want(error.code === "model_not_found", `code ${error.code}`);
    return { models: ids.length };
  },

  async whole() {
    const { data, request_id } = await client.chat.completions
      .create({ model, messages })
      .withResponse();
    want(request_id && data._request_id === request_id, "no request id");
    want(data.model === model, `model ${data.model}`);
    want(data.usage.total_tokens > 0, "no usage");
    want(data.choices[0].message.content, "no text");
    return { text: data.choices[0].message.content };
  },

  async streamed() {
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    let text = "";
    let chunks = 0;
    for await (const chunk of stream) {
      want(chunk.choices.length === 1 && !chunk.usage, "usage that nobody asked for");
      text += chunk.choices[0].delta.content ?? "";
      chunks += 1;
    }
    want(text, "no text");
    return { text, chunks };
  },

  async usage() {
    const stream = await client.chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const last = chunks.pop();
    want(last.choices.length === 0 && last.usage.total_tokens > 0, "no usage chunk at the end");
    want(chunks.every((chunk) => chunk.choices.length === 1), "a chunk without choices");
    return { usage: last.usage };
  },

  async tools() {
    const whole = await client.chat.completions.create(call);
    const final = await client.chat.completions.stream(call).finalChatCompletion();
    for (const { message, finish_reason } of [whole.choices[0], final.choices[0]]) {
      want(finish_reason === "tool_calls", `finish reason ${finish_reason}`);
      want(message.tool_calls.length === 1, `${message.tool_calls.length} calls`);
      want(message.tool_calls[0].function.name === "get_weather", "not the tool that was named");
      JSON.parse(message.tool_calls[0].function.arguments);
    }
    return { arguments: whole.choices[0].message.tool_calls[0].function.arguments };
  },

  async mistakes() {
    const error = await raised(BadRequestError, () =>
      client.chat.completions.create({ model, messages: [] }),
    );
    want(error.param === "messages", `param ${error.param}`);
    want(error.requestID, "no request id");
    await raised(NotFoundError, () => client.get("/no/such/path"));
    return { message: error.message };
  },

  async leaving() {
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
    want(stream.controller.signal.aborted, "the request goes on");
    return {};
  },
};

for (const [check, run] of Object.entries(checks)) {
  try {
    console.log(JSON.stringify({ check, ok: true, ...(await run()) }));
  } catch (error) {
    process.exitCode = 1;
    console.log(JSON.stringify({ check, ok: false, error: String(error) }));
  }
}
