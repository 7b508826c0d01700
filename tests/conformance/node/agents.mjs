// What openai-node's own conveniences make of a server: parsed answers and tool runners with zod.
//
//   cd tests/conformance/node && npm ci
//   node agents.mjs                                      # asks what `make run` serves
//   BASE_URL=http://127.0.0.1:7055/v1 API_KEY=… MODEL=gpt-5.4 node agents.mjs
//
// It asks a dozen short questions.

import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import {
  BOTH, City, PERSON, Person, SNOW, WEATHER, Zone, apiKey, baseURL, model, run, want,
} from "./checks.mjs";

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const response_format = zodResponseFormat(Person, "person");

function user(content) {
  return [{ role: "user", content }];
}

// Tools that write down what they were called with.
function tools(called) {
  const named = (name, parameters, result) =>
    zodFunction({
      name,
      parameters,
      function: (given) => {
        called.push([name, parameters.parse(given)]);
        return result;
      },
    });
  return [named("get_weather", City, SNOW), named("get_time", Zone, "noon")];
}

async function looped(question, options) {
  const called = [];
  const runner = client.chat.completions.runTools(
    { model, messages: user(question), tools: tools(called), ...options },
    { maxChatCompletions: 4 },
  );
  const text = await runner.finalContent();
  const final = await runner.finalChatCompletion();
  want(final.choices[0].finish_reason === "stop", final);
  want(/4|noon/.test(text), text);
  const calls = runner.messages.flatMap(({ tool_calls }) => (tool_calls ? [tool_calls.length] : []));
  return { text, called: called.map(([name]) => name).sort(), calls };
}

await run({
  async parsed() {
    const answer = await client.chat.completions.parse({
      model, messages: user(PERSON), response_format,
    });
    const [{ message, finish_reason }] = answer.choices;
    want(finish_reason === "stop" && message.refusal === null, message);
    return { person: Person.parse(message.parsed) };
  },

  async parsed_stream() {
    const stream = client.chat.completions.stream({
      model, messages: user(PERSON), response_format,
    });
    const grown = [];
    stream.on("content.delta", ({ parsed }) => grown.push(parsed));
    const final = await stream.finalChatCompletion();
    want(grown.length > 0, "nothing on the way");
    want(final.choices[0].finish_reason === "stop", final);
    return { person: Person.parse(final.choices[0].message.parsed) };
  },

  async json_object() {
    const answer = await client.chat.completions.create({
      model,
      messages: user(`${PERSON} Answer with a JSON object.`),
      response_format: { type: "json_object" },
    });
    return { object: JSON.parse(answer.choices[0].message.content) };
  },

  async tool_loop() {
    const told = await looped(WEATHER, {});
    want(told.called.join() === "get_weather", told.called);
    return told;
  },

  async streamed_tool_loop() {
    const told = await looped(BOTH, { stream: true });
    want(told.called.join() === "get_time,get_weather", told.called);
    want(told.calls.join() === "2", told.calls);
    return told;
  },

  async one_call() {
    const told = await looped(BOTH, { stream: true, parallel_tool_calls: false });
    want(told.calls.length > 0 && told.calls.every((count) => count === 1), told.calls);
    return told;
  },
});
