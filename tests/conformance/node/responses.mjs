// What openai-node makes of the Responses dialect: whole answers, streams, parsed answers, tools.
//
//   cd tests/conformance/node && npm ci
//   node responses.mjs                                   # asks what `make run` serves
//   BASE_URL=http://127.0.0.1:7055/v1 API_KEY=… MODEL=gpt-5.4 node responses.mjs
//
// It asks a dozen short questions.

import OpenAI, { BadRequestError, NotFoundError } from "openai";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import {
  BOTH, City, HELLO, PERSON, Person, SNOW, WEATHER, Zone, apiKey, baseURL, model, run, want,
} from "./checks.mjs";

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const text = { format: zodTextFormat(Person, "person") };
const tools = [
  zodResponsesFunction({ name: "get_weather", parameters: City, function: () => SNOW }),
  zodResponsesFunction({ name: "get_time", parameters: Zone, function: () => "noon" }),
];
const shell = { type: "custom", name: "run_shell", description: "Runs one line in a shell." };

async function whole(request) {
  return client.responses.parse({ model, ...request });
}

async function streamed(request) {
  return client.responses.stream({ model, ...request }).finalResponse();
}

async function raised(asked, kind) {
  try {
    await asked();
  } catch (error) {
    want(error instanceof kind, error);
    return error;
  }
  throw new Error("nothing was raised");
}

// Asks until there is an answer in words; what was called on the way, sorted.
async function looped(ask, question) {
  const input = [{ role: "user", content: question }];
  const called = [];
  for (let round = 0; round < 3; round += 1) {
    const response = await ask({ input, tools });
    const calls = response.output.filter(({ type }) => type === "function_call");
    if (calls.length === 0) {
      want(/4|noon/.test(response.output_text), response.output_text);
      return { text: response.output_text, called: called.sort() };
    }
    input.push(...response.output);
    for (const { name, call_id, parsed_arguments } of calls) {
      const is_weather = name === "get_weather";
      (is_weather ? City : Zone).parse(parsed_arguments);
      called.push(name);
      input.push({ type: "function_call_output", call_id, output: is_weather ? SNOW : "noon" });
    }
  }
  throw new Error("no end of calls");
}

await run({
  async whole() {
    const response = await client.responses.create({ model, input: HELLO });
    want(response.status === "completed" && response.output_text, response);
    want(response._request_id, "no request id");
    want(response.usage.total_tokens > 0, response.usage);
    return { text: response.output_text };
  },

  async streamed() {
    const stream = client.responses.stream({ model, input: HELLO });
    let said = "";
    stream.on("response.output_text.delta", ({ delta }) => { said += delta; });
    const response = await stream.finalResponse();
    want(said && said === response.output_text, { said, response });
    return { text: said };
  },

  async raw_events() {
    const types = [];
    let text = "";
    const events = await client.responses.create({ model, input: HELLO, stream: true });
    for await (const event of events) {
      types.push(event.type);
      want(event.sequence_number === types.length - 1, event);
      if (event.type === "response.output_text.delta") text += event.delta;
      if (event.type === "response.output_text.done") want(event.text === text, event);
    }
    want(types[0] === "response.created" && types.at(-1) === "response.completed", types);
    return { text };
  },

  async parsed() {
    const response = await whole({ input: PERSON, text });
    return { person: Person.parse(response.output_parsed) };
  },

  async parsed_stream() {
    const response = await streamed({ input: PERSON, text });
    return { person: Person.parse(response.output_parsed) };
  },

  async tool_loop() {
    const told = await looped(whole, WEATHER);
    want(told.called.join() === "get_weather", told);
    return told;
  },

  async streamed_tool_loop() {
    const told = await looped(streamed, BOTH);
    want(told.called.join() === "get_time,get_weather", told);
    return told;
  },

  async freeform_tool() {
    const input = "List the files with run_shell.";
    const response = await streamed({ input, tools: [shell], tool_choice: "required" });
    const [call] = response.output.filter(({ type }) => type === "custom_tool_call");
    want(call?.name === "run_shell" && typeof call.input === "string", response.output);
    return { input: call.input };
  },

  async mistakes() {
    const asked = { model, input: [] };
    const error = await raised(() => client.responses.create(asked), BadRequestError);
    want(error.param === "input" && error.requestID, error);
    return { message: error.message };
  },

  async not_kept() {
    const error = await raised(() => client.responses.retrieve("resp_1"), NotFoundError);
    return { message: error.message };
  },
});
